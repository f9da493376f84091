"""Scoring given candidates from a start under a plan: what explore and the benchmarks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heedful.explore.scoring import Block, ClauseVector, Scores, blend, whole_of_query, whole_of_seeds
from heedful.explore.start import Start
from heedful.records import Hit, Plan, ranked

if TYPE_CHECKING:
    from heedful.index import Index


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Candidates with their scores, in the candidates' own order, beside the same without the plan."""

    ids: tuple[str, ...]
    block: Block
    scores: Scores

    @property
    def instructed(self) -> list[Hit]:
        """Best first, under the plan."""
        return ranked(dict(zip(self.ids, self.scores.total.tolist(), strict=True)))

    @property
    def uninstructed(self) -> list[Hit]:
        """Best first, by likeness to the start alone."""
        return ranked(dict(zip(self.ids, self.scores.parts["whole"].tolist(), strict=True)))


def rank_candidates(
    index: Index,
    start: Start,
    ids: Sequence[str],
    plan: Plan,
    *,
    wanted: Sequence[ClauseVector] = (),
    avoided: Sequence[ClauseVector] = (),
    unlike: Sequence[str] = (),
) -> Ranked:
    """Score these candidates. The seeds are not taken out: the caller decides who is a candidate."""
    ids = tuple(ids)
    block = Block(index.vectors(ids), index.terms(ids))
    if start.block is not None:
        whole = whole_of_seeds(start.block, block)
    else:
        assert start.query is not None
        whole = whole_of_query(start.query, index.score_text(start.text, ids), block)
    scores = blend(
        whole,
        start.block,
        block,
        plan,
        wanted=wanted,
        avoided=avoided,
        unlike=Block(index.vectors(unlike), index.terms(unlike)) if unlike else None,
        query=start.query,
    )
    return Ranked(ids, block, scores)
