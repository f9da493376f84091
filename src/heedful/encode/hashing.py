"""An encoder without a model: hashed words. For tests, and for trying things out where no weights are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from heedful.corpus import split_sentences
from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.encode.labels import all_labelled, document_vectors, given_labels, unit_rows
from heedful.encode.passages import document_passage
from heedful.records import Document, DocumentVectors

if TYPE_CHECKING:
    from heedful.encode.backends import Floats

_WORD = re.compile(r"\w+")


class HashEncoder:
    """A deterministic `DocumentEncoder`: a text is the sum of its words' pseudo-random directions.

    Sentences that came without labels are read by place: the first third is the scheme's first aspect, the second its
    second, and so on.
    """

    def __init__(self, dim: int = 64, scheme: AspectScheme = SCIENCE):
        self.dim = dim
        self.aspects = tuple(scheme.names)
        self._scheme = scheme

    def spec(self) -> Mapping[str, Any]:
        """What this encoder is."""
        digest = hashlib.sha256(repr(("hash", self.dim, self.aspects)).encode()).hexdigest()
        return {
            "name": "hash",
            "digest": digest,
            "dim": self.dim,
            "aspects": list(self.aspects),
            "labels": "auto",
            "backend": "numpy",
        }

    def encode_documents(self, documents: Iterable[Document]) -> Iterator[DocumentVectors]:
        """One value a document, in order."""
        for document in documents:
            yield self._encode(document)

    def encode_queries(self, texts: Sequence[str], instructions: Sequence[str] | None = None) -> Floats:
        """(texts, dim) float32, unit rows."""
        if instructions is not None:
            texts = [f"{before} {text}" for before, text in zip(instructions, texts, strict=True)]
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            out[row] = self._vector(text)
        return out

    def _encode(self, document: Document) -> DocumentVectors:
        if not document.sentences and document.text.strip():
            document = replace(document, sentences=tuple(split_sentences(document.text)))
        count = len(document.sentences)
        if count and not all_labelled(document):
            places = (self.aspects[n * len(self.aspects) // count] if self.aspects else "" for n in range(count))
            labelled = (replace(s, label=label) for s, label in zip(document.sentences, places, strict=True))
            document = replace(document, sentences=tuple(labelled))
        whole = self.encode_queries([document_passage(document).text])[0]
        sentences = self.encode_queries([sentence.text for sentence in document.sentences])
        probabilities = given_labels(document.sentences, self._scheme)
        return document_vectors(document, whole, sentences, probabilities, self.aspects)

    def _vector(self, text: str) -> Floats:
        words = _WORD.findall(text.lower()) or [""]
        return unit_rows(np.sum([_direction(word, self.dim) for word in words], axis=0, dtype=np.float32))


@lru_cache(maxsize=65_536)
def _direction(word: str, dim: int) -> Floats:
    seed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
    return np.random.default_rng(seed).standard_normal(dim).astype(np.float32)
