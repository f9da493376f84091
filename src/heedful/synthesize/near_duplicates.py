"""Near-duplicates among many texts, found on disk: MinHash with bands, in a temporary database."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from heedful.synthesize.texts import shingles

_BANDS, _ROWS = 20, 5  # texts of Jaccard 0.8 meet in some band with probability 0.9996, of 0.3 with 0.05
_PRIME = np.uint64((1 << 31) - 1)


class NearDuplicates:
    """Remembers texts; says of each whether one like it was there before.

    likeness: Jaccard coefficient of the runs of three words, estimated from 100 MinHashes, in (0, 1]. Memory stays
    flat: what is remembered lies in a temporary file.
    """

    def __init__(self, likeness: float = 0.8):
        self.likeness = likeness
        random = np.random.default_rng(20_251)
        self._a = random.integers(1, int(_PRIME), _BANDS * _ROWS, dtype=np.uint64)
        self._b = random.integers(0, int(_PRIME), _BANDS * _ROWS, dtype=np.uint64)
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, signature BLOB)")
        self._db.execute("CREATE TABLE bands (hash INTEGER, id INTEGER)")
        self._db.execute("CREATE INDEX by_hash ON bands (hash)")

    def add(self, text: str) -> bool:
        """Put a text in; False (and it is not put in) where one like it is there."""
        signature = self._signature(text)
        hashes = [
            int.from_bytes(
                blake2b(bytes([band]) + signature[band * _ROWS : (band + 1) * _ROWS].tobytes(), digest_size=8).digest(),
                "little",
                signed=True,
            )
            for band in range(_BANDS)
        ]
        marks = ",".join("?" * _BANDS)
        near = self._db.execute(
            f"SELECT DISTINCT t.signature FROM bands b JOIN texts t ON t.id = b.id WHERE b.hash IN ({marks})", hashes
        )
        for (kept,) in near:
            if float((np.frombuffer(kept, np.uint32) == signature).mean()) >= self.likeness:
                return False
        id = self._db.execute("INSERT INTO texts (signature) VALUES (?)", (signature.tobytes(),)).lastrowid
        self._db.executemany("INSERT INTO bands VALUES (?, ?)", [(hash, id) for hash in hashes])
        return True

    def _signature(self, text: str) -> NDArray[np.uint32]:
        """(100,) the least hash of the text's runs of words under each permutation."""
        runs = shingles(text) or {""}
        digests = np.array(
            [
                int.from_bytes(blake2b(run.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little")
                for run in runs
            ],
            np.uint64,
        )
        hashed = (self._a[:, None] * (digests[None, :] % _PRIME) + self._b[:, None]) % _PRIME
        return np.asarray(hashed.min(axis=1), np.uint32)

    def close(self) -> None:
        """Forget."""
        self._db.close()
