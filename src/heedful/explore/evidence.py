"""Why a hit is there: the sentences of the start and of the hit that answer each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heedful.explore.scoring import ClauseVector, in_aspect, meant
from heedful.records import Document, Plan

if TYPE_CHECKING:
    from heedful.index import VectorBlock

PAIRS = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """One aligned pair. seed_sentence: a sentence of the start, or the wanted text. aspect: the aspect along which the
    two were aligned, "wanted" for a wanted text, "" where no aspect was meant. similarity: cosine, in [-1, 1].
    """

    seed_sentence: str
    sentence: str
    aspect: str
    similarity: float

    def to_dict(self) -> dict[str, str | float]:
        """The JSON form."""
        return {
            "seed_sentence": self.seed_sentence,
            "sentence": self.sentence,
            "aspect": self.aspect,
            "similarity": round(self.similarity, 4),
        }


def evidence(
    hits: Sequence[Document],
    vectors: VectorBlock,
    seeds: Sequence[Document],
    seed_vectors: VectorBlock | None,
    plan: Plan,
    wanted: Sequence[ClauseVector] = (),
) -> list[tuple[Evidence, ...]]:
    """The best pairs of each hit: PAIRS an aspect that the plan asks likeness in, one a wanted text.

    hits, vectors: the documents and their vectors in the same order; seeds, seed_vectors likewise (None: the start has
    no sentences). Where no aspect is meant, the best pairs whatever their aspect.
    """
    asked = [aspect for aspect, weight in meant(plan.aspects).items() if weight > 0]
    found = []
    for position, document in enumerate(hits):
        rows = slice(int(vectors.offsets[position]), int(vectors.offsets[position + 1]))
        sentences = vectors.sentences[rows]
        pairs: list[Evidence] = []
        if seed_vectors is not None and len(seed_vectors.sentences) and len(sentences):
            texts = [sentence.text for seed in seeds for sentence in seed.sentences]
            similarity = seed_vectors.sentences @ sentences.T
            for aspect in asked or [""]:
                pairs += _best(similarity, texts, document, aspect, _mask(aspect, seed_vectors, vectors, rows))
        for clause in wanted:
            if len(sentences):
                best = int(np.argmax(sentences @ clause.vector))
                value = float(sentences[best] @ clause.vector)
                pairs.append(Evidence(clause.text, document.sentences[best].text, "wanted", value))
        found.append(tuple(pairs))
    return found


def _mask(aspect: str, seeds: VectorBlock, candidates: VectorBlock, rows: slice) -> np.ndarray:
    """(seed sentences, sentences) which pairs may be shown."""
    if not aspect:
        return np.ones((len(seeds.sentences), rows.stop - rows.start), bool)
    column = list(candidates.aspects).index(aspect)
    return np.logical_and.outer(in_aspect(seeds, column), in_aspect(candidates, column)[rows])


def _best(
    similarity: np.ndarray, seed_texts: Sequence[str], document: Document, aspect: str, allowed: np.ndarray
) -> list[Evidence]:
    """The best pairs, each sentence used once."""
    left = np.where(allowed, similarity, -np.inf)
    pairs = []
    for _ in range(PAIRS):
        row, column = divmod(int(np.argmax(left)), left.shape[1])
        if not np.isfinite(left[row, column]):
            break
        value = float(left[row, column])
        pairs.append(Evidence(seed_texts[row], document.sentences[column].text, aspect, value))
        left[row, :] = left[:, column] = -np.inf
    return pairs
