"""Cross-encoders as systems: a query with its instruction, and one document, in one input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from heedful.errors import BadSystem
from heedful.records import Topic, ranked
from heedful.systems.protocol import Collection, Needs, Ranking, text_of, topic_text

if TYPE_CHECKING:
    from heedful.rerank.cross_encoder import CrossEncoder


@dataclass(frozen=True, slots=True)
class Cross:
    """A cross-encoder over every candidate: FollowIR-7B, Qwen3-Reranker, monoT5, mT5, or a sequence classifier.

    model: hub name or folder; revision: of the hub. template: "followir", "qwen3", "monot5", "mt5", "pair" (a
    classifier), or "auto" by the model's name and architecture. length: the longest input in tokens; documents are
    shortened at their end to fit.
    """

    model: str
    revision: str = ""
    template: Literal["auto", "followir", "qwen3", "monot5", "mt5", "pair"] = "auto"
    length: int = 2048
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(
        size="the model (jhu-clsp/FollowIR-7B 14 GB, Qwen/Qwen3-Reranker-0.6B 1.2 GB)",
        licence="the model's (these two Apache-2.0)",
        gpu="large models",
    )

    def open(self, collection: Collection) -> CrossRanker:
        """Load the model. Raises Missing where it is not there."""
        from heedful.encode.pretrained import Weights
        from heedful.rerank.cross_encoder import load_cross_encoder

        if self.length < 64:
            raise BadSystem(f"cross: found length={self.length}; expected 64 or more")
        if not self.model:
            raise BadSystem("cross: found no model; expected cross(model=NAME or folder)")
        known = KNOWN.get(self.model, ("", "", ""))
        weights = Weights(self.model, self.revision or known[0] or "main", known[1], known[2])
        return CrossRanker(load_cross_encoder(weights, self.template, self.length), collection, weights.spec())


# revision, size, licence
KNOWN: Mapping[str, tuple[str, str, str]] = {
    "jhu-clsp/FollowIR-7B": ("4d25d437e38b510c01852070c0731e8f6e1875d1", "14 GB", "Apache-2.0"),
    "Qwen/Qwen3-Reranker-0.6B": ("e61197ed45024b0ed8a2d74b80b4d909f1255473", "1.2 GB", "Apache-2.0"),
    "castorini/monot5-base-msmarco-10k": ("f15657ab3d2a5dd0b9a30c8c0b6a0a73c9cb5884", "0.9 GB", ""),
}


@dataclass(frozen=True, slots=True, eq=False)
class CrossRanker:
    """The system, opened."""

    encoder: CrossEncoder
    collection: Collection
    about: Mapping[str, Any]

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates; the input has {document} where each candidate's title and text go."""
        documents = self.collection.documents
        query = topic_text(topic, documents)
        scores = self.encoder.score(query, topic.instruction, [text_of(documents[id]) for id in candidates])
        hits = ranked(dict(zip(candidates, map(float, scores), strict=True)))
        return Ranking(hits, (self.encoder.written(query, topic.instruction),))

    def spec(self) -> dict[str, Any]:
        """What scores, for manifests."""
        return {"cross": dict(self.about), "length": self.encoder.max_tokens, "body": self.encoder.template.body}
