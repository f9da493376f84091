from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heedful.encode.batches import by_length, chunks


@given(st.lists(st.integers(1, 512), max_size=60), st.integers(1, 4096))
def test_every_position_is_in_one_batch_within_the_budget(lengths, budget):
    batches = by_length(lengths, budget)
    assert sorted(p for batch in batches for p in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[p] for p in batch) <= budget


def test_batches_hold_like_lengths():
    assert by_length([5, 100, 6, 99], 200) == [[1, 3], [2, 0]]


def test_chunks_draw_no_more_than_they_give():
    source = iter(range(10))
    assert next(chunks(source, 3)) == [0, 1, 2]
    assert next(source) == 3


def test_a_chunk_ends_early_once_it_is_heavy():
    assert list(chunks([1, 1, 9, 1, 1], 3, weight=lambda n: n, most=10)) == [[1, 1, 9], [1, 1]]
    assert list(chunks([10, 10, 1], 3, weight=lambda n: n, most=10)) == [[10], [10], [1]]
