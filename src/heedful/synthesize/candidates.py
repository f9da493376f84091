"""Where hard negatives are looked for first: the user's own index."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from heedful.errors import Mismatch
from heedful.explore.first_stage import fuse
from heedful.index import Index
from heedful.seams import DocumentEncoder
from heedful.synthesize.rows import Passage, part_of
from heedful.synthesize.sources import passage_of
from heedful.synthesize.texts import commands, fingerprint, shingles, unfit_passage

_DEPTH, _DEEP = 40, 400  # how far down the rankings are read; deep for the small part
_READ = 4  # so many times k passages are looked at
_COPY = 0.5


class Neighbours(Protocol):
    """Passages near texts."""

    def near(self, texts: Sequence[str], positive: Passage, k: int) -> list[list[Passage]]:
        """For each text at most k passages, nearest first: neither the positive nor like it, none in two lists."""
        ...


class NoNeighbours:
    """No index at hand."""

    def near(self, texts: Sequence[str], positive: Passage, k: int) -> list[list[Passage]]:
        """None."""
        return [[] for _ in texts]


class IndexNeighbours:
    """By BM25 and by vectors, fused by rank, in a passage's own part of the split; the same whoever asks, and when.

    Left out: passages like the positive, texts that give orders to language models (they would be shown in another
    passage's prompts), what `overlaps` a test set, and what is no passage to begin with.

    It can be sent to another process, which opens the index for itself at the first question; digest: of the index
    that it must find then. Raises Missing, Mismatch.
    """

    def __init__(
        self,
        folder: Path,
        *,
        dev: float = 0.0,
        encoder: DocumentEncoder | None = None,
        overlaps: Callable[[Passage], bool] | None = None,
        digest: str = "",
    ):
        self.folder, self.dev, self._overlaps, self._digest = folder, dev, overlaps, digest
        self._lock = threading.Lock()
        self._given = encoder
        if not digest:
            self._digest = self.index.manifest.digest

    def __reduce__(self) -> tuple[Any, ...]:
        options: dict[str, Any] = {
            "dev": self.dev,
            "encoder": self._given,
            "overlaps": self._overlaps,
            "digest": self._digest,
        }
        return partial(IndexNeighbours, **options), (self.folder.absolute(),)

    @cached_property
    def index(self) -> Index:
        """The index, open."""
        index = Index.open(self.folder)
        if self._digest and index.manifest.digest != self._digest:
            raise Mismatch(f"{self.folder} on {socket.gethostname()}: found another index than the run began with")
        if self._given is not None:
            index.require_encoder(self._given.spec())
        return index

    @cached_property
    def _encoder(self) -> DocumentEncoder:
        return self.index.load_encoder() if self._given is None else self._given

    def near(self, texts: Sequence[str], positive: Passage, k: int) -> list[list[Passage]]:
        """As the seam says."""
        part = part_of(positive.id, self.dev)
        depth = _DEPTH if part == "train" else _DEEP
        with self._lock:  # one item at a time: a vector must not depend on what else was asked
            index, vectors = self.index, self._encoder.encode_queries(texts)
        orders = []
        for text, vector in zip(texts, vectors, strict=True):
            rankings = [index.search_text(text, depth), index.search(vector, depth)]
            order = fuse([[hit.id for hit in hits] for hits in rankings])
            orders.append([id for id in order if id != positive.id and part_of(id, self.dev) == part][: _READ * k])
        ids = list(dict.fromkeys(id for order in orders for id in order))
        passages = {document.id: passage_of(document) for document in index.documents(ids)}
        own, taken, lists = shingles(positive.full), {fingerprint(positive.full)}, []
        for order in orders:
            found: list[Passage] = []
            for passage in (passages[id] for id in order):
                if len(found) < k and (mark := fingerprint(passage.full)) not in taken and self._fits(passage, own):
                    taken.add(mark)
                    found.append(passage)
            lists.append(found)
        return lists

    def _fits(self, passage: Passage, positive: frozenset[str]) -> bool:
        """positive: its runs of words."""
        runs = shingles(passage.full)
        if len(runs & positive) > _COPY * len(runs | positive) or unfit_passage(passage) or commands(passage.full):
            return False
        return self._overlaps is None or not self._overlaps(passage)
