"""A shard: some documents in a row, encoded and written by one worker as files of the table that nobody sees yet."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from heedful.corpus.parts import Part, documents_in
from heedful.errors import Mismatch, Missing
from heedful.index.manifest import LEDGER, read_sealed, storage_error, write_sealed
from heedful.index.objects import engine_options, locate, names_in
from heedful.index.rows import digest, schema, to_rows
from heedful.index.store import TABLE
from heedful.records import Document
from heedful.scale.encoding import CHUNK, EncoderRecipe

if TYPE_CHECKING:
    import pyarrow as pa

    from heedful.index.objects import Location

CHANGED = "changed meanwhile: run the same command again"


@dataclass(frozen=True, slots=True)
class Table:
    """Where the rows go and what they are like.

    place: a folder that every worker sees, or s3://BUCKET/NAME. columns: (column, field, type) of the metadata.
    """

    place: str
    recipe: EncoderRecipe
    dim: int
    aspects: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return schema(self.dim, self.aspects, {name: type for name, _, type in self.columns})

    @property
    def uri(self) -> str:
        """The table, as its engine names it."""
        return f"{locate(self.place)}/{TABLE}.lance"

    def key(self, digests: Sequence[bytes]) -> str:
        """What a shard is known by: the same documents, encoder and columns have the same key."""
        said = json.dumps([self.recipe.text, self.dim, self.aspects, self.columns])
        return hashlib.sha256(said.encode() + b"".join(digests)).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Shard:
    """number: its place in the order. key: see `Table.key`. It holds its documents, or the parts where they stand."""

    number: int
    key: str
    documents: tuple[Document, ...] = ()
    parts: tuple[Part, ...] = ()

    def is_here(self) -> bool:
        """Whether this process can come by its documents."""
        return all(part.is_here() for part in self.parts)

    def filled(self) -> Shard:
        """With its documents. Raises Mismatch where a file is not what it was."""
        if not self.parts:
            return self
        if not self.is_here():
            raise Mismatch(f"{self.parts[0].path}: the file {CHANGED}")
        return Shard(self.number, self.key, tuple(documents_in(self.parts)))


@dataclass(frozen=True, slots=True)
class Written:
    """What the ledger keeps of a shard. fragments: as the engine describes them. corpus: as in the manifest."""

    key: str
    rows: int
    sentences: int
    aspects: dict[str, int]
    corpus: str
    fragments: tuple[str, ...]

    @property
    def files(self) -> frozenset[str]:
        """The names of its data files."""
        described = (json.loads(fragment) for fragment in self.fragments)
        return frozenset(file["path"] for fragment in described for file in fragment["files"])


def chunk_digest(digests: bytes) -> bytes:
    """32 bytes of the documents of a chunk, of which a shard's key is made. digests: theirs, joined."""
    return hashlib.sha256(digests).digest()


def write_shard(table: Table, shard: Shard) -> Written | Shard:
    """Encode a shard, write its rows as fragments, enter it in the ledger. What a worker does.

    Gives back the shard where this process does not see the files in which its documents stand. Memory: the shard's
    rows. Raises Missing, Mismatch, StorageFailed, Unwritable.
    """
    if not shard.is_here():
        return shard
    write_fragments = _lance().fragment.write_fragments
    place = locate(table.place)
    documents = shard.filled().documents
    digests = [digest(document) for document in documents]
    chunks = (b"".join(digests[at : at + CHUNK]) for at in range(0, len(digests), CHUNK))
    if table.key([chunk_digest(chunk) for chunk in chunks]) != shard.key:
        raise Mismatch(f"shard {shard.number}: its documents are not those that were announced; the sources {CHANGED}")
    rows, counts = _encoded(table, documents, digests)
    try:
        fragments = write_fragments(
            rows,
            table.uri,
            schema=table.schema,
            mode="overwrite",  # as if nothing stood there; nothing is committed here
            storage_options=engine_options(place) or None,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise storage_error(place, error) from error
    described = tuple(json.dumps(fragment.to_json()) for fragment in fragments)
    corpus = f"{sum(int.from_bytes(own[:16], 'big') for own in digests) % 2**128:032x}"
    sentences = counts.pop("")
    written = Written(shard.key, rows.num_rows, sentences, dict(counts), corpus, described)
    write_sealed(place / LEDGER / f"{shard.key}.json", asdict(written))
    return written


def _encoded(table: Table, documents: Sequence[Document], digests: Sequence[bytes]) -> tuple[pa.Table, Counter[str]]:
    """Rows, and how many sentences there are ("") and documents with each aspect."""
    import pyarrow as pa

    encoder = table.recipe.load()
    fields = {name: field for name, field, _ in table.columns}
    parts, counts = [], Counter(dict.fromkeys(("", *table.aspects), 0))
    for start in range(0, len(documents), CHUNK):
        part, own = documents[start : start + CHUNK], digests[start : start + CHUNK]
        encoded = list(encoder.encode_documents(part))
        if [value.document.id for value in encoded] != [document.id for document in part]:
            raise Mismatch("the encoder left out documents, or changed their order")
        counts.update({"": sum(len(value.document.sentences) for value in encoded)})
        for value in encoded:
            counts.update(value.aspects.keys())
        parts.append(to_rows(encoded, own, table.schema, table.aspects, fields))
    return pa.concat_tables(parts), counts


def finished(place: Location, keys: Sequence[str], data: frozenset[str]) -> dict[str, Written]:
    """Key -> what the ledger says, of the shards whose entry is whole and whose files (of `data`) are there."""
    found = {}
    entered = set(names_in(place / LEDGER))
    for key in dict.fromkeys(keys):
        if f"{key}.json" not in entered:
            continue
        try:
            entry = read_sealed(place / LEDGER / f"{key}.json")
        except Mismatch:  # cut off: as if it were not there
            continue
        if entry is None:
            continue
        try:
            written = Written(**{**entry, "fragments": tuple(entry["fragments"])})
            if written.key == key and written.files <= data:
                found[key] = written
        except (KeyError, TypeError, ValueError):
            continue
    return found


def commit(table: Table, written: Sequence[Written]) -> int:
    """Make the table of these shards, in order, in one step; its version. Raises StorageFailed, Unwritable."""
    lance = _lance()
    place = locate(table.place)
    fragments = [
        lance.FragmentMetadata.from_json(fragment) for shard in written for fragment in shard.fragments if shard.rows
    ]
    try:
        made = lance.LanceDataset.commit(
            table.uri,
            lance.LanceOperation.Overwrite(table.schema, fragments),
            storage_options=engine_options(place) or None,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise storage_error(place, error) from error
    return int(made.version)


def _lance() -> Any:
    os.environ.setdefault("LANCE_LOG", "error")  # it warns of a table that is not there yet, as it cannot be
    try:
        import lance
        import lance.fragment
    except ImportError as error:
        raise Missing("the package pylance is not installed; pip install 'heedful[scale]'") from error
    return lance
