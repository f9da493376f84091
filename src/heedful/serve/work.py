"""From a request to a thread: a place at the gate, the collection in use, and once more where its files have gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from heedful.serve.collection import Collection
from heedful.serve.gate import Gate
from heedful.serve.settings import Settings
from heedful.serve.shelf import GONE, Shelf

T = TypeVar("T")


class Work:
    """Computes answers for one app."""

    def __init__(self, settings: Settings, shelf: Shelf):
        self.settings, self.shelf = settings, shelf
        self.gate = Gate(settings.concurrent, settings.queue, settings.patience)

    async def run(self, request: Request, compute: Callable[[Collection], T]) -> T:
        """The answer, computed in a thread. Raises Overloaded, and what `compute` raises."""
        async with self.gate.place():
            collection = self.shelf.current
            try:
                return await self.gate.compute(lambda: compute(collection))
            except GONE:
                newer = await self.shelf.renewed(collection)
                if newer is None:
                    raise
                return await self.gate.compute(lambda: compute(newer))
