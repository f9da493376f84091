"""The classic measures as trec_eval has them, from ranked lists without building a dictionary a topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from heedful.errors import BadInput
from heedful.records import Hit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@lru_cache(maxsize=64)
def discounts(n: int, undiscounted: int = 1) -> Floats:
    """1/log2 weights of ranks 1..n. undiscounted: 1 (rank i by log2(i + 1)) or 2 (rank i by log2(i), 1 for rank 1)."""
    ranks = np.arange(1, n + 1)
    weights: Floats = 1 / np.log2(np.maximum(ranks + (2 - undiscounted), 2))
    weights.setflags(write=False)
    return weights


def dcg(gains: Floats, undiscounted: int = 1) -> float:
    """Discounted cumulated gain of a list of gains (n,), best rank first; linear gain.

    Source: Järvelin and Kekäläinen 2002; `undiscounted=2` is its original form with base 2.
    """
    return float(gains @ discounts(len(gains), undiscounted)) if len(gains) else 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One ranked topic, as trec_eval sees it.

    length: of the ranked list. ranks: 1-based, ascending, of its documents with a grade other than 0. grades: theirs.
    ideal: all judged gains of the topic, descending, negative ones as 0. relevant: how many judged documents count
    as relevant. threshold: the lowest grade that does.
    """

    length: int
    ranks: Ints
    grades: Ints
    ideal: Floats
    relevant: int
    threshold: int

    @property
    def found(self) -> Ints:
        """Ranks of the relevant documents."""
        return self.ranks[self.grades >= self.threshold]


def judged(topic: str, hits: Sequence[Hit], grades: Mapping[str, int], threshold: int = 1) -> Judged:
    """A ranked list read against its judgments.

    Order: score down, then id down, whatever the order of the hits; scores are compared in single precision, as
    trec_eval does. Raises BadInput for a document that occurs twice and a score that is NaN.
    """
    ids = [hit.id for hit in hits]
    if len(set(ids)) < len(ids):
        raise BadInput(f"topic {topic!r} ranks a document twice; expected each document once")
    with np.errstate(over="ignore"):
        scores = np.array([hit.score for hit in hits], dtype=np.float64).astype(np.float32)
    if np.isnan(scores).any():
        raise BadInput(f"topic {topic!r} has a score that is NaN; expected numbers")
    if not _in_order(ids, scores):
        ids = [id for _, id in sorted(zip(scores.tolist(), ids, strict=True), reverse=True)]
    found = np.fromiter(map(grades.get, ids, repeat(0)), dtype=np.int64, count=len(ids))
    at = np.flatnonzero(found)
    every = np.fromiter(grades.values(), dtype=np.int64, count=len(grades))
    return Judged(
        length=len(ids),
        ranks=at + 1,
        grades=found[at],
        ideal=np.sort(np.maximum(every, 0))[::-1].astype(np.float64),
        relevant=int((every >= threshold).sum()),
        threshold=threshold,
    )


def ndcg(topic: Judged, k: int | None = None) -> float:
    """NDCG in [0, 1]: linear gain, negative grades count 0, the ideal from all judged documents, cut at k too."""
    best = dcg(topic.ideal if k is None else topic.ideal[:k])
    if best <= 0:
        return 0.0
    kept = (topic.ranks <= (topic.length if k is None else k)) & (topic.grades > 0)
    return float(topic.grades[kept] @ discounts(topic.length)[topic.ranks[kept] - 1]) / best


def precision(topic: Judged, k: int) -> float:
    """The share of relevant documents among the first k; a shorter list counts as filled up with others."""
    return int((topic.found <= k).sum()) / k if k else 0.0


def recall(topic: Judged, k: int) -> float:
    """The share of all relevant documents that is among the first k."""
    return int((topic.found <= k).sum()) / topic.relevant if topic.relevant else 0.0


def average_precision(topic: Judged, k: int | None = None) -> float:
    """Precision at each relevant document (of the first k), summed, over the number of all relevant documents."""
    found = topic.found if k is None else topic.found[topic.found <= k]
    return float((np.arange(1, len(found) + 1) / found).sum()) / topic.relevant if topic.relevant else 0.0


def reciprocal_rank(topic: Judged, k: int | None = None) -> float:
    """1 over the rank of the first relevant document; 0 where there is none (among the first k)."""
    found = topic.found
    return 1 / int(found[0]) if len(found) and (k is None or found[0] <= k) else 0.0


def r_precision(topic: Judged) -> float:
    """Precision at the number of relevant documents."""
    return precision(topic, topic.relevant)


def _in_order(ids: Sequence[str], scores: NDArray[np.float32]) -> bool:
    rises, ties = scores[1:] > scores[:-1], np.flatnonzero(scores[1:] == scores[:-1])
    return not rises.any() and all(ids[i] > ids[i + 1] for i in ties.tolist())
