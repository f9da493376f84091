"""Which version of an index is served: the newest, changed over between two requests, never within one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from heedful.errors import HeedfulError, Mismatch
from heedful.index.manifest import IDENTITY, Manifest, read_manifest
from heedful.serve.collection import Collection

log = logging.getLogger("heedful.serve")
if TYPE_CHECKING:
    from heedful.seams import DocumentEncoder

Stamp: TypeAlias = tuple[int, str, str]
T = TypeVar("T")
_PATIENCE = 10.0  # seconds that a request waits for the next version where the files of its own have gone


class Shelf:
    """Holds the collection in use and looks for a newer one."""

    def __init__(self, path: Path | str, encoder: DocumentEncoder | None = None):
        self.path, self._encoder = path, encoder
        self._current: Collection | None = None
        self._tried: Stamp | None = None
        self._changing = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="heedful-open")

    @property
    def ready(self) -> bool:
        """Whether a collection is open."""
        return self._current is not None

    @property
    def current(self) -> Collection:
        """The collection in use; a request takes it once and keeps it."""
        assert self._current is not None, "the shelf was not opened"
        return self._current

    async def open(self) -> None:
        """Open the first version. Raises Missing, Mismatch."""
        await self._change()

    async def look(self) -> bool:
        """Change over where the manifest is another one than before; whether it did. A version that fails is left."""
        async with self._changing:
            try:
                stamp = await self._in_thread(self._stamp)
            except HeedfulError:  # there is none at this moment
                return False
            if stamp in (_stamp(self.current.index.manifest), self._tried):
                return False
            try:
                await self._change()
            except (HeedfulError, OSError) as error:
                self._tried = stamp
                log.warning("the new index cannot be opened; the old one stays", extra={"error": str(error)})
                return False
            return True

    async def renewed(self, old: Collection) -> Collection | None:
        """The collection that took the place of one whose files have gone; None where none comes in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        while self.current is old and loop.time() < end:
            self._tried = None
            if not await self.look():
                await asyncio.sleep(0.2)
        return None if self.current is old else self.current

    async def watch(self, seconds: float) -> None:
        """Look again and again; 0: never."""
        while seconds:
            await asyncio.sleep(seconds)
            try:
                await self.look()
            except Exception:  # whatever is wrong with the new one, the old one goes on and the next may be well
                log.exception("looking for a newer index failed")

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _change(self) -> None:
        opened = self._current = await self._in_thread(self._open)
        log.info("index opened", extra={"version": opened.index.manifest.version, "documents": len(opened.index)})

    def _open(self) -> Collection:
        opened = Collection.open(self.path, self._encoder)
        if self._encoder is None and self._current is not None and _same_encoder(self._current, opened):
            opened.explorer.encoder = self._current.explorer.encoder
        opened.warm()
        return opened

    def _stamp(self) -> Stamp:
        return _stamp(read_manifest(self.current.index.folder))


def _stamp(manifest: Manifest) -> Stamp:
    """What tells one version from another."""
    return manifest.version, manifest.built, manifest.digest


def _same_encoder(one: Collection, other: Collection) -> bool:
    a, b = one.index.manifest.encoder, other.index.manifest.encoder
    return all(a.get(key) == b.get(key) for key in IDENTITY)


GONE = (Mismatch,)
"""What a request meets when the files of the version that it holds have been deleted."""
