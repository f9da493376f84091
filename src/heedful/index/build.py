"""Building an index: one stream of documents in, one complete version out, whatever happens in between.

Each batch is one commit of the table, so a killed build leaves whole batches; the next run reads the same documents,
leaves out what is there already, and goes on. Readers use the version that the manifest names, and the manifest is
replaced last of all, in one step.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.errors import BadInput, Mismatch, UnknownId
from heedful.index import manifest as files
from heedful.index.ann import build_ann, unindexed
from heedful.index.columns import columns_of, wider
from heedful.index.derived import build_derived, prune_derived
from heedful.index.home import home_of
from heedful.index.manifest import Column, Manifest
from heedful.index.objects import Location, locate
from heedful.index.rows import digest, metadata_types, schema, to_rows, vector_column
from heedful.index.seen import SeenIds, id_hash
from heedful.index.store import Store, library_versions
from heedful.index.suggest import nearest_ids
from heedful.records import Document, DocumentVectors
from heedful.seams import DocumentEncoder

EXACT_LIMIT = 500_000
_FIRST = 1_000  # documents whose metadata decide the columns' first types
_MANY_FRAGMENTS = 64
_UNINDEXED = 0.02  # of the rows: more, and approximate indexes are built again
log = logging.getLogger("heedful.index")


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    documents: in the index now. already: in it before, and the same. resumed: whether it went on where another run
    was cut off. unchanged: nothing was to be done. version: of the table. seconds: of this run.
    """

    documents: int
    added: int = 0
    replaced: int = 0
    deleted: int = 0
    already: int = 0
    resumed: bool = False
    unchanged: bool = False
    version: int = 0
    seconds: float = 0.0


def build_index(
    documents: Iterable[Document],
    path: Path | str,
    encoder: DocumentEncoder,
    *,
    update: bool = False,
    delete: Sequence[str] = (),
    sources: Sequence[Mapping[str, Any]] = (),
    scheme: AspectScheme | None = None,
    recipe: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    batch: int = 1_000,
    seconds: float = 15.0,
    exact_limit: int = EXACT_LIMIT,
) -> BuildReport:
    """Index the documents into a folder, or bring the index there up to date.

    Without update or delete: a new index, a resumed one, or nothing where a complete one holds these documents
    already. update: add the documents that are new, replace those that changed. delete: ids to remove (they stay
    away even where the documents have them). sources: what the documents come from (`describe_sources`); an unchanged
    file then needs no reading. scheme: the aspects; needed where the encoder's are not the default ones. recipe: JSON
    to keep in the manifest. progress: called with the documents encoded in this run and those found there already. A
    commit is made every `batch` rows or `seconds` seconds.
    exact_limit: above so many documents approximate indexes are built.

    Memory does not grow with the corpus, but for 16 bytes a document. Raises BadInput (duplicate id, no documents,
    another builder at work, a complete index of other documents), Mismatch (another encoder, damage), UnknownId,
    Unwritable, StorageFailed; the last complete version stays as it was.
    """
    folder = locate(path)
    started = time.monotonic()
    scheme = SCIENCE if scheme is None else scheme
    if tuple(scheme.names) != tuple(encoder.aspects):
        raise BadInput(f"the encoder has the aspects {encoder.aspects}, the scheme {scheme.names}; pass scheme=")
    if (delete or update) and not (folder / files.MANIFEST).exists():
        if delete:
            files.read_manifest(folder)  # says what is missing
        update = False
    files.prepare_folder(folder)
    with files.build_lock(folder) as still_ours:
        kept = files.as_json({**(recipe or {}), "scheme": scheme.as_json()})
        build = _Build(
            folder, encoder, frozenset(delete), sources, kept, progress, batch, seconds, exact_limit, still_ours
        )
        report = build.run(documents, update, tuple(dict.fromkeys(delete)))
        return replace(report, seconds=time.monotonic() - started)


def _not_empty(documents: Iterable[Document]) -> Iterator[Document]:
    rest = iter(documents)
    first = next(rest, None)
    if first is None:
        raise BadInput("no documents to index; the sources are empty")
    return chain([first], rest)


