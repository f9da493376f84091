"""Systems that compare one vector a document with one vector a topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from heedful.encode.pretrained import Weights, load_errors
from heedful.encode.saved_template import fill_template, saved_template
from heedful.errors import BadSystem, Missing
from heedful.records import Topic, ranked
from heedful.systems.collection import cached_vectors
from heedful.systems.protocol import Collection, Needs, Ranking, text_of, topic_text

if TYPE_CHECKING:
    from heedful.records import Vector

Delivery = Literal["none", "prefix"]


class VectorRanker:
    """Cosine between a topic's vector and the candidates'.

    vectors: (documents, dim), unit rows, in the collection's order. write: topic -> the string its model gets. encode:
    strings -> (strings, dim), unit rows. stored: whether a topic whose string is its only seed's own text takes the
    seed's stored vector. about: what encodes, for manifests.
    """

    def __init__(
        self,
        collection: Collection,
        vectors: Vector,
        write: Callable[[Topic], str],
        encode: Callable[[Sequence[str]], Vector],
        stored: bool = True,
        about: Mapping[str, Any] | None = None,
    ):
        self.collection, self.vectors, self.write, self.encode, self.stored = collection, vectors, write, encode, stored
        self.about = about
        self.rows = {id: row for row, id in enumerate(collection.documents)}

    def spec(self) -> dict[str, Any]:
        """What encodes, for manifests."""
        return dict(self.about or {})

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates by cosine."""
        text = self.write(topic)
        seeds = topic.seeds
        if self.stored and len(seeds) == 1 and text == text_of(self.collection.documents[seeds[0]]):
            vector = self.vectors[self.rows[seeds[0]]]
        else:
            vector = self.encode([text])[0]
        scores = self.vectors[[self.rows[id] for id in candidates]] @ vector
        return Ranking(ranked(dict(zip(candidates, scores.tolist(), strict=True))), (text,))


@dataclass(frozen=True, slots=True)
class MiniLM:
    """The plain all-MiniLM-L6-v2 over title and text, 512 tokens.

    instruction: "none" leaves it out, "prefix" writes it before the seed's text.
    """

    instruction: Delivery = "none"
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(size="90 MB, comes with the package", licence="Apache-2.0")

    def open(self, collection: Collection) -> VectorRanker:
        """Encode the collection, or take its vectors from the cache."""
        from heedful.encode import load_encoder

        encoder = load_encoder(labels="data")
        spec: Mapping[str, Any] = {key: encoder.spec()[key] for key in ("name", "digest", "dim")} | {"vector": "whole"}

        def compute() -> Vector:
            documents = collection.documents.values()
            return np.stack([value.whole for value in encoder.encode_documents(documents)])

        return VectorRanker(
            collection,
            cached_vectors(collection, spec, compute),
            lambda topic: written(topic, collection, self.instruction),
            encoder.encode_queries,
            about=spec,
        )


@dataclass(frozen=True, slots=True)
class SentenceTransformer:
    """Any sentence-transformers model by hub name or path, with the prompts that it was saved with.

    model: hub name or folder. instruction: "none" or "prefix". template: how instruction and text become the query,
    with {instruction} and {text}; empty for the model's own where its folder names one, else the two in that order.
    length: the longest input in tokens, the model's own where 0.
    """

    model: str = ""
    instruction: Delivery = "prefix"
    template: str = ""
    length: int = 0
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs(size="the model", licence="the model's", gpu="large models", extra="train")

    def open(self, collection: Collection) -> VectorRanker:
        """Load the model and encode the collection.

        Raises Missing where model or package is not there, Mismatch for damaged weights.
        """
        if not self.model:
            raise BadSystem("st: found no model; expected st(model=NAME or folder)")
        template = self.template or saved_template(self.model)
        if "{text}" not in template:
            raise BadSystem(f"st: found the template {template!r}; expected {{text}} in it")
        try:
            from heedful.encode.instructed import load_sentence_transformer
        except ImportError as error:
            raise Missing("st needs sentence-transformers; pip install 'heedful[train]'") from error
        try:
            model: Any = load_sentence_transformer(self.model)
        except load_errors() as error:
            raise Weights(self.model).failed(error) from error
        if self.length:
            model.max_seq_length = self.length
        before = (model.prompts or {}).get("query", "")

        def encode(texts: Sequence[str]) -> Vector:
            return np.asarray(model.encode_query(list(texts), normalize_embeddings=True), dtype=np.float32)

        def compute() -> Vector:
            texts = [text_of(document) for document in collection.documents.values()]
            return np.asarray(model.encode_document(texts, normalize_embeddings=True), dtype=np.float32)

        spec = {
            "st": Weights(self.model).spec(),
            "length": model.max_seq_length,
            "dim": model.get_embedding_dimension(),
        }
        ranker = VectorRanker(
            collection,
            cached_vectors(collection, spec, compute),
            lambda topic: written(topic, collection, self.instruction, template),
            encode,
            stored=False,
            about=spec,
        )
        return _Prompted(ranker, before) if before else ranker


class _Prompted(VectorRanker):
    """The same, with the record of the prompt that the model itself puts before every query."""

    def __init__(self, ranker: VectorRanker, before: str):
        super().__init__(ranker.collection, ranker.vectors, ranker.write, ranker.encode, ranker.stored, ranker.about)
        self.before = before

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates by cosine."""
        answer = super().rank(topic, candidates)
        return Ranking(answer.hits, tuple(self.before + text for text in answer.inputs or ()))


def written(
    topic: Topic, collection: Collection, instruction: Delivery = "prefix", template: str = "{instruction} {text}"
) -> str:
    """The string that a topic becomes: its text (or its seeds' titles and texts), with the instruction or without."""
    text = topic_text(topic, collection.documents)
    if instruction == "none" or not topic.instruction:
        return text
    return fill_template(template, topic.instruction, text)
