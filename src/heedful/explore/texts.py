"""Ranking texts that are in no collection: by a query and an instruction, with a collection's encoder and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heedful.explore.scoring import blend, coverage, whole_of_query, whole_of_seeds
from heedful.explore.start import encode_block, encode_clauses, start_from_text
from heedful.records import Document, Plan

if TYPE_CHECKING:
    from heedful.explore.explorer import Explorer


@dataclass(frozen=True, slots=True)
class RankedTexts:
    """order: positions of the texts, best first. scores: of each text, in its own order, candidate standard deviations.

    plan: what the instruction was understood as. warnings: in words.
    """

    order: tuple[int, ...]
    scores: tuple[float, ...]
    plan: Plan
    warnings: tuple[str, ...] = ()


def rank_texts(explorer: Explorer, query: str, texts: Sequence[str], instruction: str = "") -> RankedTexts:
    """Score texts as `explore` scores candidates; a tie keeps the given order. Raises BadInput for an empty query.

    A query of three or more sentences is a seed. Scores compare these texts with each other and mean nothing across
    calls. A filter has nothing to filter here, which a warning says.
    """
    index, encoder = explorer.index, explorer.encoder
    plan = explorer.plan(instruction)
    start = start_from_text(index, encoder, query)
    if not texts:
        return RankedTexts((), (), plan)
    once = list(dict.fromkeys(texts))  # the same text has the same score, to the last bit
    _, block = encode_block(index, encoder, [Document(str(n), text=text) for n, text in enumerate(once)])
    if start.block is not None:
        whole = whole_of_seeds(start.block, block)
    else:
        assert start.query is not None
        words = index.terms_of_texts([(start.text, ())]).counts.indices
        whole = whole_of_query(start.query, coverage(words, block.terms), block)
    scores = blend(
        whole,
        start.block,
        block,
        plan,
        wanted=encode_clauses(index, encoder, plan.wanted),
        avoided=encode_clauses(index, encoder, plan.avoided),
        query=start.query,
    )
    warnings = scores.warnings
    if plan.where is not None:
        warnings += (f"the filter {plan.where!r} was left out: these texts have no metadata",)
    score_of = dict(zip(once, scores.total.tolist(), strict=True))
    values = [score_of[text] for text in texts]
    order = sorted(range(len(texts)), key=lambda n: -values[n])
    return RankedTexts(tuple(order), tuple(values), plan, warnings)
