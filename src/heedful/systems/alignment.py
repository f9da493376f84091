"""Systems that align sentences: `align` on the index's own vectors, otAspire and tsAspire on their models'."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from heedful.explore.evidence import Evidence
from heedful.explore.scoring import meant
from heedful.records import Topic, ranked
from heedful.rerank.alignment import Alignment, By, align
from heedful.rerank.optimal_transport import BLUR
from heedful.systems.protocol import ASPECT, Collection, Needs, Ranking
from heedful.systems.sentences import AspireSentences, EncodedSentences, IndexedSentences, Sentences, Start

if TYPE_CHECKING:
    from heedful.encode.pretrained import Weights
    from heedful.records import Vector

logger = logging.getLogger("heedful.systems")
Labels = Literal["predicted", "data"]
Planning = Literal["auto", "given"]
PAIRS = 2


@dataclass(frozen=True, slots=True)
class Align:
    """Align the seed's sentences with each candidate's, read by the default encoder in their document's context.

    by: "ot" (optimal transport) or "maxsim" (each seed sentence with its best). An instruction that means an aspect
    keeps the seed's sentences of that aspect; candidates stay whole. labels: the sentences' aspects as this package
    predicts them, or as the data gives them. plan: "auto" reads the instruction, "given" is told the aspect's name.
    temperature, blur: of `ot`. In explorations the index's own vectors and labels are used.
    """

    by: Literal["ot", "maxsim"] = "ot"
    labels: Labels = "predicted"
    plan: Planning = "auto"
    temperature: float = 1.0
    blur: float = BLUR
    needs: ClassVar[Needs] = Needs(size="90 MB, comes with the package", licence="Apache-2.0")

    @property
    def given(self) -> frozenset[str]:
        """The aspect's name, where the plan is given."""
        return frozenset({ASPECT}) if self.plan == "given" else frozenset()

    def open(self, collection: Collection) -> AlignmentRanker:
        """Take the vectors of the index that the documents come from, else of the cache, else encode them."""
        from heedful.encode import load_encoder
        from heedful.systems.collection import open_collection

        sentences: Sentences
        if collection.index is not None:
            sentences = IndexedSentences(collection.index, collection.encoder)
        else:
            encoder = load_encoder(labels=self.labels)
            if collection.name:
                sentences = IndexedSentences(open_collection(collection, encoder), encoder)
            else:
                sentences = EncodedSentences(collection.documents, encoder)
        return AlignmentRanker(sentences, self.by, self.plan, self.temperature, self.blur)


@dataclass(frozen=True, slots=True)
class _Aspire:
    """model: hub name or folder; revision: of the hub. labels, plan: as for `align`."""

    model: str = ""
    revision: str = ""
    labels: Labels = "predicted"
    plan: Planning = "auto"

    @property
    def given(self) -> frozenset[str]:
        """The aspect's name, where the plan is given."""
        return frozenset({ASPECT}) if self.plan == "given" else frozenset()

    def _open(self, usual: Weights, collection: Collection, by: By) -> AlignmentRanker:
        weights = usual.chosen(self.model, self.revision)
        labels = "data" if collection.index is not None else self.labels  # an index's documents come labelled
        sentences = AspireSentences.open(collection, weights, labels)
        return AlignmentRanker(sentences, by, self.plan)


@dataclass(frozen=True, slots=True)
class OtAspire(_Aspire):
    """otAspire: optimal transport between contextual sentences, the aspect's on the seed side, as published."""

    needs: ClassVar[Needs] = Needs(
        size="440 MB (allenai/aspire-contextualsentence-multim-compsci)", licence="Apache-2.0"
    )

    def open(self, collection: Collection) -> AlignmentRanker:
        """Load the model and encode the collection. Raises Missing where the model is not there."""
        from heedful.encode.scientific import OT_ASPIRE

        return self._open(OT_ASPIRE, collection, "ot")


@dataclass(frozen=True, slots=True)
class TsAspire(_Aspire):
    """tsAspire: the nearest pair of contextual sentences, by L2; the aspect's sentences on the seed side."""

    needs: ClassVar[Needs] = Needs(
        size="440 MB (allenai/aspire-contextualsentence-singlem-compsci)", licence="Apache-2.0"
    )

    def open(self, collection: Collection) -> AlignmentRanker:
        """Load the model and encode the collection. Raises Missing where the model is not there."""
        from heedful.encode.scientific import TS_ASPIRE

        return self._open(TS_ASPIRE, collection, "nearest")


@dataclass(frozen=True, slots=True)
class AlignmentRanker:
    """Any of them, opened."""

    sentences: Sentences
    by: By
    plan: Planning = "auto"
    temperature: float = 1.0
    blur: float = BLUR

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates; the input is the start's sentences that were aligned."""
        start = self._start(topic)
        scores = self._aligned(start, candidates).scores
        return Ranking(ranked(dict(zip(candidates, scores.tolist(), strict=True))), ("\n".join(start.texts),))

    def evidence(self, topic: Topic, ids: Sequence[str], most: int = PAIRS) -> dict[str, tuple[Evidence, ...]]:
        """Id -> the aligned pairs that carry most of the plan, with their cosine."""
        start = self._start(topic)
        found = self._aligned(start, ids)
        rows, offsets = self.sentences.rows(ids)
        return {
            id: tuple(
                Evidence(
                    start.texts[row],
                    texts[column],
                    start.aspects[row],
                    _cosine(start.vectors[row], rows[int(offsets[place]) + column]),
                )
                for row, column, *_ in found.pairs(place, most)
            )
            for place, (id, texts) in enumerate(zip(ids, self.sentences.texts(ids), strict=True))
        }

    def alignment(self, topic: Topic, ids: Sequence[str]) -> tuple[Start, Alignment]:
        """The start's sentences that take part, and how they align: plan and distances of every candidate."""
        start = self._start(topic)
        return start, self._aligned(start, ids)

    def spec(self) -> dict[str, Any]:
        """What encodes and how it is aligned, for manifests."""
        way = {"by": self.by, "plan": self.plan, "temperature": self.temperature, "blur": self.blur}
        return {**self.sentences.spec(), **way}

    def _aligned(self, start: Start, ids: Sequence[str]) -> Alignment:
        rows, offsets = self.sentences.rows(ids)
        if not len(start.texts):
            return Alignment(np.zeros(len(ids)), np.zeros((len(ids), 0, 0)), np.zeros((len(ids), 0, 0)))
        return align(start.vectors, rows, offsets, self.by, temperature=self.temperature, blur=self.blur)

    def _start(self, topic: Topic) -> Start:
        """The start with the sentences that the topic asks for; with all of them where it has none such."""
        start = self.sentences.start(topic)
        if self.plan == "given":
            weights = {topic.aspect: 1.0} if topic.aspect else {}
        else:
            weights = meant(self.sentences.plan(topic.instruction).aspects)
        kept = [n for n, aspect in enumerate(start.aspects) if _asked(aspect, weights)]
        if not kept and weights:
            logger.warning("topic %s: the seed has no sentences of %s; all are aligned", topic.id, ", ".join(weights))
        return start.only(kept) if kept else start


def _cosine(a: Vector, b: Vector) -> float:
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


def _asked(aspect: str, weights: Mapping[str, float]) -> bool:
    """Whether a sentence takes part: of an aspect that is asked for, else of none that is set aside."""
    wanted = [name for name, weight in weights.items() if weight > 0]
    return aspect in wanted if wanted else aspect not in weights
