"""From a seed and an instruction to explained hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from heedful import __version__
from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.corpus.titles import letters
from heedful.errors import BadInput, UnknownAspect
from heedful.explore.evidence import Evidence, evidence
from heedful.explore.first_stage import MOST, depth_for, fuse, plain_lists, plan_lists
from heedful.explore.moves import judge, moved
from heedful.explore.planning import make_plan
from heedful.explore.ranking import Ranked, rank_candidates
from heedful.explore.results import Comparison, Exploration, ExploredHit
from heedful.explore.scoring import ClauseVector, meant, standardized
from heedful.explore.start import Start, encode_clauses, start_from_ids, start_from_text
from heedful.index import Index
from heedful.records import Clause, Hit, Plan, Topic

if TYPE_CHECKING:
    from heedful.seams import DocumentEncoder, Reranker

DEFAULT_K = 10
Explain: TypeAlias = Callable[[Sequence[str]], Mapping[str, tuple[Evidence, ...]]]
KEPT_STARTS = 64


def open(path: str | Path) -> Explorer:
    """Open an index to explore it. Raises Missing where there is none, Mismatch where it is damaged."""
    return Explorer(Index.open(Path(path)))


class Explorer:
    """Explores one collection. The encoder is loaded when a text first needs one."""

    def __init__(self, index: Index, encoder: DocumentEncoder | None = None):
        self.index = index
        self._starts: dict[tuple[str, ...], Start] = {}
        if encoder is not None:
            index.require_encoder(encoder.spec())
            self.encoder = encoder

    @cached_property
    def encoder(self) -> DocumentEncoder:
        """The encoder that the index was built with. Raises Mismatch where the one at hand is another."""
        return self.index.load_encoder()

    @cached_property
    def scheme(self) -> AspectScheme:
        """The aspects of this collection, with their definitions."""
        return self.index.scheme

    def plan(
        self,
        instruction: str,
        *,
        aspect: str | None = None,
        avoid: str | Sequence[str] = (),
        steer: float | None = None,
    ) -> Plan:
        """What an instruction is understood as, with this collection's aspects and columns.

        aspect, avoid, steer: change the plan, as they do in `explore`. Raises UnknownAspect.
        """
        own_aspects = self.scheme != SCIENCE  # understood by likeness to their definitions, which takes an encoder
        plan = make_plan(
            instruction,
            scheme=self.scheme,
            columns=dict(self.index.columns),
            encoder=self.encoder if own_aspects and instruction.strip() else None,
            today=date.today().year,
        )
        return self._edited(plan, aspect, avoid, steer)

    def explore(
        self,
        seed: str | Sequence[str] | None = None,
        instruction: str = "",
        *,
        text: str | None = None,
        query: str | None = None,
        unlike: Sequence[str] = (),
        aspect: str | None = None,
        avoid: str | Sequence[str] = (),
        where: str | None = None,
        steer: float | None = None,
        plan: Plan | None = None,
        k: int = DEFAULT_K,
        rerank: Reranker | None = None,
        system: str = "heedful",
    ) -> Exploration:
        """The k best documents from a start, steered by an instruction.

        seed: document ids. text, query: a text to start from instead. unlike: ids to be far from. aspect, avoid,
        where, steer: change the plan that the instruction gives; plan: replaces it. rerank: orders the candidates
        anew (system: its name). Raises UnknownId, UnknownAspect, BadFilter, BadInput.
        """
        if k < 1:
            raise BadInput(f"k is {k}; it must be at least 1")
        if steer is not None and not 0 <= steer <= 1:
            raise BadInput(f"steer is {steer}; it must be between 0 and 1")
        start = self._start(seed, text, query)
        given = plan is not None
        plan = self._edited(self.plan(instruction) if plan is None else plan, aspect, avoid, steer)
        wanted = self._encoded(plan.wanted)
        avoided = self._encoded(plan.avoided)
        narrowed = _both(plan.where, where)
        depth = depth_for(k, start)
        most = max(MOST, depth)
        plain = plain_lists(self.index, start, where, depth)
        lists = plain if narrowed == where else plain_lists(self.index, start, narrowed, depth)
        candidates = fuse([*lists, *plan_lists(self.index, start, plan, wanted, narrowed, depth)], most)
        union = tuple(dict.fromkeys([*candidates, *fuse(plain, most)]))
        everything = rank_candidates(
            self.index, start, union, plan, wanted=wanted, avoided=avoided, unlike=tuple(unlike)
        )
        allowed = frozenset(union) if narrowed == where else self.index.matching(narrowed or "", union)
        instructed = [hit for hit in everything.instructed if hit.id in allowed]
        explain: Explain | None = None
        if rerank is not None:
            said = start.text if start.ids or start.text else str(start.name)  # an unseen seed is named by its text
            topic = Topic("explore", start.ids, said, instruction, aspect or "")
            instructed = rerank.rerank(topic, instructed)
            told = getattr(rerank, "evidence", None)  # a reranker may say what it aligned
            explain = partial(told, topic) if told is not None else None
        uninstructed = everything.uninstructed
        asked = bool(instruction.strip()) or aspect is not None or bool(avoid) or bool(unlike)
        asked = asked or (given and _delivered(plan))
        heed = None
        if asked:
            filtered = narrowed != where
            answers = self._answers(everything, allowed, filtered=filtered)
            heed = judge(
                instructed,
                uninstructed,
                answers,
                delivered=_delivered(plan) or bool(unlike),
                understood=_understood(plan) or bool(unlike) or filtered,
            )
        return Exploration(
            seed=start.name,
            instruction=instruction,
            plan=replace(plan, where=narrowed),
            system=system,
            hits=self._hits(start, instructed, everything, moved(instructed, uninstructed), plan, wanted, k, explain),
            heed=heed,
            warnings=everything.scores.warnings,
            manifest=self._manifest(),
            ranking=tuple(hit.id for hit in instructed),
        )

    def compare(
        self, seed: str | Sequence[str] | None = None, instructions: Sequence[str] = (), **options: Any
    ) -> Comparison:
        """One start under several instructions, side by side. options: as explore takes them."""
        if len(instructions) < 2:
            raise BadInput(f"found {len(instructions)} instruction; comparing needs at least two")
        return Comparison(tuple(self.explore(seed, instruction, **options) for instruction in instructions))

    def _encoded(self, clauses: Sequence[Clause]) -> tuple[ClauseVector, ...]:
        return encode_clauses(self.index, self.encoder, clauses) if clauses else ()

    def _manifest(self) -> dict[str, Any]:
        kept = self.index.manifest
        return {"corpus": kept.corpus, "version": kept.version, "encoder": dict(kept.encoder), "heedful": __version__}

    def _start(self, seed: str | Sequence[str] | None, text: str | None, query: str | None) -> Start:
        given = [name for name, value in (("seed", seed), ("text", text), ("query", query)) if value is not None]
        if len(given) != 1:
            raise BadInput(f"found {' and '.join(given) or 'no start'}; give exactly one of seed, text, query")
        if seed is not None:
            return self._seeds((seed,) if isinstance(seed, str) else tuple(seed))
        return start_from_text(self.index, self.encoder, str(text if query is None else query))

    def _seeds(self, ids: tuple[str, ...]) -> Start:
        """The start from these seeds; people steer one seed many times, so the last few are kept."""
        start = self._starts.get(ids)  # other threads may clear the rest meanwhile
        if start is None:
            start = start_from_ids(self.index, ids)
            if len(self._starts) >= KEPT_STARTS:
                self._starts.clear()
            self._starts[ids] = start
        return start

    def _edited(self, plan: Plan, aspect: str | None, avoid: str | Sequence[str], steer: float | None) -> Plan:
        known = self.index.aspects
        if aspect is not None:
            if aspect not in known:
                raise UnknownAspect(aspect, known)
            plan = replace(plan, aspects={name: 1.0 if name == aspect else 0.0 for name in known})
        for name in plan.aspects:
            if name not in known:
                raise UnknownAspect(name, known)
        avoid = [avoid] if isinstance(avoid, str) else list(avoid)
        if avoid:
            plan = replace(plan, avoided=(*plan.avoided, *(Clause(text) for text in avoid if text.strip())))
        return plan if steer is None else replace(plan, steer=steer)

    def _answers(self, ranked: Ranked, allowed: frozenset[str], *, filtered: bool) -> dict[str, float]:
        """What the plan says of each candidate; a filter counts as one more part."""
        part = ranked.scores.plan
        if filtered:
            part = np.add(part, standardized(np.array([id in allowed for id in ranked.ids], np.float32)))
        return dict(zip(ranked.ids, part.tolist(), strict=True))

    def _hits(
        self,
        start: Start,
        ranking: Sequence[Hit],
        scored: Ranked,
        moves: dict[str, int | None],
        plan: Plan,
        wanted: Sequence[ClauseVector],
        k: int,
        explain: Explain | None,
    ) -> tuple[ExploredHit, ...]:
        ids, folded = _fold(ranking, self.index.titles, [document.title for document in start.documents], k)
        chosen = self.index.documents(ids)
        position = {id: i for i, id in enumerate(scored.ids)}
        seed_vectors = start.block.vectors if start.block is not None else None
        reasons = evidence(chosen, self.index.vectors(ids), start.documents, seed_vectors, plan, wanted)
        reranked = explain(ids) if explain is not None else {}
        score = {hit.id: hit.score for hit in ranking}
        return tuple(
            ExploredHit(
                rank=rank,
                document=document,
                score=score[document.id],
                parts={name: float(values[position[document.id]]) for name, values in scored.scores.parts.items()},
                evidence=reranked.get(document.id, pairs),
                moved=moves[document.id],
                duplicates=tuple(folded.get(document.id, ())),
            )
            for rank, (document, pairs) in enumerate(zip(chosen, reasons, strict=True), start=1)
        )


def _fold(
    ranking: Sequence[Hit], titles: Callable[[Sequence[str]], list[str]], seed_titles: Sequence[str], k: int
) -> tuple[list[str], dict[str, list[str]]]:
    """The first k ids with titles of their own; one whose title a better hit has is folded into that hit."""
    first_with: dict[str, str] = {letters(title): "" for title in seed_titles if letters(title)}
    chosen: list[str] = []
    folded: dict[str, list[str]] = {}
    step = 4 * k + 20
    for begin in range(0, len(ranking), step):
        ids = [hit.id for hit in ranking[begin : begin + step]]
        for id, title in zip(ids, map(letters, titles(ids)), strict=True):
            if len(chosen) == k:
                return chosen, folded
            if title and title in first_with:
                folded.setdefault(first_with[title], []).append(id)
                continue
            first_with[title] = id
            chosen.append(id)
    return chosen, folded


def _both(first: str | None, second: str | None) -> str | None:
    if first and second:
        return f"({first}) AND ({second})"
    return first or second


def _delivered(plan: Plan) -> bool:
    """Whether a plan asks for anything that no instruction would not."""
    return bool(meant(plan.aspects) or plan.wanted or plan.avoided or plan.where)


def _understood(plan: Plan) -> bool:
    """Whether a plan asks for anything beyond the words that fitted nothing."""
    wanted = {clause.text for clause in plan.wanted} - set(plan.not_understood)
    return bool(meant(plan.aspects) or wanted or plan.avoided or plan.where)
