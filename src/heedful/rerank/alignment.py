"""Sentence to sentence: how a start's sentences find their like in each candidate, and which ones they find.

Three ways, all over sentences that were read in their document's context: optimal transport (otAspire), the best
candidate sentence for every sentence of the start, averaged (max-sim), and the single nearest pair (tsAspire).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heedful.rerank.optimal_transport import BLUR, Doubles, sinkhorn

if TYPE_CHECKING:
    from heedful.records import Vector

By: TypeAlias = Literal["ot", "maxsim", "nearest"]
LOWEST = 1e3  # how far below the lowest a candidate without sentences is scored


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How the q sentences of a start align with those of n candidates, the longest of which has s.

    scores: (n,), higher is more alike. plan: (n, q, s), how much of the start each pair carries, summing to 1 a
    candidate that has sentences, 0 elsewhere. distances: (n, q, s), L2, 0 where padded.
    """

    scores: Doubles
    plan: Doubles
    distances: Doubles

    def pairs(self, candidate: int, most: int = 2) -> list[tuple[int, int, float, float]]:
        """The pairs that carry most: (start's sentence, candidate's sentence, mass, distance), each sentence once."""
        left = self.plan[candidate].copy()
        found: list[tuple[int, int, float, float]] = []
        while len(found) < most and left.size and left.max() > 0:
            row, column = divmod(int(left.argmax()), left.shape[1])
            found.append((row, column, float(left[row, column]), float(self.distances[candidate, row, column])))
            left[row, :] = left[:, column] = 0
        return found


def align(
    start: Vector,
    sentences: Vector,
    offsets: NDArray[np.int64],
    by: By = "ot",
    *,
    temperature: float = 1.0,
    blur: float = BLUR,
) -> Alignment:
    """Align a start's sentences (q, dim), at least one, with those of n candidates.

    sentences: (total, dim). offsets: (n + 1,); candidate i's are rows offsets[i]:offsets[i+1]. temperature: of the
    softmax that weighs sentences by their nearest distance, for `ot`. The score is minus the plan's mean distance, for
    `maxsim` minus its mean half squared distance (of unit vectors: the mean cosine, less one). A candidate without
    sentences is scored last.
    """
    distances, there = _distances(start, sentences, offsets)
    plan = _WAYS[by](distances, there, temperature, blur)
    scores = -(plan * (distances**2 / 2 if by == "maxsim" else distances)).sum(axis=(1, 2))
    has = there.any(axis=1)
    if not has.all():
        scores[~has] = scores[has].min(initial=0.0) - LOWEST
    return Alignment(scores, plan, distances)


def _distances(start: Vector, sentences: Vector, offsets: NDArray[np.int64]) -> tuple[Doubles, NDArray[np.bool_]]:
    """L2 distances (n, q, s), 0 where padded, and which of the s there are (n, s)."""
    lengths = np.diff(offsets)
    most = int(lengths.max(initial=1))
    there = np.arange(most)[None, :] < lengths[:, None]
    left, right = start.astype(np.float64), sentences.astype(np.float64)
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :] - 2 * left @ right.T
    flat = np.sqrt(np.maximum(squares, 0.0))
    out = np.zeros((len(lengths), len(start), most))
    n, s = np.nonzero(there)
    out[n, :, s] = flat[:, int(offsets[0]) : int(offsets[-1])].T
    return out, there


def _by_transport(distances: Doubles, there: NDArray[np.bool_], temperature: float, blur: float) -> Doubles:
    """Transport between sentences weighted by a softmax of minus their distance to the nearest on the other side.

    Source: Mysore et al. 2022, arXiv:2111.08366, with its temperature 1 and blur 0.05.
    """
    has = there.any(axis=1)
    plan = np.zeros_like(distances)
    if not has.any():
        return plan
    cost, there = distances[has], there[has]
    far = np.where(there[:, None, :], cost, np.inf)
    rows = _softmax(-far.min(axis=2) / temperature)
    columns = _softmax(np.where(there, -cost.min(axis=1), -np.inf) / temperature)
    plan[has] = sinkhorn(cost, rows, columns, blur=blur)
    return plan


def _by_best(distances: Doubles, there: NDArray[np.bool_], temperature: float, blur: float) -> Doubles:
    """Every sentence of the start weighs the same and goes to its nearest."""
    del temperature, blur
    nearest = np.where(there[:, None, :], distances, np.inf).argmin(axis=2)
    plan = np.zeros_like(distances)
    np.put_along_axis(plan, nearest[:, :, None], 1.0 / distances.shape[1], axis=2)
    return plan * _some(there)


def _by_nearest(distances: Doubles, there: NDArray[np.bool_], temperature: float, blur: float) -> Doubles:
    """The nearest of all pairs carries everything."""
    del temperature, blur
    flat = np.where(there[:, None, :], distances, np.inf).reshape(len(distances), -1)
    plan = np.zeros_like(flat)
    np.put_along_axis(plan, flat.argmin(axis=1)[:, None], 1.0, axis=1)
    return plan.reshape(distances.shape) * _some(there)


def _some(there: NDArray[np.bool_]) -> Doubles:
    """(n, 1, 1) 1 where a candidate has sentences, else 0."""
    out: Doubles = there.max(axis=1, initial=False).astype(np.float64).reshape(-1, 1, 1)
    return out


def _softmax(values: Doubles) -> Doubles:
    weights = np.exp(values - values.max(axis=1, keepdims=True))
    out: Doubles = weights / weights.sum(axis=1, keepdims=True)
    return out


_WAYS: dict[By, Callable[[Doubles, NDArray[np.bool_], float, float], Doubles]] = {
    "ot": _by_transport,
    "maxsim": _by_best,
    "nearest": _by_nearest,
}
