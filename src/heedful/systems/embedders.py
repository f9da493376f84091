"""Published embedders as systems: SciNCL, SPECTER2, GritLM, and models with a prompt (Qwen3-Embedding and its like)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np

from heedful.errors import BadSystem
from heedful.records import Document, Topic, ranked
from heedful.systems.collection import cached_vectors
from heedful.systems.protocol import Collection, Needs, Ranking, seeds_of, text_of, topic_text

if TYPE_CHECKING:
    from heedful.encode.embedding import TextEmbedder
    from heedful.encode.prompted import PromptedEmbedder
    from heedful.records import Vector

Delivery = Literal["none", "prefix"]
Distance = Literal["l2", "cosine"]
Written: TypeAlias = tuple[str, str]  # what goes before the text, and the text; the model's input is the two joined


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingRanker:
    """One vector a document against one vector a topic. vectors: (documents, dim) in the order of `rows`."""

    vectors: Vector
    rows: Mapping[str, int]
    write: Callable[[Topic], Written]
    encode: Callable[[Sequence[Written]], Vector]
    distance: Distance
    about: Mapping[str, Any]

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates: nearest first."""
        written = self.write(topic)
        query = self.encode([written])[0].astype(np.float64)
        found = self.vectors[[self.rows[id] for id in candidates]].astype(np.float64)
        if self.distance == "l2":
            scores = -np.linalg.norm(found - query, axis=1)
        else:
            scores = found @ query / np.maximum(np.linalg.norm(found, axis=1) * np.linalg.norm(query), 1e-12)
        return Ranking(ranked(dict(zip(candidates, scores.tolist(), strict=True))), ("".join(written),))

    def spec(self) -> dict[str, Any]:
        """What encodes, for manifests."""
        return dict(self.about)


@dataclass(frozen=True, slots=True)
class SciNCL:
    """SciNCL: the first token of title and abstract.

    instruction: "prefix" writes it before the seed's text, "none" leaves it out; the model is not trained to heed it.
    distance: "l2" as it was trained, or "cosine". model: hub name or folder; revision: of the hub.
    """

    instruction: Delivery = "prefix"
    distance: Distance = "l2"
    model: str = ""
    revision: str = ""
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(size="440 MB (malteos/scincl)", licence="MIT")

    def open(self, collection: Collection) -> EmbeddingRanker:
        """Load the model and encode the collection. Raises Missing where the model is not there."""
        from heedful.encode.scientific import SCINCL, scincl

        weights = SCINCL.chosen(self.model, self.revision)
        return _open_papers(scincl(weights), collection, {"scincl": weights.spec()}, self.instruction, self.distance)


@dataclass(frozen=True, slots=True)
class Specter2:
    """SPECTER2 with its proximity adapter: the first token of title and abstract.

    instruction, distance, model, revision: as for scincl. adapter: hub name or folder of the adapter.
    """

    instruction: Delivery = "prefix"
    distance: Distance = "l2"
    model: str = ""
    revision: str = ""
    adapter: str = ""
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(size="440 MB (allenai/specter2_base and allenai/specter2)", licence="Apache-2.0")

    def open(self, collection: Collection) -> EmbeddingRanker:
        """Load model and adapter and encode the collection. Raises Missing where they are not there."""
        from heedful.encode.scientific import PROXIMITY, SPECTER2, specter2

        weights, adapter = SPECTER2.chosen(self.model, self.revision), PROXIMITY.chosen(self.adapter)
        about = {"specter2": weights.spec(), "adapter": adapter.spec()}
        return _open_papers(specter2(weights, adapter), collection, about, self.instruction, self.distance)


@dataclass(frozen=True, slots=True)
class GritLM:
    """GritLM-7B: the instruction in a slot of its own, attention both ways, its tokens out of the mean.

    length: the longest input in tokens; what is longer is cut at its end. model: hub name or folder; revision: of the
    hub.
    """

    model: str = ""
    revision: str = ""
    length: int = 512
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(size="14 GB (GritLM/GritLM-7B)", licence="Apache-2.0", gpu="16 GB, or patience")

    def open(self, collection: Collection) -> EmbeddingRanker:
        """Load the model and encode the collection. Raises Missing where the model is not there."""
        from heedful.encode.prompted import GRITLM, gritlm

        _check_length("gritlm", self.length)
        weights = GRITLM.chosen(self.model, self.revision)
        return _open_prompted(
            gritlm(weights, self.length), collection, {"gritlm": weights.spec(), "length": self.length}
        )


@dataclass(frozen=True, slots=True)
class Prompted:
    """A model with a prompt before the query: Qwen3-Embedding, E5-Mistral and their like.

    template: "qwen3", "e5", "plain", or a text with {instruction} and {text}. pooling: "cls", "mean", "last", or "auto"
    for what the model's folder says. length: the longest input in tokens. model: hub name or folder; revision: of the
    hub.
    """

    model: str = ""
    revision: str = ""
    template: str = "qwen3"
    pooling: Literal["auto", "cls", "mean", "last"] = "auto"
    length: int = 1024
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(size="1.2 GB (Qwen/Qwen3-Embedding-0.6B)", licence="Apache-2.0", gpu="helps")

    def open(self, collection: Collection) -> EmbeddingRanker:
        """Load the model and encode the collection. Raises Missing where the model is not there."""
        from heedful.encode.prompted import QWEN3, prompt_of, prompted

        _check_length("prompted", self.length)
        weights, prompt = QWEN3.chosen(self.model, self.revision), prompt_of(self.template)
        embedder = prompted(weights, prompt, self.pooling, self.length)
        about = {
            "prompted": weights.spec(),
            "document": prompt.document,
            "pooling": embedder.embedder.pooling,
            "length": self.length,
        }
        return _open_prompted(embedder, collection, about)


def _open_papers(
    embedder: TextEmbedder, collection: Collection, about: Mapping[str, Any], instruction: Delivery, distance: Distance
) -> EmbeddingRanker:
    from heedful.encode.scientific import paper_text

    separator = str(embedder.loaded.tokenizer.sep_token)

    def paper(document: Document) -> str:
        return paper_text(document.title, document.text or _joined(document), separator)

    def write(topic: Topic) -> Written:
        text = topic.text or " ".join(paper(seed) for seed in seeds_of(topic, collection.documents))
        told = instruction == "prefix" and topic.instruction
        return (f"{topic.instruction} " if told else "", text)

    def encode(written: Sequence[Written]) -> Vector:
        return embedder.encode([before + text for before, text in written])

    return EmbeddingRanker(
        cached_vectors(collection, about, lambda: encode([("", paper(d)) for d in collection.documents.values()])),
        {id: row for row, id in enumerate(collection.documents)},
        write,
        encode,
        distance,
        about,
    )


def _open_prompted(embedder: PromptedEmbedder, collection: Collection, about: Mapping[str, Any]) -> EmbeddingRanker:
    prompt = embedder.prompt

    def compute() -> Vector:
        return embedder.encode_written([prompt.of_document(text_of(d)) for d in collection.documents.values()])

    return EmbeddingRanker(
        cached_vectors(collection, about, compute),
        {id: row for row, id in enumerate(collection.documents)},
        lambda topic: prompt.query(topic_text(topic, collection.documents), topic.instruction),
        embedder.encode_written,
        "cosine",
        about,
    )


def _joined(document: Document) -> str:
    return " ".join(sentence.text for sentence in document.sentences)


def _check_length(name: str, length: int) -> None:
    if length < 8:
        raise BadSystem(f"{name}: found length={length}; expected 8 or more")