class _Build:
    """One run, under the lock."""

    def __init__(
        self,
        folder: Location,
        encoder: DocumentEncoder,
        unwanted: frozenset[str],
        sources: Sequence[Mapping[str, Any]],
        kept: dict[str, Any],
        progress: Callable[[int, int], None] | None,
        batch: int,
        seconds: float,
        exact_limit: int,
        still_ours: Callable[[], None],
    ):
        self.still_ours = still_ours
        self.folder, self.encoder, self.sources, self.kept = folder, encoder, files.as_json(list(sources)), kept
        self.progress, self.batch, self.seconds, self.exact_limit = progress, batch, seconds, exact_limit
        self.unwanted = unwanted
        self.spec = files.as_json(dict(encoder.spec()))
        self.seen = SeenIds()
        self.types: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.there = np.zeros(0, np.uint64)  # sorted id hashes of the rows at the start
        self.there_digests = np.zeros(0, "S16")
        self.digests: dict[str, bytes] = {}  # of the documents that are with the encoder
        self.total = 0  # sum of the digests of the stream
        self.added = self.replaced = self.already = self.streamed = 0

    def run(self, documents: Iterable[Document], update: bool, delete: tuple[str, ...]) -> BuildReport:
        current = files.read_manifest(self.folder) if (self.folder / files.MANIFEST).exists() else None
        if current is not None:
            files.require_same_encoder(self.folder, current.encoder, self.spec)
            if not (update or delete):
                return self._compare(documents, current)
        else:
            documents = _not_empty(documents)
        journal, resumed = self._journal(current, update, delete)
        deleted = 0
        if delete and current is not None:
            deleted = self._delete(delete, current)
        self._load(journal["fields"])
        if resumed:
            log.info("resuming: %d documents are there already", len(self.there))
        self._write_all(documents, journal)
        if not update and not delete and len(self.there):
            self._drop_leftovers()
        finished = self._finish(current)
        return BuildReport(
            finished.documents, self.added, self.replaced, deleted, self.already, resumed, False, finished.version
        )

    def _compare(self, documents: Iterable[Document], current: Manifest) -> BuildReport:
        """A complete index and no order to change it: nothing to do, or an error that says what differs."""
        files.drop_stale_journal(self.folder, current)
        unchanged = BuildReport(current.documents, already=current.documents, unchanged=True, version=current.version)
        if self.sources and self.sources == files.as_json(list(current.sources)):
            return unchanged
        for document in documents:
            self._met(document)
        if self.streamed == current.documents and f"{self.total:032x}" == current.corpus:
            return unchanged
        raise BadInput(
            f"{self.folder}: a complete index of other documents ({current.documents} there, {self.streamed} given, "
            "or their texts changed); --update adds and replaces, --delete ID removes, another --out starts anew"
        )

    def _journal(self, current: Manifest | None, update: bool, delete: tuple[str, ...]) -> tuple[dict[str, Any], bool]:
        """The journal of this build, and whether it goes on where another run was cut off."""
        path = self.folder / files.JOURNAL
        base = current.version if current else None
        order = {"update": update, "delete": list(delete), "sources": self.sources if current else []}
        if current is not None:
            files.drop_stale_journal(self.folder, current)
        old = files.read_sealed(path)
        if old is not None and old["base"] == base:
            if current is None:
                files.require_same_encoder(self.folder, old["encoder"], self.spec)
            if old["order"] == order and (current is None or self.sources):
                self.store = Store.open(self.folder)
                self.store.mend()
                return old, True
        if current is None:
            files.drop_ledger(self.folder)  # of a build by shards that was cut off
            table_schema = schema(self.encoder.dim, self.encoder.aspects, {})
            self.store = Store.create(self.folder, table_schema)
        else:
            self.store = Store.open(self.folder)
            if self.store.version != current.version:
                self.store.restore(current.version)
        fields = {name: column.field for name, column in current.columns.items()} if current else {}
        journal = {"base": base, "order": order, "encoder": self.spec, "fields": fields}
        files.write_sealed(path, journal)
        return journal, False

    def _delete(self, ids: tuple[str, ...], current: Manifest) -> int:
        there: list[str] = []
        for rows in Store.open(self.folder, current.version).scan(["id"]):
            there.extend(rows.column("id").to_pylist())
        known = set(there)
        for id in ids:
            if id not in known:
                raise UnknownId(id, nearest_ids(id, there))
        self.store.delete(ids)
        return len(ids)

    def _load(self, fields: Mapping[str, str]) -> None:
        """What the table holds at the start: column types, ids, digests."""
        self.fields = dict(fields)
        self.types = metadata_types(self.store.schema, self.fields)
        hashes, digests = [np.zeros(0, np.uint64)], []
        for rows in self.store.scan(["id", "row_digest"]):
            hashes.append(np.fromiter(map(id_hash, rows.column("id").to_pylist()), np.uint64, rows.num_rows))
            digests.append(rows.column("row_digest").to_numpy(zero_copy_only=False).astype("S16"))
        joined = np.concatenate(hashes)
        order = np.argsort(joined)
        self.there = joined[order]
        self.there_digests = np.concatenate(digests)[order] if digests else np.zeros(0, "S16")

    def _met(self, document: Document) -> tuple[int, bytes]:
        """Count a document of the stream. BadInput where its id came before."""
        hash, own = id_hash(document.id), digest(document)
        if not self.seen.add(hash):
            raise BadInput(f"document id {document.id!r} occurs twice; ids must be unique over all sources")
        self.streamed += 1
        self.total = (self.total + int.from_bytes(own[:16], "big")) % 2**128
        return hash, own

    def _position(self, hash: int) -> int | None:
        at = int(np.searchsorted(self.there, np.uint64(hash)))
        return at if at < len(self.there) and int(self.there[at]) == hash else None

    def _to_encode(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            hash, own = self._met(document)
            if document.id in self.unwanted:
                continue
            at = self._position(hash)
            if at is not None and bytes(self.there_digests[at]).ljust(16, b"\0") == own[:16]:
                self.already += 1
                if self.already % 1000 == 0:
                    self._tell(0)
                continue
            self.digests[document.id] = own
            yield document

    def _write_all(self, documents: Iterable[Document], journal: dict[str, Any]) -> None:
        pending = self._to_encode(documents)
        first = list(islice(pending, _FIRST))
        self._fit_columns(first, journal)
        rows: list[DocumentVectors] = []
        last = time.monotonic()
        for value in self.encoder.encode_documents(chain(first, pending)):
            rows.append(value)
            self._tell(len(rows))
            if len(rows) >= self.batch or time.monotonic() - last >= self.seconds:
                self._commit(rows, journal)
                rows, last = [], time.monotonic()
        self._commit(rows, journal)
        if self.digests:
            raise Mismatch(f"the encoder left out {len(self.digests)} documents, {next(iter(self.digests))!r} first")
        release = getattr(self.encoder, "release", None)  # finishing takes memory of its own: not both at once
        if release is not None:
            release()

    def _tell(self, pending: int) -> None:
        if self.progress:
            self.progress(self.added + self.replaced + pending, self.already)

    def _commit(self, rows: list[DocumentVectors], journal: dict[str, Any]) -> None:
        if not rows:
            return
        self.still_ours()
        self._fit_columns([value.document for value in rows], journal)
        digests = [self.digests.pop(value.document.id) for value in rows]
        table = to_rows(rows, digests, self.store.schema, self.encoder.aspects, self.fields)
        known = sum(self._position(id_hash(value.document.id)) is not None for value in rows)
        if known:
            self.store.upsert(table)
        else:
            self.store.append(table)
        self.added += len(rows) - known
        self.replaced += known

    def _fit_columns(self, documents: Sequence[Document], journal: dict[str, Any]) -> None:
        """Make the table's metadata columns hold what these documents bring."""
        types, fields = columns_of(documents, self.fields)
        if fields != self.fields:
            journal["fields"] = self.fields = fields
            files.write_sealed(self.folder / files.JOURNAL, journal)  # before the table has them: names are never lost
        for name, found in types.items():
            stored = self.types.get(name)
            needed = wider(stored, found) or found
            if stored is None:
                self.store.add_column(name, needed)
            elif stored != needed:
                log.warning("metadata column %s was %s so far and becomes %s", name, stored, needed)
                self.store.widen_column(name, needed)
            self.types[name] = needed

    def _drop_leftovers(self) -> None:
        """Rows of a build that was cut off whose documents are gone from the sources since."""
        gone: list[str] = []
        for rows in self.store.scan(["id"]):
            ids = rows.column("id").to_pylist()
            absent = self.seen.missing(np.fromiter(map(id_hash, ids), np.uint64, len(ids)))
            gone.extend(id for id, is_gone in zip(ids, absent, strict=True) if is_gone)
        if gone:
            log.info("%d documents of the interrupted build are no longer in the sources", len(gone))
            self.store.delete(gone)

    def _finish(self, current: Manifest | None) -> Manifest:
        """Check what was written, derive, and only then say that this version is the complete one."""
        self.still_ours()
        if self.store.fragments() > _MANY_FRAGMENTS or self.store.bytes_on_disk() > 2 * self.store.bytes_in_use():
            self.store.compact(keep=current.version if current else None)  # readers may be using that one
        counts = self._count()
        if current is None and (counts.documents, counts.corpus) != (self.streamed, f"{self.total:032x}"):
            raise Mismatch(
                f"{self.folder}: {counts.documents} rows do not add up to the {self.streamed} documents read"
            )
        if counts.documents > self.exact_limit:
            search = self._search(current, counts)
            counts = replace(counts, version=self.store.version, ann=True, search=search)
        home = home_of(self.folder)
        build_derived(home, counts, self.store)
        self.still_ours()
        files.write_manifest(self.folder, counts)
        (self.folder / files.JOURNAL).unlink(missing_ok=True)
        prune_derived(home, {counts.version, *([current.version] if current else [])})
        return counts

    def _search(self, current: Manifest | None, counts: Manifest) -> dict[str, Any]:
        """What the manifest says of approximate search; few rows that are new are searched without an index."""
        names = ["whole", *self.encoder.aspects]
        if current is not None and current.search and set(current.search) == set(names):
            new = unindexed(self.store, current.search, counts.aspects)
            if all(count is not None and count <= _UNINDEXED * counts.documents for count in new):
                return dict(current.search)
        return build_ann(self.store, self.encoder.dim, counts.documents, counts.aspects)

    def _count(self) -> Manifest:
        """The manifest of the table as it stands."""
        documents = sentences = total = 0
        aspects = dict.fromkeys(self.encoder.aspects, 0)
        hashes: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
        labels = ["sentence_starts", *(vector_column(aspect) for aspect in aspects)]
        for rows in self.store.scan(["id", "row_digest", *labels], batch=2048):
            documents += rows.num_rows
            sentences += len(rows.column("sentence_starts").flatten())
            for aspect in aspects:
                column = rows.column(vector_column(aspect))
                aspects[aspect] += len(column) - column.null_count
            total += sum(int.from_bytes(d, "big") for d in rows.column("row_digest").to_pylist())
            hashes.append(np.fromiter(map(id_hash, rows.column("id").to_pylist()), np.uint64, rows.num_rows))
        if len(np.unique(np.concatenate(hashes))) != documents:
            raise Mismatch(f"{self.folder}: the table holds an id twice; delete the folder and index again")
        return Manifest(
            version=self.store.version,
            documents=documents,
            sentences=sentences,
            aspects=aspects,
            encoder=self.spec,
            corpus=f"{total % 2**128:032x}",
            columns={name: Column(self.fields[name], type) for name, type in sorted(self.types.items())},
            sources=self.sources,
            recipe=self.kept,
            built=datetime.now(UTC).isoformat(timespec="seconds"),
            build=uuid.uuid4().hex,
            libraries=dict(library_versions()),
        )
