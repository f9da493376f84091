"""The product itself as a system: an instruction becomes a plan, and structure steers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from heedful.explore import Explorer
from heedful.explore.planning import plan_to_dict
from heedful.explore.ranking import rank_candidates
from heedful.explore.start import Start, encode_clauses, start_from_ids, start_from_text
from heedful.records import Plan, Topic
from heedful.systems.protocol import ASPECT, Collection, Needs, Ranking

if TYPE_CHECKING:
    from heedful.index import Index


@dataclass(frozen=True, slots=True)
class Heedful:
    """Rank by seed and plan, as `heedful explore` scores.

    labels: the sentences' aspects as this package predicts them, or as the data gives them. steer: in [0, 1], the
    default of the scoring where None. plan: "auto" reads the topic's instruction; "given" is told the aspect's name
    and reads nothing. model: "default", "minilm", or an encoder's folder.
    """

    labels: Literal["predicted", "data"] = "predicted"
    steer: float | None = None
    plan: Literal["auto", "given"] = "auto"
    model: str = "default"
    needs: ClassVar[Needs] = Needs(size="90 MB, comes with the package", licence="Apache-2.0")

    @property
    def given(self) -> frozenset[str]:
        """The aspect's name, where the plan is given."""
        return frozenset({ASPECT}) if self.plan == "given" else frozenset()

    def open(self, collection: Collection) -> HeedfulRanker:
        """Index the collection, or take the index that is in the cache."""
        from heedful.encode import load_encoder
        from heedful.systems.collection import open_collection

        encoder = load_encoder(None if self.model == "default" else self.model, labels=self.labels)
        return HeedfulRanker(self, Explorer(open_collection(collection, encoder), encoder))


@dataclass(frozen=True, slots=True)
class HeedfulRanker:
    """The system, opened."""

    system: Heedful
    explorer: Explorer

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates; the input is the start's sentences and the plan."""
        index = self.explorer.index
        start = self._start(topic, index)
        plan = self._plan(topic)
        scored = rank_candidates(
            index,
            start,
            candidates,
            plan,
            wanted=encode_clauses(index, self.explorer.encoder, plan.wanted),
            avoided=encode_clauses(index, self.explorer.encoder, plan.avoided),
        )
        hits = scored.instructed
        if plan.where is not None:  # what the filter leaves out goes last, in its order
            kept = index.matching(plan.where, tuple(candidates))
            hits = [hit for hit in hits if hit.id in kept] + [
                replace(hit, score=hit.score - 100) for hit in hits if hit.id not in kept
            ]
        said = start.text or "\n".join(sentence.text for seed in start.documents for sentence in seed.sentences)
        return Ranking(hits, (said, json.dumps(plan_to_dict(plan), sort_keys=True)))

    def spec(self) -> dict[str, Any]:
        """What encodes and labels, for manifests."""
        return dict(self.explorer.encoder.spec())

    def _start(self, topic: Topic, index: Index) -> Start:
        if topic.seeds:
            return start_from_ids(index, topic.seeds)
        return start_from_text(index, self.explorer.encoder, topic.text)

    def _plan(self, topic: Topic) -> Plan:
        if self.system.plan == "given":
            plan = Plan(aspects={name: float(name == topic.aspect) for name in self.explorer.index.aspects})
        else:
            plan = self.explorer.plan(topic.instruction)
        return plan if self.system.steer is None else replace(plan, steer=self.system.steer)
