from __future__ import annotations

import numpy as np
import pytest

from heedful.index.seen import SeenIds, id_hash


def test_ids_are_remembered_over_many_merges():
    seen = SeenIds()
    hashes = [id_hash(f"d{n}") for n in range(30_000)]
    assert all(seen.add(hash) for hash in hashes)
    assert not any(seen.add(hash) for hash in hashes[::97])
    asked = np.array([hashes[5], id_hash("stranger"), hashes[-1]], np.uint64)
    assert seen.missing(asked).tolist() == [False, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_many_at_once_are_what_one_by_one_are(seed: int):
    rng, at_once, one_by_one = np.random.default_rng(seed), SeenIds(), SeenIds()
    for size in rng.integers(0, 20_000, 12):
        hashes = rng.integers(0, 60_000, size, dtype=np.uint64)
        assert at_once.add_all(hashes).tolist() == [one_by_one.add(int(hash)) for hash in hashes]
        if size % 2:
            assert at_once.add(int(size)) == one_by_one.add(int(size))
    assert 0 < at_once.missing(np.arange(60_000, dtype=np.uint64)).sum() < 60_000
