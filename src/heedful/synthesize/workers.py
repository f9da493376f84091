"""Several threads behind the `Mapper` seam, for work that waits on the network."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
AHEAD = 8  # items a worker that may be under way or finished before their turn


class ThreadMapper:
    """A `Mapper` of `workers` threads: results in the order of the items, which are read only so far ahead.

    An exception of `fn` is raised at its item's turn, once what is under way has ended (it may have been paid for); an
    interrupt waits for nothing (the threads are daemons, so a call that hangs doesn't keep the process alive).
    """

    def __init__(self, workers: int):
        self.workers = workers

    def map(self, fn: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Fn of each item, in order."""
        if self.workers <= 1:
            yield from map(fn, items)
            return
        tasks: SimpleQueue[tuple[Future[Any], A] | None] = SimpleQueue()
        for number in range(self.workers):
            threading.Thread(target=_work, args=(fn, tasks), name=f"heedful-worker-{number}", daemon=True).start()
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                future: Future[B] = Future()
                waiting.append(future)
                tasks.put((future, item))
                while waiting and (len(waiting) >= AHEAD * self.workers or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except Exception:
            for future in waiting:
                future.cancel()
            wait(waiting)
            raise
        finally:
            for future in waiting:
                future.cancel()
            for _ in range(self.workers):
                tasks.put(None)


def _work(fn: Callable[[Any], Any], tasks: SimpleQueue[tuple[Future[Any], Any] | None]) -> None:
    while (task := tasks.get()) is not None:
        future, item = task
        with suppress(CancelledError):
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = fn(item)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
