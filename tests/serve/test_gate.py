from __future__ import annotations

import asyncio
import threading

import pytest

from heedful.serve.gate import Gate, Overloaded


def run(test):
    return asyncio.run(asyncio.wait_for(test(), 20))


async def held(gate: Gate, release: threading.Event) -> None:
    async with gate.place():
        await gate.compute(release.wait)


def test_no_more_is_computed_at_once_than_allowed():
    async def test():
        gate, most, now, lock = Gate(3, 50, 10), 0, 0, threading.Lock()

        def work():
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.01)
            with lock:
                now -= 1

        async def one():
            async with gate.place():
                await gate.compute(work)

        await asyncio.gather(*(one() for _ in range(20)))
        assert most == 3 and gate.waiting == gate.running == 0

    run(test)


def test_beyond_the_queue_work_is_turned_away_at_once_and_later_taken_again():
    async def test():
        gate, release = Gate(1, 2, 10), threading.Event()
        taken = [asyncio.create_task(held(gate, release)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert (gate.running, gate.waiting) == (1, 2)
        with pytest.raises(Overloaded) as refused:
            async with gate.place():
                pass
        assert 1 <= refused.value.retry_after <= 60
        release.set()
        await asyncio.gather(*taken)
        async with gate.place():
            assert gate.running == 1

    run(test)


def test_a_queue_of_none_still_lets_in_what_has_a_place():
    async def test():
        async with Gate(1, 0, 10).place():
            pass

    run(test)


def test_patience_ends():
    async def test():
        gate, release = Gate(1, 5, 0.05), threading.Event()
        first = asyncio.create_task(held(gate, release))
        await asyncio.sleep(0.02)
        with pytest.raises(Overloaded):
            async with gate.place():
                pass
        assert gate.waiting == 0
        release.set()
        await first

    run(test)


def test_a_place_is_given_back_when_work_fails_or_is_cancelled():
    async def test():
        gate, release = Gate(1, 5, 10), threading.Event()
        with pytest.raises(ZeroDivisionError):
            async with gate.place():
                await gate.compute(lambda: 1 / 0)
        waiting = asyncio.create_task(held(gate, release))
        await asyncio.sleep(0.02)
        queued = asyncio.create_task(held(gate, release))
        await asyncio.sleep(0.02)
        queued.cancel()
        waiting.cancel()
        release.set()
        await asyncio.gather(waiting, queued, return_exceptions=True)
        async with gate.place():
            pass
        assert gate.waiting == gate.running == 0

    run(test)
