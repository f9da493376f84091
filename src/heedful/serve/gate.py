"""How much is computed at once, and how much may wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from heedful.errors import HeedfulError

T = TypeVar("T")


class Left(HeedfulError):
    """Whoever asked has gone; there is nobody to answer."""


class Overloaded(Exception):
    """No place in the queue, or none within the patience. retry_after: whole seconds, at least 1."""

    def __init__(self, retry_after: int):
        self.retry_after = retry_after
        super().__init__(f"the server is busy; try again in {retry_after} s")


class Gate:
    """At most `concurrent` pieces of work in threads, at most `queue` waiting, each at most `patience` seconds."""

    def __init__(self, concurrent: int, queue: int, patience: float):
        self.concurrent, self.queue, self.patience = concurrent, queue, patience
        self._slots = asyncio.Semaphore(concurrent)
        self._threads = ThreadPoolExecutor(concurrent, thread_name_prefix="heedful")
        self._typical = 0.05  # seconds that a piece of work takes, a running mean
        self.waiting = self.running = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places. Raises Overloaded."""
        if self._slots.locked() and self.waiting >= self.queue:
            raise Overloaded(self._retry_after())
        self.waiting += 1
        try:
            async with asyncio.timeout(self.patience):
                await self._slots.acquire()
        except TimeoutError:
            raise Overloaded(self._retry_after()) from None
        finally:
            self.waiting -= 1
        self.running += 1
        began = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self.running -= 1
            self._slots.release()
            self._typical = 0.9 * self._typical + 0.1 * (asyncio.get_running_loop().time() - began)

    async def compute(self, work: Callable[[], T]) -> T:
        """Work in a thread; call it within a place."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _retry_after(self) -> int:
        return max(1, min(60, round(self.waiting * self._typical / self.concurrent)))
