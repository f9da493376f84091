"""The compact set of ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heedful.corpus.duplicates import SeenIds


@given(st.lists(st.text(max_size=3)))
def test_it_answers_as_a_plain_set_does(ids: list[str]) -> None:
    seen, plain = SeenIds(), set[str]()
    for id in ids:
        assert seen.add(id) is (id not in plain)
        plain.add(id)
    assert len(seen) == len(plain)


def test_it_grows_and_forgets_nothing() -> None:
    seen = SeenIds()
    assert all(seen.add(f"d{i}") for i in range(20_000))
    assert not any(seen.add(f"d{i}") for i in range(20_000))
    assert len(seen) == 20_000


def test_an_id_costs_at_most_forty_eight_bytes() -> None:
    seen = SeenIds()
    for i in range(30_000):
        seen.add("a long identifier " * 10 + str(i))
    assert seen._slots.itemsize * len(seen._slots) <= 48 * len(seen)
