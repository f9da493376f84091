from __future__ import annotations

import numpy as np

from heedful.index.seen import SeenIds, id_hash


def test_ids_are_remembered_over_many_merges():
    seen = SeenIds()
    hashes = [id_hash(f"d{n}") for n in range(30_000)]
    assert all(seen.add(hash) for hash in hashes)
    assert not any(seen.add(hash) for hash in hashes[::97])
    asked = np.array([hashes[5], id_hash("stranger"), hashes[-1]], np.uint64)
    assert seen.missing(asked).tolist() == [False, True, False]
