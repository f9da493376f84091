"""Which aspect each sentence belongs to: from the data's labels, a labeller's probabilities, or nearest prototypes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heedful.records import Document, DocumentVectors, Sentence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heedful.corpus.aspects import AspectScheme

    Floats = NDArray[np.float32]

TEMPERATURE = 0.05  # of the softmax over cosines to the prototypes


def aspect_matrix(labels: Sequence[str], scheme: AspectScheme) -> Floats:
    """(labels, aspects), 1 where the scheme counts the label to the aspect."""
    out = np.zeros((len(labels), len(scheme.names)), dtype=np.float32)
    for row, label in enumerate(labels):
        aspect = scheme.aspect_of(label)
        if aspect is not None:
            out[row, scheme.names.index(aspect)] = 1.0
    return out


def given_labels(sentences: Sequence[Sentence], scheme: AspectScheme) -> Floats:
    """(sentences, aspects), one-hot by the sentences' own labels; a row of zeros where a label means no aspect."""
    return aspect_matrix([sentence.label for sentence in sentences], scheme)


def all_labelled(document: Document) -> bool:
    """Whether every sentence of the document, and there is one, came with a label."""
    return bool(document.sentences) and all(sentence.label for sentence in document.sentences)


def relabelled(document: Document, probabilities: Floats, labels: Sequence[str]) -> Document:
    """The document with each sentence's likeliest label. probabilities: (sentences, labels)."""
    sentences = (
        replace(sentence, label=labels[int(row.argmax())] if row.any() else "")
        for sentence, row in zip(document.sentences, probabilities, strict=True)
    )
    return replace(document, sentences=tuple(sentences))


def prototype_probabilities(sentences: Floats, prototypes: Floats) -> Floats:
    """Softmax over cosines. sentences: (n, d), prototypes: (aspects, d), unit rows. Returns (n, aspects)."""
    logits = sentences @ prototypes.T / TEMPERATURE
    logits -= logits.max(axis=1, keepdims=True, initial=-np.inf)
    weights = np.exp(logits)
    out: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return out


def unit_rows(rows: Floats) -> Floats:
    """Rows divided by their length; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    out: Floats = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return out


def document_vectors(
    document: Document, whole: Floats, sentences: Floats, probabilities: Floats, names: Sequence[str]
) -> DocumentVectors:
    """Whole and sentence vectors, unit rows, with one vector an aspect made from them.

    A document has an aspect when that aspect is the likeliest reading of a sentence (likelier than none at all); its
    vector is the mean of all sentence vectors, weighted by their probability of that aspect.
    """
    none = 1.0 - probabilities.sum(axis=1, keepdims=True)
    likeliest = np.concatenate([probabilities, none], axis=1).argmax(axis=1) if len(sentences) else ()
    present = [n for n in range(len(names)) if n in likeliest]
    rows = unit_rows(probabilities.T[present] @ sentences) if present else ()
    aspects = {names[n]: row for n, row in zip(present, rows, strict=True)}
    return DocumentVectors(document, whole, sentences, aspects, probabilities)
