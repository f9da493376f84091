"""Ranks of documents: score down, then id down, without sorting names where scores tell all documents apart."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heedful.errors import BadInput

Ints = NDArray[np.int64]
NEAREST = 4


def plain_ranks(scores: Mapping[str, float]) -> dict[str, int]:
    """Document -> 1-based rank: the plain version of `Ranking`."""
    order = sorted(scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
    return {id: rank for rank, (id, _) in enumerate(order, 1)}


class Ranking:
    """One ranked topic. Raises BadInput for a score that is NaN."""

    def __init__(self, scores: Mapping[str, float], topic: str = ""):
        self.scores = scores
        values = np.fromiter(scores.values(), dtype=np.float64, count=len(scores))
        if np.isnan(values).any():
            raise BadInput(f"topic {topic!r} has a score that is NaN; expected numbers")
        self._ascending = np.argsort(values)  # where there are ties, names decide, in _by_name
        self._sorted = values[self._ascending]
        self._ties = bool((self._sorted[1:] == self._sorted[:-1]).any())

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def order(self) -> list[str]:
        """The ids, best first."""
        if self._ties:
            return list(self._by_name)
        ids = list(self.scores)
        return [ids[i] for i in self._ascending[::-1].tolist()]

    def ranks(self, ids: Sequence[str]) -> Ints:
        """1-based ranks of the ids; one past the end for those that are not there."""
        beyond = len(self) + 1
        if self._ties:
            return np.array([self._by_name.get(id, beyond) for id in ids], dtype=np.int64)
        scores = np.array([self.scores.get(id, np.nan) for id in ids], dtype=np.float64)
        found = len(self) - np.searchsorted(self._sorted, scores, side="left")
        return np.where(np.isnan(scores), beyond, found).astype(np.int64)

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return plain_ranks(self.scores)


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
