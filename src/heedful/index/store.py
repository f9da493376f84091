"""The LanceDB table: the one file that knows it. Its errors leave here as ours."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from heedful.errors import BadFilter, HeedfulError, Mismatch, Missing
from heedful.index.manifest import damaged, storage_error
from heedful.index.objects import Location, ObjectPath, engine_options, object_error

if TYPE_CHECKING:
    import pyarrow as pa

    from heedful.records import Vector

TABLE = "documents"
_SUFFIX = "__widened"
_MARGIN = timedelta(seconds=30)
_BOUNDS = {  # what the engine may hold at once; its own defaults take gigabytes for large tables
    "LANCE_DEFAULT_IO_BUFFER_SIZE": 32 * 2**20,  # bytes read ahead
    "LANCE_SHUFFLE_BATCH_BYTES": 32 * 2**20,  # codes that are put in order at once for an approximate index
    "LANCE_SHUFFLE_MAX_PRELOADED_OFFSETS_BYTES": 1,  # where each cell's codes lie: read when it is their turn
}
_SAMPLE = 32  # vectors a cell that its centre is learned from: four times as many find no more
_SQL = {"int": "bigint", "float": "double", "string": "string", "bool": "boolean"}


@contextmanager
def _writing(folder: Location) -> Iterator[None]:
    try:
        yield
    except HeedfulError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise storage_error(folder, error) from error


@contextmanager
def _reading(folder: Location) -> Iterator[None]:
    try:
        yield
    except HeedfulError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        if "no longer exists" in str(error):
            raise Mismatch(f"{folder}: this version of the index has been replaced since; open it again") from error
        if isinstance(folder, ObjectPath) and _is_of_the_store(error):
            raise object_error(folder, error) from error
        raise damaged(folder / f"{TABLE}.lance", _short(error)) from error


def _is_of_the_store(error: BaseException) -> bool:
    text = str(error)
    return "RetryError" in text or "HttpError" in text or 'store: "S3"' in text


def _short(error: BaseException) -> str:
    """The engine's message without its source paths."""
    text = str(error).split(", /root/.cargo")[0].split(", /home/")[0].split("\n")[0]
    return text if len(text) <= 240 else f"{text[:240]}..."


def _connect(folder: Location, index_cache: int | None = None) -> Any:
    os.environ.setdefault("LANCEDB_LOG", "error")  # its warnings are about what we mean to do
    for name, bound in _BOUNDS.items():
        os.environ.setdefault(name, str(bound))
    try:
        import lancedb
    except ImportError as error:
        raise Missing("the package lancedb is not installed; pip install lancedb") from error
    with _reading(folder):
        return lancedb.connect(
            str(folder),
            read_consistency_interval=timedelta(0),
            storage_options=engine_options(folder) or None,
            session=None if index_cache is None else lancedb.Session(index_cache_size_bytes=index_cache),
        )


