"""Which ids have been met, in 8 bytes each."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def id_hash(id: str) -> int:
    """64 bits of the id; two ids of a collection of ten million share them with a chance of 3e-6."""
    return int.from_bytes(hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class SeenIds:
    """A set of ids that keeps hashes in sorted arrays, merged as they fill up."""

    def __init__(self) -> None:
        self._fresh: set[int] = set()
        self._levels: list[NDArray[np.uint64]] = []

    def add(self, hash: int) -> bool:
        """Whether it is new."""
        if hash in self._fresh or any(_holds(level, hash) for level in self._levels):
            return False
        self._fresh.add(hash)
        if len(self._fresh) >= 8192:
            self._settle()
        return True

    def add_all(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """(n,) which of these are new; of equal ones the first is."""
        new = np.zeros(len(hashes), bool)
        new[np.unique(hashes, return_index=True)[1]] = True
        new &= self.missing(hashes)
        self._put(hashes[new])
        return new

    def missing(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """(n,) which of these were never added."""
        self._settle()
        absent = np.ones(len(hashes), bool)
        for level in self._levels:
            absent &= level[np.searchsorted(level, hashes).clip(max=len(level) - 1)] != hashes
        return absent

    def _settle(self) -> None:
        if self._fresh:
            self._put(np.fromiter(self._fresh, np.uint64, len(self._fresh)))
            self._fresh = set()

    def _put(self, hashes: NDArray[np.uint64]) -> None:
        if len(hashes):
            self._levels.append(np.sort(hashes))
        while len(self._levels) > 1 and 2 * len(self._levels[-1]) >= len(self._levels[-2]):
            last = self._levels.pop()
            self._levels[-1] = np.sort(np.concatenate([self._levels[-1], last]))


def _holds(level: NDArray[np.uint64], hash: int) -> bool:
    at = int(np.searchsorted(level, np.uint64(hash)))
    return at < len(level) and int(level[at]) == hash
