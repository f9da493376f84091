"""What a collection holds, known before anything is encoded: its size, columns, and a digest of every chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heedful.errors import BadInput
from heedful.index.columns import Shape, columns_of_shapes, shapes_of, wider
from heedful.index.rows import digest
from heedful.index.seen import SeenIds, id_hash
from heedful.records import Document
from heedful.scale.encoding import CHUNK, chunks
from heedful.scale.shards import Shard, chunk_digest
from heedful.seams import Mapper, tell_progress

_BYTES = 32  # of a digest


@dataclass(slots=True)
class Survey:
    """What a reading found, added up. chunks: a digest of every `CHUNK` documents, the last ones when it is closed."""

    documents: int = 0
    total: int = 0
    types: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    _rest: bytes = b""

    @property
    def corpus(self) -> str:
        """As in the manifest."""
        return f"{self.total % 2**128:032x}"

    def add(self, digests: NDArray[np.uint8], shapes: Mapping[Shape, str]) -> None:
        """Documents that follow. digests: (n, 32). shapes: of their metadata, as `shapes_of` them.

        Raises BadInput where two metadata fields cannot both have a column.
        """
        types, self.fields = columns_of_shapes(shapes, self.fields)
        for name, type in types.items():
            self.types[name] = wider(self.types.get(name), type) or type
        words = np.ascontiguousarray(digests[:, :16]).view(">u4").sum(axis=0, dtype=np.uint64)  # (4,)
        self.total += sum(int(word) << shift for word, shift in zip(words, (96, 64, 32, 0), strict=True))
        self.documents += len(digests)
        joined = self._rest + digests.tobytes()
        whole = len(joined) - len(joined) % (_BYTES * CHUNK)
        self.chunks += [chunk_digest(joined[at : at + _BYTES * CHUNK]) for at in range(0, whole, _BYTES * CHUNK)]
        self._rest = joined[whole:]
        tell_progress("documents read", self.documents)

    def close(self) -> None:
        """No document follows. BadInput where there was none."""
        if not self.documents:
            raise BadInput("no documents to index; the sources are empty")
        if self._rest:
            self.chunks.append(chunk_digest(self._rest))
            self._rest = b""


class Reading(Protocol):
    """How the documents of a build are come by: first the survey, then the shards."""

    def survey(self, mapper: Mapper) -> Survey:
        """What all of them are. BadInput where there are none, or two cannot be in one table."""
        ...

    def shards(self, keys: Sequence[str], chunks_a_shard: int) -> Iterator[Shard]:
        """All shards, in order. keys: theirs."""
        ...

    def filled(self, shard: Shard) -> Shard:
        """One that a worker gave back, with its documents."""
        ...


class Stream:
    """Documents that the driver reads, twice."""

    def __init__(self, read: Callable[[], Iterable[Document]]):
        self._read = read

    def survey(self, mapper: Mapper) -> Survey:
        """What all of them are."""
        return survey(self._read())

    def shards(self, keys: Sequence[str], chunks_a_shard: int) -> Iterator[Shard]:
        """All shards, with their documents."""
        parts = chunks(self._read(), CHUNK * chunks_a_shard)
        for number, (key, documents) in enumerate(zip(keys, parts, strict=False)):
            yield Shard(number, key, documents)

    def filled(self, shard: Shard) -> Shard:
        """The shard: it has them."""
        return shard


def survey(documents: Iterable[Document]) -> Survey:
    """Read all documents once. BadInput where there are none, or an id comes twice."""
    found, seen = Survey(), SeenIds()
    source = iter(documents)
    while part := list(islice(source, CHUNK)):
        for document in part:
            if not seen.add(id_hash(document.id)):
                raise BadInput(f"document id {document.id!r} occurs twice; ids must be unique over all sources")
        found.add(as_rows([digest(document) for document in part]), shapes_of(part))
    found.close()
    return found


def as_rows(digests: Iterable[bytes]) -> NDArray[np.uint8]:
    """(n, 32)."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _BYTES)
