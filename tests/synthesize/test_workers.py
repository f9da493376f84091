from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from heedful.synthesize.workers import AHEAD, ThreadMapper


@pytest.mark.parametrize("workers", [1, 4])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    def slow_when_even(n: int) -> int:
        time.sleep(0.01 * (n % 2 == 0))
        return n * n

    assert list(ThreadMapper(workers).map(slow_when_even, range(40))) == [n * n for n in range(40)]
    assert list(ThreadMapper(workers).map(slow_when_even, [])) == []


def test_items_are_read_only_so_far_ahead() -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for number in range(1, 1001):
            read = number
            yield number

    gate = threading.Event()
    results = ThreadMapper(2).map(lambda n: gate.wait(5) and n, items())
    threading.Timer(0.1, gate.set).start()
    assert next(results) == 1
    assert read <= 2 * AHEAD + 1
    results.close()  # type: ignore[attr-defined]


def test_an_error_is_raised_at_its_items_turn() -> None:
    def fail_at_three(n: int) -> int:
        if n == 3:
            raise ValueError(n)
        return n

    got = []
    with pytest.raises(ValueError, match="3"):
        for result in ThreadMapper(4).map(fail_at_three, range(10)):
            got.append(result)
    assert got == [0, 1, 2]


def test_after_an_error_what_is_under_way_ends_and_nothing_new_begins() -> None:
    begun, ended = [], []

    def fn(n: int) -> int:
        begun.append(n)
        if n == 0:
            time.sleep(0.05)
            raise ValueError(n)
        time.sleep(0.3)
        ended.append(n)
        return n

    with pytest.raises(ValueError, match="0"):
        list(ThreadMapper(3).map(fn, range(20)))
    assert sorted(ended) == sorted(set(begun) - {0})
    assert len(begun) < 10
