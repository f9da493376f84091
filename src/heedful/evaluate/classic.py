"""The classic measures as trec_eval has them, from ranked lists without building a dictionary a measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heedful.evaluate.ranks import Ranking

Floats = NDArray[np.float64]


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

    length: of the ranked list. found: (1-based rank, grade) of its documents with a grade other than 0, best first.
    ideal: all judged gains above 0 of the topic, descending. relevant: how many judged documents count as relevant.
    threshold: the lowest grade that does.
    """

    length: int
    found: tuple[tuple[int, int], ...]
    ideal: tuple[int, ...]
    relevant: int
    threshold: int

    def relevant_ranks(self, k: int | None = None) -> list[int]:
        """Ranks of the relevant documents, ascending (among the first k)."""
        return [r for r, grade in self.found if grade >= self.threshold and (k is None or r <= k)]


def judged(ranking: Ranking, grades: Mapping[str, int], threshold: int = 1) -> Judged:
    """A ranked list read against its judgments. Scores count in single precision, as trec_eval holds them."""
    rank = ranking.in_single_precision().rank
    found = [(r, grade) for id, grade in grades.items() if grade and (r := rank.get(id))]
    found.sort()
    return Judged(
        length=len(ranking),
        found=tuple(found),
        ideal=tuple(sorted((grade for grade in grades.values() if grade > 0), reverse=True)),
        relevant=sum(grade >= threshold for grade in grades.values()),
        threshold=threshold,
    )


def ndcg(topic: Judged, k: int | None = None) -> float:
    """NDCG in [0, 1]: linear gain, negative grades count 0, the ideal from all judged documents, cut at k too."""
    ideal = topic.ideal if k is None else topic.ideal[:k]
    if not ideal:
        return 0.0
    deepest = topic.found[-1][0] if topic.found else 0
    weights = _weights(1 << max(deepest, len(ideal)).bit_length())
    best = sum(gain * weight for gain, weight in zip(ideal, weights, strict=False))
    gained = sum(grade * weights[r - 1] for r, grade in topic.found if grade > 0 and (k is None or r <= k))
    return gained / best


def precision(topic: Judged, k: int) -> float:
    """The share of relevant documents among the first k; a shorter list counts as filled up with others."""
    return len(topic.relevant_ranks(k)) / k if k else 0.0


def recall(topic: Judged, k: int) -> float:
    """The share of all relevant documents that is among the first k."""
    return len(topic.relevant_ranks(k)) / topic.relevant if topic.relevant else 0.0


def average_precision(topic: Judged, k: int | None = None) -> float:
    """Precision at each relevant document (of the first k), summed, over the number of all relevant documents."""
    if not topic.relevant:
        return 0.0
    return sum(i / r for i, r in enumerate(topic.relevant_ranks(k), 1)) / topic.relevant


def reciprocal_rank(topic: Judged, k: int | None = None) -> float:
    """1 over the rank of the first relevant document; 0 where there is none (among the first k)."""
    ranks = topic.relevant_ranks(k)
    return 1 / ranks[0] if ranks else 0.0


def r_precision(topic: Judged) -> float:
    """Precision at the number of relevant documents."""
    return precision(topic, topic.relevant)


@lru_cache(maxsize=32)
def _weights(n: int) -> tuple[float, ...]:
    return tuple(discounts(n).tolist())
