"""A build by many workers: shards are encoded and written wherever there is room, and one commit makes them a table.

The documents are read twice: once to find the columns, repeated ids and the shards' keys, once to encode what is
missing. Files that can be cut are read by the workers, others by the driver, which sends the documents. A shard that is
done stands in a ledger (`shards/KEY.json` beside the table), so a build that was cut off does only the rest. Nobody
sees a row before the commit; the manifest, written last, makes the version known.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.corpus.reading import CorpusFiles
from heedful.errors import BadInput, HeedfulError, Mismatch
from heedful.index import manifest as files
from heedful.index.ann import build_ann
from heedful.index.build import EXACT_LIMIT, BuildReport
from heedful.index.derived import build_derived, prune_derived
from heedful.index.manifest import LEDGER, Column, Manifest
from heedful.index.objects import Location, locate, names_in
from heedful.index.store import TABLE, Store, library_versions
from heedful.records import Document
from heedful.scale.encoding import EncoderRecipe
from heedful.scale.parts import Parts
from heedful.scale.shards import Shard, Table, Written, commit, finished, write_shard
from heedful.scale.survey import Reading, Stream, Survey
from heedful.seams import DocumentEncoder, Mapper

MOST_SHARDS = 1024  # so many files are listed, and opened by readers, in no time
log = logging.getLogger("heedful.scale")


def build_in_shards(
    read: Callable[[], Iterable[Document]],
    path: Path | str,
    encoder: DocumentEncoder,
    mapper: Mapper,
    *,
    sources: Sequence[Mapping[str, Any]] = (),
    scheme: AspectScheme | None = None,
    recipe: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    exact_limit: int = EXACT_LIMIT,
    chunks_a_shard: int | None = None,
) -> BuildReport:
    """A new index of the documents, or the rest of one that was cut off, by the mapper's workers.

    read: gives the documents anew each time; `CorpusFiles` that can be cut (JSON lines, not packed) are read by the
    workers instead, and by the driver where a worker does not see them. path: a folder that all workers see, or
    s3://BUCKET/NAME. encoder: what the workers load for themselves (by `EncoderRecipe`); here it says only what it is.
    Other parameters, the answers of the index and the errors: as `build_index`, whose rows and order it makes. An index
    that is complete is left as it is. chunks_a_shard: of 1,024 documents; unless given, what makes at most 1,024
    shards.

    Memory here: 8 bytes a document, and the shards under way (where workers read, without documents).
    """
    folder = locate(path)
    started = time.monotonic()
    scheme = SCIENCE if scheme is None else scheme
    if tuple(scheme.names) != tuple(encoder.aspects):
        raise BadInput(f"the encoder has the aspects {encoder.aspects}, the scheme {scheme.names}; pass scheme=")
    if isinstance(folder, Path):
        folder = folder.absolute()
    files.prepare_folder(folder)
    kept = files.as_json({**(recipe or {}), "scheme": scheme.as_json()})
    with files.build_lock(folder) as still_ours:
        build = _Build(folder, encoder, EncoderRecipe.of(encoder, scheme), files.as_json(list(sources)), kept)
        reading: Reading = Stream(read)
        if isinstance(read, CorpusFiles) and (parts := read.parts()) is not None:
            reading = Parts(read, parts)
        report = build.run(reading, mapper, progress, exact_limit, chunks_a_shard, still_ours)
        return replace(report, seconds=time.monotonic() - started)


class _Build:
    """One run, under the lock."""

    def __init__(
        self,
        folder: Location,
        encoder: DocumentEncoder,
        recipe: EncoderRecipe,
        sources: Sequence[Mapping[str, Any]],
        kept: dict[str, Any],
    ):
        self.folder, self.recipe, self.sources, self.kept = folder, recipe, sources, kept
        self.spec = files.as_json(dict(encoder.spec()))
        self.dim, self.aspects = encoder.dim, tuple(encoder.aspects)

    def run(
        self,
        reading: Reading,
        mapper: Mapper,
        progress: Callable[[int, int], None] | None,
        exact_limit: int,
        chunks_a_shard: int | None,
        still_ours: Callable[[], None],
    ) -> BuildReport:
        current = files.read_manifest(self.folder) if (self.folder / files.MANIFEST).exists() else None
        if current is not None:
            return self._compare(reading, mapper, current)
        found = reading.survey(mapper)
        columns = tuple((name, found.fields[name], type) for name, type in sorted(found.types.items()))
        table = Table(str(self.folder), self.recipe, self.dim, self.aspects, columns)
        size = chunks_a_shard or -(-len(found.chunks) // MOST_SHARDS)
        keys = [table.key(found.chunks[start : start + size]) for start in range(0, len(found.chunks), size)]
        there = finished(self.folder, keys, frozenset(self._data()))
        already = sum(written.rows for written in there.values())
        if there:
            log.info("resuming: %d of %d shards are there already", len(there), len(keys))
        self._write_journal(found)
        written = dict(there)
        missing = (shard for shard in reading.shards(keys, size) if shard.key not in there)
        for done in self._encode(reading, mapper, table, missing if len(there) < len(keys) else ()):
            written[done.key] = done
            if progress:
                progress(sum(one.rows for one in written.values()) - already, already)
        if absent := len(set(keys) - written.keys()):
            raise Mismatch(
                f"{self.folder}: {absent} of {len(keys)} shards did not come again; the sources changed while they "
                "were read: run the same command again"
            )
        in_order = [written[key] for key in keys]
        self._check(in_order, found)
        still_ours()
        manifest = self._finished(commit(table, in_order), in_order, found, exact_limit)
        self._delete_orphans(frozenset().union(*(one.files for one in in_order)))
        still_ours()
        files.write_manifest(self.folder, manifest)
        self._clear()
        return BuildReport(
            found.documents, found.documents - already, already=already, resumed=bool(there), version=manifest.version
        )

    def _compare(self, reading: Reading, mapper: Mapper, current: Manifest) -> BuildReport:
        """A complete index: nothing to do, or an error that says what differs."""
        files.require_same_encoder(self.folder, current.encoder, self.spec)
        same = bool(self.sources) and self.sources == files.as_json(list(current.sources))
        if not same:
            found = reading.survey(mapper)
            same = (found.documents, found.corpus) == (current.documents, current.corpus)
            if not same:
                raise BadInput(
                    f"{self.folder}: a complete index of other documents ({current.documents} there, {found.documents} "
                    "given, or their texts changed); --update adds and replaces, --delete ID removes, another --out "
                    "starts anew"
                )
        self._clear()
        return BuildReport(current.documents, already=current.documents, unchanged=True, version=current.version)

    def _write_journal(self, found: Survey) -> None:
        """Say that a build is under way; a journal of a build without shards gives way, and so do its rows."""
        journal = {"base": None, "order": {"shards": True}, "encoder": self.spec, "fields": found.fields}
        files.write_sealed(self.folder / files.JOURNAL, journal)
        if isinstance(self.folder, Path):
            (self.folder / LEDGER).mkdir(exist_ok=True)

    def _encode(self, reading: Reading, mapper: Mapper, table: Table, missing: Iterable[Shard]) -> Iterator[Written]:
        """What the workers wrote, shard by shard; those that came back are sent out again with their documents."""
        while missing:
            back: list[Shard] = []
            for done in mapper.map(partial(write_shard, table), missing):
                if isinstance(done, Shard):
                    back.append(done)
                else:
                    yield done
            missing = map(reading.filled, back) if back else ()

    def _check(self, written: Sequence[Written], found: Survey) -> None:
        total = sum(int(one.corpus, 16) for one in written) % 2**128
        rows = sum(one.rows for one in written)
        if (rows, f"{total:032x}") != (found.documents, found.corpus):
            raise Mismatch(
                f"{self.folder}: {rows} rows were written for {found.documents} documents; the sources changed while "
                "they were read: run the same command again"
            )

    def _finished(self, version: int, written: Sequence[Written], found: Survey, exact_limit: int) -> Manifest:
        """Check the table, index it, derive; what the manifest is to say."""
        store = Store.open(self.folder, version)
        if (rows := store.count()) != found.documents:
            raise Mismatch(f"{self.folder}: {rows} rows do not add up to the {found.documents} documents read")
        manifest = Manifest(
            version=store.version,
            documents=found.documents,
            sentences=sum(one.sentences for one in written),
            aspects={name: sum(one.aspects[name] for one in written) for name in self.aspects},
            encoder=self.spec,
            corpus=found.corpus,
            columns={name: Column(found.fields[name], type) for name, type in sorted(found.types.items())},
            sources=self.sources,
            recipe=self.kept,
            built=datetime.now(UTC).isoformat(timespec="seconds"),
            build=uuid.uuid4().hex,
            libraries=dict(library_versions()),
        )
        if found.documents > exact_limit:
            store = Store.open(self.folder)
            search = build_ann(store, self.dim, found.documents, manifest.aspects)
            manifest = replace(manifest, version=store.version, ann=True, search=search)
        if isinstance(self.folder, Path):  # readers of a bucket derive for themselves
            build_derived(self.folder, manifest, store)
            prune_derived(self.folder, {manifest.version})
        return manifest

    def _data(self) -> list[str]:
        """The names of the table's data files."""
        return names_in(self.folder / f"{TABLE}.lance" / "data")

    def _delete_orphans(self, wanted: frozenset[str]) -> None:
        """Data files of shards that were written twice or never finished; nobody has read this table yet."""
        orphans = [name for name in self._data() if name not in wanted]
        for name in orphans:
            with suppress(OSError, HeedfulError):
                (self.folder / f"{TABLE}.lance" / "data" / name).unlink()
        if orphans:
            log.info("%d files that no row needs are deleted", len(orphans))

    def _clear(self) -> None:
        """The ledger and the journal of a build that is complete."""
        files.drop_ledger(self.folder)
        journal = files.read_sealed(self.folder / files.JOURNAL)
        if journal is not None and journal["order"].get("shards"):
            (self.folder / files.JOURNAL).unlink(missing_ok=True)
