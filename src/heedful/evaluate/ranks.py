"""Ranks of documents: score down, then id down; a list that is in that order already is not sorted again."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heedful.errors import BadInput
from heedful.records import Hit, Run

Ints = NDArray[np.int64]
NEAREST = 4


def plain_ranks(scores: Mapping[str, float]) -> dict[str, int]:
    """Document -> 1-based rank: the plain version of `Ranking`."""
    order = sorted(scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
    return {id: rank for rank, (id, _) in enumerate(order, 1)}


class Ranking:
    """One ranked topic, read once for all measures.

    hits: in any order, or document -> score. order: the ids, best first. rank: id -> 1-based rank. Raises BadInput
    for a score that is NaN and a document that occurs twice; topic: its name, for the message.
    """

    __slots__ = ("_scores", "order", "rank", "topic")

    def __init__(self, hits: Sequence[Hit] | Mapping[str, float], topic: str = ""):
        self.topic = topic
        if isinstance(hits, Mapping):
            ids, given = list(hits), array("d", hits.values())
        else:
            ids, given = [hit.id for hit in hits], array("d", [hit.score for hit in hits])
        self._scores, self.order = _in_order(ids, np.frombuffer(given), topic)
        self.rank = dict(zip(self.order, _counting(len(ids)), strict=False))
        if len(self.rank) < len(ids):
            raise BadInput(f"topic {topic!r} ranks a document twice; expected each document once")

    def __len__(self) -> int:
        return len(self.order)

    def ranks(self, ids: Sequence[str]) -> Ints:
        """1-based ranks of the ids; one past the end for those that are not there."""
        beyond = len(self.order) + 1
        return np.array([self.rank.get(id, beyond) for id in ids], dtype=np.int64)

    def in_single_precision(self) -> Ranking:
        """The same, but scores that single precision cannot tell apart are ties."""
        with np.errstate(over="ignore"):
            scores = self._scores.astype(np.float32)
        if not _misplaced(self.order, scores):
            return self
        return Ranking(dict(zip(self.order, scores.tolist(), strict=True)), self.topic)


def _in_order(ids: list[str], scores: NDArray[np.float64], topic: str) -> tuple[NDArray[np.float64], list[str]]:
    falls = scores[1:] <= scores[:-1]
    if not falls.all() or (len(scores) == 1 and np.isnan(scores[0])):
        if np.isnan(scores).any():
            raise BadInput(f"topic {topic!r} has a score that is NaN; expected numbers")
        descending = np.argsort(-scores, kind="stable")
        scores, ids = scores[descending], [ids[i] for i in descending.tolist()]
    if _misplaced(ids, scores):
        pairs = sorted(zip(scores.tolist(), ids, strict=True), reverse=True)
        ids = [id for _, id in pairs]  # the scores are in that order already
    return scores, ids


def _misplaced(ids: Sequence[str], scores: NDArray[np.floating]) -> bool:
    """Whether ids of one score, which follow each other, are not in descending order."""
    ties = np.flatnonzero(scores[1:] == scores[:-1])
    return any(ids[i] < ids[i + 1] for i in ties.tolist())


@lru_cache(maxsize=8)
def _counted(n: int) -> tuple[int, ...]:
    return tuple(range(1, n + 1))


def _counting(n: int) -> tuple[int, ...]:
    """1, 2, ... up to n or somewhat beyond; the same numbers for all rankings."""
    return _counted(1 << n.bit_length())


Rankings: TypeAlias = Run | Mapping[str, Sequence[Hit] | Mapping[str, float] | Ranking]


def read_rankings(run: Rankings) -> dict[str, Ranking]:
    """Topic -> its ranking: what `score_topics` and `p_mrr` read a run into, to be read once for both."""
    topics = run.topics if isinstance(run, Run) else run
    return {topic: hits if isinstance(hits, Ranking) else Ranking(hits, topic) for topic, hits in topics.items()}


def ideal_ranks(grades: Mapping[str, int], candidates: Sequence[str], ids: Sequence[str]) -> Ints:
    """1-based ranks of ids in the ideal ranking of the candidates: grade down (unjudged is 0), id down.

    candidates: in ascending order, each once. ids: some of them.
    """
    by_grade: dict[int, list[str]] = {}
    for id, grade in grades.items():
        if grade:
            at = bisect_left(candidates, id)
            if at < len(candidates) and candidates[at] == id:
                by_grade.setdefault(grade, []).append(id)
    for same in by_grade.values():
        same.sort()
    graded = sorted(id for same in by_grade.values() for id in same)
    zeros = len(candidates) - len(graded)
    found = []
    for id in ids:
        grade = grades.get(id, 0)
        above = sum(len(same) for other, same in by_grade.items() if other > grade) + (zeros if grade < 0 else 0)
        if grade:
            same = by_grade[grade]
            before = len(same) - bisect_right(same, id)
        else:  # the zeros are the candidates without the graded ones: never listed
            before = zeros - (bisect_right(candidates, id) - bisect_right(graded, id))
        found.append(above + before + 1)
    return np.array(found, dtype=np.int64)


def nearest(ranks: Ints, to: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """For each rank asked for, which of the ascending ranks are the NEAREST to it.

    ranks: (m,). to: (d,). Returns positions in `ranks` (d, NEAREST) and which of them exist (where m is small); of two
    at one distance the better-ranked comes first.
    """
    window = np.searchsorted(ranks, to)[:, None] + np.arange(-NEAREST, NEAREST)
    exists = (window >= 0) & (window < len(ranks))
    window = np.clip(window, 0, max(len(ranks) - 1, 0))
    if not len(ranks):
        return window[:, :NEAREST], exists[:, :NEAREST]
    distance = np.where(exists, np.abs(ranks[window] - to[:, None]), np.iinfo(np.int64).max)
    chosen = np.argsort(distance, axis=1, kind="stable")[:, :NEAREST]
    return np.take_along_axis(window, chosen, 1), np.take_along_axis(exists, chosen, 1)
