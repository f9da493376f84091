"""Files of rows, whatever their format: JSON lines (plain or gzip) or parquet, checked row by row, written whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heedful.corpus.jsonlines import read_jsonlines
from heedful.errors import BadInput, BadRecord, Missing, StorageFailed, Unwritable, first_line
from heedful.synthesize.convert.formats import FORMATS, NAMES, REST, Format, Row, kept
from heedful.synthesize.parquet import from_row, read_triplets, shards, write_triplets
from heedful.synthesize.rows import Triplet, check

JSON_LINES = (".jsonl", ".jsonl.gz", ".ndjson")


@dataclass
class Report:
    """What converting met. lost: what the format has no place for and no column carries. left_out: reason -> rows."""

    format: str
    rows: int = 0
    written: int = 0
    lost: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "format": self.format,
            "triplets": self.rows,
            "written": self.written,
            "lost": list(self.lost),
            "left_out": self.left_out,
        }


def read_set(source: Path) -> Iterator[Triplet]:
    """The triplets of a set in any known format, each checked; the format is known by its columns.

    Raises Missing, BadInput (naming file, row and field) where a row lacks a field, has another type in it, an empty
    passage, or an id for two texts.
    """
    name = format_of(source)
    if name == "heedful" and not _is_lines(source):
        return _same_ids(read_triplets(source))
    rows = chain.from_iterable(_rows(path) for path in _files(source))
    if name == "heedful":
        return _same_ids(from_row(row, where) for where, row in rows)
    format = FORMATS[name]
    return _same_ids(check(one, _at(one)) for one in format.read(_checked(rows, format)))


def format_of(source: Path) -> str:
    """Which format a set has, by the columns of its first row. Raises BadInput, Missing."""
    first = next(chain.from_iterable(_rows(path) for path in _files(source)), None)
    if first is None:
        raise BadInput(f"{source}: found no rows; expected at least one")
    where, row = first
    if {"positive_text", "negatives"} <= row.keys():
        return "heedful"
    for name, format in FORMATS.items():
        if sum(column in row for column in format.fields) * 2 > len(format.fields):
            return name
    columns = ", ".join(list(row)[:12])
    raise BadInput(f"{where}: found the columns {columns}; expected those of {', '.join(NAMES)}")


def convert(
    source: Path,
    out: Path,
    to: str,
    *,
    plain: bool = False,
    skip: bool = False,
    track: Callable[[Iterable[Triplet]], Iterator[Triplet]] = iter,
) -> Report:
    """Write a set in another format: a folder for heedful, else a file, JSON lines or parquet by its suffix.

    plain: without the column `heedful`, which carries what the format has no place for. skip: leave out triplets that
    the format cannot say, counted, rather than raise BadInput.
    """
    if to not in NAMES:
        raise BadInput(f"--to {to}: no such format; expected one of {', '.join(NAMES)}")
    triplets = track(read_set(source))
    if to == "heedful":
        counts = write_triplets(triplets, out)
        return Report(to, sum(counts.values()), sum(counts.values()))
    format, report = FORMATS[to], Report(to)
    carries = not plain and not format.positional
    report.lost = () if carries else format.loses

    def rows() -> Iterator[dict[str, Any]]:
        for triplet in triplets:
            report.rows += 1
            try:
                made = format.write(triplet)
            except BadInput as error:
                if not skip:
                    raise BadInput(f"{error}; --skip-unfit leaves such rows out") from None
                reason = str(error).partition(": found ")[2].partition(";")[0]
                report.left_out[reason] = report.left_out.get(reason, 0) + 1
                continue
            if carries:
                made = [{**row, REST: kept(triplet) if not at else ""} for at, row in enumerate(made)]
            report.written += len(made)
            yield from made

    write_rows(rows(), out)
    return report


def write_rows(rows: Iterable[Mapping[str, Any]], out: Path) -> None:
    """JSON lines or parquet by the suffix, whole or absent. Raises BadInput, Unwritable, StorageFailed."""
    write = _write_lines if out.name.endswith((".jsonl", ".ndjson")) else _write_parquet
    if write is _write_parquet and out.suffix != ".parquet":
        raise BadInput(f"{out}: found a name that says no format; expected .jsonl or .parquet")
    temporary = out.with_name(out.name + ".tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(rows, temporary)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, out)
    except (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise Unwritable(f"{out}: found {error.strerror}; expected a file that can be written") from None
    except OSError as error:
        raise StorageFailed(f"{out}: {error.strerror or error}; nothing was written") from None
    finally:
        temporary.unlink(missing_ok=True)


def _write_lines(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_parquet(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    left = iter(rows)
    writer: pq.ParquetWriter | None = None
    try:
        while some := list(islice(left, 5_000)):
            table = pa.Table.from_pylist(some, schema=writer.schema if writer else _schema(some[0]))
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
        if writer is None:
            pq.write_table(pa.table({}), path)
    finally:
        if writer is not None:
            writer.close()


def _schema(row: Mapping[str, Any]) -> pa.Schema:
    passages = pa.list_(pa.struct([(name, pa.string()) for name in ("docid", "title", "text")]))
    types = {str: pa.string(), bool: pa.bool_(), float: pa.float64(), list: passages}
    return pa.schema([(name, types[type(value)]) for name, value in row.items()])


def _files(source: Path) -> list[Path]:
    if source.is_dir() and not (source / "data").is_dir() and not any(source.glob("*.parquet")):
        found = sorted(path for path in source.iterdir() if path.name.endswith(JSON_LINES))
        if found:
            return found
    if not source.exists():
        raise Missing(f"{source}: found no such file or folder; expected a set of triplets")
    return shards(source)


def _is_lines(source: Path) -> bool:
    return any(path.name.endswith(JSON_LINES) for path in _files(source))


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Rows as they stand in a file, each with where."""
    if path.name.endswith(JSON_LINES):
        for entry in read_jsonlines(path):
            if isinstance(entry, BadRecord):
                raise entry
            yield f"{path}:{entry.line}", entry.fields
        return
    if path.suffix != ".parquet":
        raise BadInput(f"{path}: found a file of another kind; expected .parquet or {', '.join(JSON_LINES)}")
    at = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=512):
                for row in batch.to_pylist():
                    yield f"{path}: row {at}", row
                    at += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(
            f"{path}: row {at}: found parquet that cannot be read ({first_line(error)}); expected a whole file"
        ) from None