class Store:
    """One table, at its latest version or at the one that was checked out."""

    def __init__(self, folder: Location, table: Any):
        self.folder, self._table = folder, table

    @classmethod
    def create(cls, folder: Location, schema: pa.Schema) -> Store:
        """A new empty table; one that stood there is overwritten."""
        with _writing(folder):
            return cls(folder, _connect(folder).create_table(TABLE, schema=schema, mode="overwrite"))

    @classmethod
    def open(cls, folder: Location, version: int | None = None, *, index_cache: int | None = None) -> Store:
        """The table at a version, or at the latest. Mismatch where it cannot be read.

        index_cache: bytes of approximate indexes that may stay in memory; the engine's own bound (6 GB) unless given.
        """
        with _reading(folder):
            table = _connect(folder, index_cache).open_table(TABLE)
            if version is not None:
                table.checkout(version)
            return cls(folder, table)

    @property
    def version(self) -> int:
        """The version in use."""
        return int(self._table.version)

    @property
    def schema(self) -> pa.Schema:
        """The columns as they are now."""
        return self._table.schema

    def count(self) -> int:
        """Rows."""
        with _reading(self.folder):
            return int(self._table.count_rows())

    def scan(self, columns: Sequence[str], *, where: str | None = None, batch: int = 4096) -> Iterator[pa.RecordBatch]:
        """These columns and `_rowid` of all rows in the table's order. BadFilter where `where` does not evaluate."""
        try:
            query = self._table.search().select(list(columns)).with_row_id(True)
            batches = (query.where(where) if where else query).to_batches(batch)
            first = next(iter(batches), None)
        except (OSError, RuntimeError, ValueError) as error:
            if where and not isinstance(error, OSError) and "LanceError(IO)" not in str(error):
                raise BadFilter(f"--where: {_short(error)} (as read: {where})") from error
            with _reading(self.folder):
                raise
        if first is None:
            return
        yield first
        with _reading(self.folder):
            yield from batches

    def take(self, row_ids: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """These rows, in no particular order."""
        with _reading(self.folder):
            return self._table.take_row_ids(list(row_ids)).select(list(columns)).with_row_id().to_arrow()

    def append(self, rows: pa.Table) -> None:
        """Add rows, all or none."""
        with _writing(self.folder):
            self._table.add(rows, on_bad_vectors="null")

    def upsert(self, rows: pa.Table) -> None:
        """Replace the rows with these ids and add the others, all or none."""
        with _writing(self.folder):
            merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(rows, on_bad_vectors="null")

    def delete(self, ids: Iterable[str]) -> None:
        """Delete the rows with these ids; others are left alone."""
        quoted = ["'" + id.replace("'", "''") + "'" for id in ids]
        with _writing(self.folder):
            for start in range(0, len(quoted), 500):
                self._table.delete(f"id IN ({', '.join(quoted[start : start + 500])})")

    def add_column(self, name: str, type: str) -> None:
        """A metadata column, null in every row so far."""
        with _writing(self.folder):
            self._table.add_columns({name: f"cast(NULL as {_SQL[type]})"})

    def widen_column(self, name: str, type: str) -> None:
        """Convert a metadata column to a wider type. Three commits; `mend` finishes what a crash left."""
        with _writing(self.folder):
            self._table.add_columns({name + _SUFFIX: f"cast(`{name}` as {_SQL[type]})"})
            self._table.drop_columns([name])
            self._table.alter_columns({"path": name + _SUFFIX, "rename": name})

    def mend(self) -> None:
        """Finish a widening that was cut off."""
        names = set(self.schema.names)
        with _writing(self.folder):
            for name in sorted(n for n in names if n.endswith(_SUFFIX)):
                if name.removesuffix(_SUFFIX) in names:
                    self._table.drop_columns([name])  # not switched over yet: as if it had not begun
                else:
                    self._table.alter_columns({"path": name, "rename": name.removesuffix(_SUFFIX)})

    def restore(self, version: int) -> None:
        """Make an older version the latest again."""
        with _reading(self.folder):
            self._table.checkout(version)
            self._table.restore()
            self._table.checkout_latest()

    def fragments(self) -> int:
        """How many pieces the table is in."""
        return int(self._table.stats()["fragment_stats"]["num_fragments"])

    def bytes_in_use(self) -> int:
        """What this version occupies."""
        return int(self._table.stats()["total_bytes"])

    def bytes_on_disk(self) -> int:
        """What all versions occupy."""
        return bytes_below(self.folder / f"{TABLE}.lance")

    def compact(self, keep: int | None = None) -> None:
        """Join small pieces; delete the versions before the one to keep, with files that no version names.

        keep: None: the latest alone. Versions written up to `_MARGIN` before it stay too: the engine counts an age back
        from when it comes to deleting, which may be later than expected.
        """
        written = None if keep is None else self.written_at(keep)
        with _writing(self.folder):
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that other readers lose old versions: the caller has seen to it
                self._table.optimize()
                if keep is None or written is not None:
                    age = timedelta(0) if written is None else datetime.now(UTC) - written + _MARGIN
                    self._table.optimize(cleanup_older_than=age, delete_unverified=True)

    def written_at(self, version: int) -> datetime | None:
        """When a version was written; None where it is gone."""
        with _reading(self.folder):
            for entry in self._table.list_versions():
                if entry["version"] == version:
                    return entry["timestamp"].astimezone(UTC)  # type: ignore[no-any-return]
        return None

    def build_ann(self, columns: Sequence[str], partitions: int) -> None:
        """An approximate index (IVF_SQ, cosine) over each vector column, in place of one that is there."""
        from lancedb.index import IvfSq

        config = IvfSq(distance_type="cosine", num_partitions=partitions, sample_rate=_SAMPLE)
        with _writing(self.folder):
            for column in columns:
                self._table.create_index(column, config=config, replace=True)

    def unindexed(self, column: str) -> int | None:
        """Rows that the approximate index over this column lacks (they are searched one by one); None: no index."""
        with _reading(self.folder):
            found = self._table.index_stats(f"{column}_idx")
        return None if found is None else int(found.num_unindexed_rows)

    def nearest(self, column: str, vector: Vector, k: int, where: str | None, probes: int) -> pa.Table:
        """`_rowid` and `_distance` (1 - cosine) of about k nearest rows, by the approximate index."""
        query = self._table.search(np.asarray(vector), vector_column_name=column).distance_type("cosine")
        query = query.nprobes(probes).limit(k).select(["_distance"]).with_row_id(True)
        with _reading(self.folder):
            return (query.where(where) if where else query).to_arrow()


def bytes_below(place: Location) -> int:
    """What the files below a folder or prefix occupy."""
    if isinstance(place, ObjectPath):
        return sum(entry.size for entry in place.walk())
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def library_versions() -> Mapping[str, str]:
    """The versions of what reads and writes the table."""
    from importlib.metadata import version

    return {name: version(name) for name in ("heedful", "lancedb", "pyarrow", "numpy")}
