"""The documents near one document, and how near they are: as a whole, and aspect by aspect in two ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heedful.corpus.titles import letters
from heedful.synthesize.rules.pool import Pool

if TYPE_CHECKING:
    from heedful.records import Vector

NEAREST = 80  # an aspect
SAME = 0.95  # whole vectors as close as this are taken for one work in two versions


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Candidates of one seed, m of them.

    rows: (m,) in the pool. whole: (m,) cosines. dense, words: aspect -> (m,) cosines of the aspect's contextual vectors
    and of its words; nan in dense where seed or candidate lacks the aspect. both: aspect -> (m,) the mean of the two,
    each as z-scores over the candidates.
    """

    seed: int
    rows: NDArray[np.int64]
    whole: NDArray[np.float32]
    dense: Mapping[str, NDArray[np.float32]]
    words: Mapping[str, NDArray[np.float32]]
    both: Mapping[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.rows)


def topical_blocks(pool: Pool, rng: np.random.Generator, size: int = 64) -> list[NDArray[np.int64]]:
    """All rows in blocks of about `size` that are alike (each with the nearest of as many random pivots)."""
    pivots = rng.permutation(len(pool))[: max(1, len(pool) // size)]
    nearest = np.concatenate(
        [
            np.argmax(pool.whole[start : start + 1024] @ pool.whole[pivots].T, axis=1)
            for start in range(0, len(pool), 1024)
        ]
    )
    blocks = [np.flatnonzero(nearest == at) for at in range(len(pivots))]
    blocks = [piece for block in blocks for piece in np.array_split(block, -(-len(block) // (2 * size)) or 1)]
    return [blocks[at] for at in rng.permutation(len(blocks)) if len(blocks[at])]


def neighbours(pool: Pool, seeds: NDArray[np.int64], allowed: NDArray[np.bool_]) -> Iterator[Neighbours]:
    """The candidates of each seed: the nearest by every aspect and as a whole; none a version of the seed itself."""
    aspects = tuple(pool.dense)
    found = {aspect: pool.dense[aspect][seeds] @ pool.dense[aspect].T for aspect in aspects}
    whole = pool.whole[seeds] @ pool.whole.T
    for at, seed in enumerate(seeds):
        nearest = [_largest(np.where(allowed, scores[at], -1), NEAREST) for scores in (whole, *found.values())]
        rows = np.unique(np.concatenate(nearest))
        rows = rows[allowed[rows] & (rows != seed) & (whole[at, rows] < SAME)]
        rows = rows[[not same_title(pool.titles[seed], pool.titles[row]) for row in rows]] if len(rows) else rows
        if len(rows) < 4:
            continue
        dense = {a: _present(found[a][at, rows], pool.dense[a][rows], pool.dense[a][seed]) for a in aspects}
        words = {
            a: np.asarray((pool.words[a][rows] @ pool.words[a][seed].T).todense(), np.float32).ravel() for a in aspects
        }
        both = {a: np.asarray((_standard(dense[a]) + _standard(words[a])) / 2, np.float32) for a in aspects}
        yield Neighbours(int(seed), rows, whole[at, rows], dense, words, both)


def _present(cosines: Vector, rows: Vector, seed: Vector) -> Vector:
    """The cosines; nan where seed or candidate has no vector."""
    return np.where(rows.any(axis=1) & seed.any(), cosines, np.nan).astype(np.float32)


def same_title(one: str, other: str) -> bool:
    """Whether two titles have the same letters and digits."""
    return bool(one) and letters(one) == letters(other)


def _largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    return np.argpartition(-scores, k)[:k] if len(scores) > k else np.arange(len(scores))


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Z-scores; nan stays."""
    present = values[~np.isnan(values)]
    spread = float(present.std()) if len(present) else 0.0
    return np.asarray((values - (present.mean() if len(present) else 0.0)) / (spread or 1.0), np.float32)


def order_by(values: Sequence[float] | NDArray[np.float32], k: int) -> list[int]:
    """The k places with the largest values, nan left out, ties by place."""
    kept = np.asarray(values, float)
    return [int(at) for at in np.argsort(-kept, kind="stable")[:k] if np.isfinite(kept[at])]
