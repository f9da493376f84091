"""From a request to a thread: a place at the gate, the collection in use, and once more where its files have gone."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request

from heedful.seams import LISTENER
from heedful.serve.collection import Collection
from heedful.serve.gate import Gate, Left
from heedful.serve.settings import Settings
from heedful.serve.shelf import GONE, Shelf

T = TypeVar("T")
_BEAT = 1.0  # seconds at most between two lines of a stream


class Work:
    """Computes answers for one app."""

    def __init__(self, settings: Settings, shelf: Shelf):
        self.settings, self.shelf = settings, shelf
        self.gate = Gate(settings.concurrent, settings.queue, settings.patience)

    def close(self) -> None:
        """End the threads; work in progress is waited for."""
        self.gate.close()
        self.shelf.close()

    async def run(self, request: Request | None, compute: Callable[[Collection], T]) -> T:
        """The answer, computed in a thread. Raises Overloaded, Left, and what `compute` raises."""
        async with self.place(request):
            return await self._computed(compute)

    @asynccontextmanager
    async def place(self, request: Request | None) -> AsyncIterator[None]:
        """A place at the gate. Raises Overloaded; Left where the client did not wait for it."""
        began = time.perf_counter()
        async with self.gate.place():
            if request is not None:
                request.state.waited = time.perf_counter() - began
                if await request.is_disconnected():
                    raise Left("the client has gone")
            yield

    async def stream(self, compute: Callable[[Collection], T]) -> AsyncIterator[dict[str, Any]]:
        """Within a place: progress as it is told (at least every second), then `{"event": "result", ...}`.

        Closing the iterator ends the work where it next tells of its progress.
        """
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        began, gone = loop.time(), False

        def listen(what: str, done: int, total: int | None) -> None:
            if gone:
                raise Left("the client has gone")
            loop.call_soon_threadsafe(told.put_nowait, {"what": what, "done": done, "total": total})

        token = LISTENER.set(listen)
        context = contextvars.copy_context()
        LISTENER.reset(token)
        working = asyncio.ensure_future(self._computed(lambda collection: context.run(compute, collection)))
        last: dict[str, Any] = {"what": "working", "done": 0, "total": None}
        try:
            while not working.done():
                telling = asyncio.ensure_future(told.get())
                await asyncio.wait({telling, working}, timeout=_BEAT, return_when=asyncio.FIRST_COMPLETED)
                if telling.done():
                    last = telling.result()
                else:
                    telling.cancel()
                    if working.done():
                        break
                yield {"event": "progress", **last, "seconds": round(loop.time() - began, 2)}
            yield {"event": "result", "result": working.result()}
        finally:
            gone = True
            if not working.done():
                working.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody else asks

    async def _computed(self, compute: Callable[[Collection], T]) -> T:
        collection = self.shelf.current
        try:
            return await self.gate.compute(lambda: compute(collection))
        except GONE:
            newer = await self.shelf.renewed(collection)
            if newer is None:
                raise
            return await self.gate.compute(lambda: compute(newer))