def _checked(rows: Iterable[tuple[str, Row]], format: Format) -> Iterator[tuple[str, Row]]:
    """The rows that have every field, of its type."""
    for where, row in rows:
        for name, type_ in format.fields.items():
            if name not in row or row[name] is None:
                raise BadInput(f"{where}: found no {name}; expected the fields of {format.name}")
            if not isinstance(row[name], type_):
                found = f"{name} of type {type(row[name]).__name__}"
                raise BadInput(f"{where}: found {found}; expected {type_.__name__}")
        for name in ("document", "document_positive", "positive", "negative", *format.fields):
            if name.startswith(("document", "hard", "positive", "negative")) and name in row:
                value = row[name]
                if isinstance(value, str) and not value.strip():
                    raise BadInput(f"{where}: found an empty {name}; expected the text of a passage")
        if format.name == "inf-ir" and not (row.get("document") or row.get("document_positive")):
            raise BadInput(f"{where}: found no document (nor document_positive); expected the fields of inf-ir")
        yield where, row


def _same_ids(triplets: Iterable[Triplet]) -> Iterator[Triplet]:
    """The triplets, as long as none has the id of an earlier one and no passage id stands for two texts."""
    from heedful.corpus.duplicates import SeenIds

    rows, ids, texts = SeenIds(), SeenIds(), SeenIds()
    for triplet in triplets:
        if not rows.add(triplet.id):
            raise BadInput(f"triplet {triplet.id!r}: found its id in an earlier row too; expected each id once")
        for passage in triplet.passages():
            new = ids.add(passage.id)
            if texts.add(f"{passage.id}\0{passage.title}\0{passage.text}") and not new:
                raise BadInput(
                    f"triplet {triplet.id!r}: found passage {passage.id!r} with another text than before; "
                    "expected one text an id"
                )
        yield triplet


def _at(triplet: Triplet) -> str:
    return f"triplet {triplet.id!r}"
