"""Which ids have been seen, in about 24 to 48 bytes an id, however long the ids are."""

from __future__ import annotations

from array import array
from hashlib import blake2b


class SeenIds:
    """A set of ids that only grows.

    It holds a 128-bit BLAKE2b digest of each id in an open-addressing table. Two ids count as equal when their
    digests are: among a billion ids the chance that any two different ones collide is below 1e-20, so a hit is taken
    as exact.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(16 * 1024))  # two words a slot; two zero words are an empty one
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, id: str) -> bool:
        """Put an id in; False where it was in already."""
        digest = blake2b(id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        new = self._put(int.from_bytes(digest[:8], "little") or 1, int.from_bytes(digest[8:], "little"))
        self._count += new
        if 3 * self._count > len(self._slots):  # two thirds of the slots are taken
            self._grow()
        return new

    def _put(self, high: int, low: int) -> bool:
        slots = self._slots
        mask = len(slots) // 2 - 1
        at = high & mask
        while slots[2 * at]:
            if slots[2 * at] == high and slots[2 * at + 1] == low:
                return False
            at = (at + 1) & mask
        slots[2 * at], slots[2 * at + 1] = high, low
        return True

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("Q", bytes(16 * len(old)))
        for at in range(0, len(old), 2):
            if old[at]:
                self._put(old[at], old[at + 1])
