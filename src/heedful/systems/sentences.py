"""Where sentence vectors come from: an index, the default encoder, an Aspire model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heedful.corpus import split_sentences
from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.encode.labels import given_labels
from heedful.explore.planning import make_plan
from heedful.records import Document, DocumentVectors, Plan, Topic
from heedful.systems.collection import cached_vectors
from heedful.systems.protocol import Collection, seeds_of

if TYPE_CHECKING:
    from heedful.encode.pretrained import Weights
    from heedful.encode.scientific import ContextualSentences
    from heedful.index import Index
    from heedful.records import Vector
    from heedful.seams import DocumentEncoder

Rows: TypeAlias = tuple["Vector", NDArray[np.int64]]  # sentences (total, dim), offsets (documents + 1,)


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """The sentences of a topic's seeds, or of its text. vectors: (q, dim). aspects: of each, "" for none."""

    texts: tuple[str, ...]
    vectors: Vector
    aspects: tuple[str, ...]

    def only(self, numbers: Sequence[int]) -> Start:
        """Some of the sentences."""
        return Start(
            tuple(self.texts[n] for n in numbers), self.vectors[list(numbers)], tuple(self.aspects[n] for n in numbers)
        )


class Sentences(Protocol):
    """Sentence vectors of a collection, and of what a topic starts from."""

    def rows(self, ids: Sequence[str]) -> Rows:
        """The sentence vectors of these documents, in order."""
        ...

    def texts(self, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The texts that those rows belong to."""
        ...

    def start(self, topic: Topic) -> Start:
        """What the topic starts from, all of it."""
        ...

    def plan(self, instruction: str) -> Plan:
        """What an instruction is understood as."""
        ...

    def spec(self) -> dict[str, Any]:
        """What encodes, for manifests."""
        ...


def aspect_names(probabilities: NDArray[np.floating], names: Sequence[str]) -> tuple[str, ...]:
    """The likeliest aspect of each sentence, "" where none at all is likelier. probabilities: (sentences, aspects)."""
    if not len(probabilities):
        return ()
    none = 1.0 - probabilities.sum(axis=1)
    best = probabilities.argmax(axis=1)
    return tuple(
        names[column] if row[column] >= rest and row[column] > 0 else ""
        for row, column, rest in zip(probabilities, best, none, strict=True)
    )


def text_document(text: str) -> Document:
    """A text as a document of sentences."""
    return Document(id="", text=text, sentences=split_sentences(text))


def split(document: Document) -> Document:
    """The document with sentences, where it came without."""
    if document.sentences or not document.text.strip():
        return document
    return replace(document, sentences=split_sentences(document.text))


class IndexedSentences:
    """The vectors of an index. encoder: of texts; the index's own is loaded where none is given."""

    def __init__(self, index: Index, encoder: DocumentEncoder | None = None):
        self.index, self._encoder = index, encoder

    @property
    def encoder(self) -> DocumentEncoder:
        """The encoder that the index was built with. Raises Mismatch where the one at hand is another."""
        if self._encoder is None:
            self._encoder = self.index.load_encoder()
        return self._encoder

    @property
    def scheme(self) -> AspectScheme:
        """The aspects that sentences are labelled with."""
        return self.index.scheme

    def rows(self, ids: Sequence[str]) -> Rows:
        """The sentence vectors of these documents, in order."""
        block = self.index.vectors(ids)
        return block.sentences, block.offsets

    def texts(self, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The texts that those rows belong to."""
        return [tuple(s.text for s in document.sentences) for document in self.index.documents(ids)]

    def start(self, topic: Topic) -> Start:
        """What the topic starts from, all of it."""
        if not topic.seeds:
            return _encoded_start(self.encoder, [text_document(topic.text)])
        block = self.index.vectors(topic.seeds)
        texts = tuple(text for texts in self.texts(topic.seeds) for text in texts)
        return Start(texts, block.sentences, aspect_names(block.probabilities, self.index.aspects))

    def plan(self, instruction: str) -> Plan:
        """What an instruction is understood as."""
        own = self.scheme != SCIENCE
        return make_plan(
            instruction,
            scheme=self.scheme,
            columns=dict(self.index.columns),
            encoder=self.encoder if own and instruction.strip() else None,
        )

    def spec(self) -> dict[str, Any]:
        """What encodes, for manifests."""
        return dict(self.index.manifest.encoder)


class EncodedSentences:
    """Documents encoded now and kept in memory: the candidates of one question."""

    def __init__(self, documents: Mapping[str, Document], encoder: DocumentEncoder):
        self.encoder = encoder
        self._values: dict[str, DocumentVectors] = dict(
            zip(documents, encoder.encode_documents(documents.values()), strict=True)
        )

    def rows(self, ids: Sequence[str]) -> Rows:
        """The sentence vectors of these documents, in order."""
        return _stacked([self._values[id].sentences for id in ids], self.encoder.dim)

    def texts(self, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The texts that those rows belong to."""
        return [tuple(s.text for s in self._values[id].document.sentences) for id in ids]

    def start(self, topic: Topic) -> Start:
        """What the topic starts from, all of it."""
        if topic.seeds:
            return _start_of([self._values[id] for id in topic.seeds], self.encoder)
        return _encoded_start(self.encoder, [text_document(topic.text)])

    def plan(self, instruction: str) -> Plan:
        """What an instruction is understood as."""
        return make_plan(instruction)

    def spec(self) -> dict[str, Any]:
        """What encodes, for manifests."""
        return dict(self.encoder.spec())


@dataclass(slots=True)
class AspireSentences:
    """An Aspire model's vectors, a row a sentence; a sentence that the model cut off has a row of NaN.

    labels: who says which aspect a seed's sentence belongs to.
    """

    documents: Mapping[str, Document]
    weights: Weights
    model: ContextualSentences
    vectors: Vector
    offsets: Mapping[str, tuple[int, int]]
    labels: Literal["predicted", "data"]
    _labeller: DocumentEncoder | None = field(default=None, repr=False)

    @classmethod
    def open(cls, collection: Collection, weights: Weights, labels: Literal["predicted", "data"]) -> AspireSentences:
        """Load the model and encode the collection, or take its vectors from the cache. Raises Missing."""
        from heedful.encode.scientific import aspire

        model = aspire(weights)
        documents = {id: split(document) for id, document in collection.documents.items()}
        ends = np.cumsum([0, *(len(document.sentences) for document in documents.values())]).tolist()
        offsets = dict(zip(documents, pairwise(ends), strict=True))

        def compute() -> Vector:
            vectors = np.full((ends[-1], model.loaded.model.config.hidden_size), np.nan, np.float32)
            for (start, _), (numbers, found) in zip(
                offsets.values(), model.encode(list(documents.values())), strict=True
            ):
                vectors[[start + n for n in numbers]] = found
            return vectors

        spec = {"aspire": weights.spec(), "tokens": model.max_tokens}
        vectors = cached_vectors(collection, spec, compute, rows=ends[-1])
        return cls(documents, weights, model, vectors, offsets, labels)

    def rows(self, ids: Sequence[str]) -> Rows:
        """The sentence vectors of these documents, in order."""
        return _stacked([self._kept(id)[1] for id in ids], self.vectors.shape[1])

    def texts(self, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The texts that those rows belong to."""
        return [tuple(self.documents[id].sentences[n].text for n in self._kept(id)[0]) for id in ids]

    def start(self, topic: Topic) -> Start:
        """What the topic starts from, all of it."""
        if topic.seeds:
            documents = seeds_of(topic, self.documents)
            kept = [self._kept(seed) for seed in topic.seeds]
        else:
            documents = [text_document(topic.text)]
            kept = self.model.encode(documents)
        texts, aspects = [], []
        for document, (numbers, _), names in zip(documents, kept, map(self._aspects, documents), strict=True):
            texts += [document.sentences[n].text for n in numbers]
            aspects += [names[n] for n in numbers]
        return Start(tuple(texts), np.concatenate([found for _, found in kept]), tuple(aspects))

    def plan(self, instruction: str) -> Plan:
        """What an instruction is understood as."""
        return make_plan(instruction)

    def spec(self) -> dict[str, Any]:
        """What encodes, for manifests."""
        return {"name": self.weights.name, "revision": self.weights.revision, "labels": self.labels}

    def _kept(self, id: str) -> tuple[tuple[int, ...], Vector]:
        start, end = self.offsets[id]
        rows = self.vectors[start:end]
        numbers = np.flatnonzero(~np.isnan(rows).any(axis=1)) if len(rows) else np.zeros(0, np.int64)
        return tuple(numbers.tolist()), rows[numbers]

    def _aspects(self, document: Document) -> tuple[str, ...]:
        if self.labels == "data":
            return aspect_names(given_labels(document.sentences, SCIENCE), SCIENCE.names)
        if self._labeller is None:
            from heedful.encode import load_encoder

            self._labeller = load_encoder(labels="predicted")
        (value,) = self._labeller.encode_documents([document])
        return aspect_names(value.probabilities, self._labeller.aspects)


def _encoded_start(encoder: DocumentEncoder, documents: Sequence[Document]) -> Start:
    return _start_of(list(encoder.encode_documents(documents)), encoder)


def _start_of(values: Sequence[DocumentVectors], encoder: DocumentEncoder) -> Start:
    texts = tuple(s.text for value in values for s in value.document.sentences)
    aspects = tuple(name for value in values for name in aspect_names(value.probabilities, encoder.aspects))
    return Start(texts, np.concatenate([value.sentences for value in values]), aspects)


def _stacked(parts: Sequence[Vector], dim: int) -> Rows:
    offsets = np.cumsum([0, *map(len, parts)]).astype(np.int64)
    filled = [part for part in parts if len(part)]
    return (np.concatenate(filled) if filled else np.zeros((0, dim), np.float32)), offsets
