"""The one-pass encoder: whole, sentence and aspect vectors of a document from the same forward pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from heedful.corpus import split_sentences
from heedful.encode import labels as aspect_labels
from heedful.encode.backends import make_batch
from heedful.encode.batches import by_length, chunks
from heedful.encode.passages import Passage, Tokens, document_passage
from heedful.records import Document, DocumentVectors

if TYPE_CHECKING:
    from heedful.corpus.aspects import AspectScheme
    from heedful.encode.backends import Backend, Floats
    from heedful.encode.weights import ModelFiles

LabelSource = Literal["auto", "data", "predicted"]
LOOK_AHEAD = 1024  # documents held at once, so that batches can be of like length
MOST_CHARACTERS = 4_000_000  # ... and their characters: fewer documents are held where they are long


@dataclass(slots=True, eq=False)
class _Encoded:
    """vectors: (1 + sentences, H), not yet unit. probabilities: (sentences, labels); None where none were asked for."""

    vectors: Floats
    probabilities: Floats | None


class OnePassEncoder:
    """A `DocumentEncoder` over one model.

    labels: "data" takes the sentences' own labels, "predicted" always ours, "auto" the data's where every sentence of
    the document has one. labeller_digest: empty where `prototypes` (aspects, H), unit rows, tell the aspects instead.
    label_with: the encoder of the model that the labeller belongs to, where that is another one.
    """

    def __init__(
        self,
        files: ModelFiles,
        tokens: Tokens,
        backend: Backend,
        scheme: AspectScheme,
        *,
        labels: LabelSource,
        label_names: Sequence[str] = (),
        labeller_digest: str = "",
        prototypes: Floats | None = None,
        label_with: OnePassEncoder | None = None,
        look_ahead: int = LOOK_AHEAD,
    ):
        self.dim = backend.dim
        self.aspects = tuple(scheme.names)
        self._files, self._tokens, self._backend, self._scheme = files, tokens, backend, scheme
        self._labels, self._label_names, self._labeller_digest = labels, tuple(label_names), labeller_digest
        self._to_aspects = aspect_labels.aspect_matrix(self._label_names, scheme)
        self._prototypes, self._label_with = prototypes, label_with
        self._look_ahead = look_ahead

    def spec(self) -> Mapping[str, Any]:
        """What this encoder is; `digest` covers the weights, the labeller and the scheme of aspects."""
        parts = {
            "model": self._files.digest,
            "pooling": self._files.pooling,
            "labeller": self._labeller_digest if self._labels != "data" else "",
            "scheme": self._scheme.digest(),
        }
        return {
            "name": self._files.name,
            "digest": hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
            "dim": self.dim,
            "aspects": list(self.aspects),
            "labels": self._labels,
            "weights": self._files.digest,
            "labeller": parts["labeller"],
            "backend": self._backend.name,
            "dtype": self._backend.dtype,
            "max_tokens": self._tokens.max_tokens,
        }

    def encode_documents(self, documents: Iterable[Document]) -> Iterator[DocumentVectors]:
        """One value a document, in order; holds a bounded number of documents at once."""
        split = (_split(document) for document in documents)
        for chunk in chunks(split, self._look_ahead, _characters, MOST_CHARACTERS):
            yield from self._encode_chunk(chunk)

    def encode_queries(self, texts: Sequence[str], instructions: Sequence[str] | None = None) -> Floats:
        """(texts, dim) float32, unit rows. An instruction goes before its text; the model is not trained to heed it."""
        if instructions is not None:
            texts = [f"{before} {text}".strip() for before, text in zip(instructions, texts, strict=True)]
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), self._look_ahead):
            part = texts[start : start + self._look_ahead]
            encoded = self._run([Passage(text) for text in part], [False] * len(part))
            rows[start : start + len(part)] = [one.vectors[0] for one in encoded]
        return aspect_labels.unit_rows(rows)

    def release(self) -> None:
        """Free the memory that only encoding needs; the next call takes it again."""
        self._backend.release()
        if self._label_with is not None:
            self._label_with.release()

    def _encode_chunk(self, documents: list[Document]) -> Iterator[DocumentVectors]:
        predict = [self._predicts(document) for document in documents]
        by_model = [want and self._prototypes is None for want in predict]
        passages = [document_passage(document) for document in documents]
        if self._label_with is None:
            encoded = self._run(passages, by_model)
        else:
            encoded = self._run(passages, [False] * len(passages))
            places = [n for n, wanted in enumerate(by_model) if wanted]
            labelled = self._label_with._run([passages[n] for n in places], [True] * len(places))
            for n, other in zip(places, labelled, strict=True):
                encoded[n].probabilities = other.probabilities
        for document, one, want in zip(documents, encoded, predict, strict=True):
            yield self._finish(document, one, want)

    def _predicts(self, document: Document) -> bool:
        if self._labels == "data" or not document.sentences:
            return False
        return self._labels == "predicted" or not aspect_labels.all_labelled(document)

    def _finish(self, document: Document, one: _Encoded, predicted: bool) -> DocumentVectors:
        vectors = aspect_labels.unit_rows(one.vectors)
        whole, sentences = vectors[0], vectors[1:]
        empty = ~sentences.any(axis=1)
        sentences[empty] = whole  # a sentence without a token of its own
        if not predicted:
            probabilities = aspect_labels.given_labels(document.sentences, self._scheme)
        elif self._prototypes is not None:
            probabilities = aspect_labels.prototype_probabilities(sentences, self._prototypes)
            probabilities[empty] = 0.0
            document = aspect_labels.relabelled(document, probabilities, self.aspects)
        else:
            assert one.probabilities is not None
            document = aspect_labels.relabelled(document, one.probabilities, self._label_names)
            probabilities = one.probabilities @ self._to_aspects
        return aspect_labels.document_vectors(document, whole, sentences, probabilities, self.aspects)

    def _padded(self, tokens: int) -> int:
        return -(-tokens // self._backend.multiple) * self._backend.multiple

    def _run(self, passages: Sequence[Passage], label: Sequence[bool]) -> list[_Encoded]:
        """Sums over each passage's tokens, and its sentences' mean probabilities."""
        labels = len(self._label_names)
        out = [
            _Encoded(
                np.zeros((1 + len(passage.spans), self.dim), dtype=np.float32),
                np.zeros((len(passage.spans), labels), dtype=np.float32) if wanted else None,
            )
            for passage, wanted in zip(passages, label, strict=True)
        ]
        windows = [(n, window) for n, cut in enumerate(self._tokens.windows(passages)) for window in cut]
        for wanted in (False, True):
            same = [(n, window) for n, window in windows if label[n] is wanted]
            lengths = [len(window) for _, window in same]
            for positions in by_length(lengths, self._backend.budget, self._padded):
                batch = make_batch([same[p][1] for p in positions], self._files.pooling, self._backend.multiple)
                sums = self._backend.run(batch, wanted)
                for row, p in enumerate(positions):
                    n, window = same[p]
                    _add(out[n], window.sentences, sums.vectors[row], sums.probabilities, batch.pool[row], row)
        for one in out:
            if one.probabilities is not None:
                totals = one.probabilities.sum(axis=1, keepdims=True)
                one.probabilities /= np.where(totals > 0, totals, 1)
        return out


def _add(one: _Encoded, sentences: Any, vectors: Floats, probabilities: Floats | None, pool: Floats, row: int) -> None:
    """Add a window's sums to its passage's; a sentence's probabilities count by its tokens owned there."""
    one.vectors[0] += vectors[0]
    if len(sentences):
        one.vectors[1 + sentences] += vectors[1 : 1 + len(sentences)]
        if one.probabilities is not None and probabilities is not None:
            owned = pool[1 : 1 + len(sentences)].sum(axis=1, keepdims=True)
            one.probabilities[sentences] += np.nan_to_num(probabilities[row, : len(sentences)]) * owned


def _characters(document: Document) -> int:
    return len(document.title) + sum(len(sentence.text) for sentence in document.sentences)


def _split(document: Document) -> Document:
    if document.sentences or not document.text.strip():
        return document
    return replace(document, sentences=tuple(split_sentences(document.text)))
