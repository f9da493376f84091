"""Triplets to parquet and back: a folder of shards a split, each file whole or absent."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heedful.errors import BadInput, Missing, StorageFailed, Unwritable, first_line
from heedful.synthesize.rows import SPLITS, Negative, Passage, Provenance, Triplet, Verdict, check

NEGATIVE = pa.struct(
    [(name, pa.string()) for name in ("id", "title", "text", "kind", "instruction", "query", "origin")]
)
VERDICT = pa.struct(
    [
        ("passage", pa.string()),
        ("side", pa.string()),
        ("satisfied", pa.bool_()),
        ("reason", pa.string()),
        ("confidence", pa.float64()),
        ("against", pa.string()),
        ("model", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("instruction", pa.string()),
        ("query", pa.string()),
        ("positive_id", pa.string()),
        ("positive_title", pa.string()),
        ("positive_text", pa.string()),
        ("negatives", pa.list_(NEGATIVE)),
        ("kind", pa.string()),
        ("group", pa.string()),
        ("seed", pa.string()),
        ("aspect", pa.string()),
        ("sources", pa.list_(pa.string())),
        ("generator", pa.string()),
        ("validator", pa.string()),
        ("templates", pa.list_(pa.string())),
        ("verdicts", pa.list_(VERDICT)),
        ("cost_usd", pa.float64()),
        ("licence", pa.string()),
        ("details", pa.string()),  # JSON
        ("split", pa.string()),
    ],
    metadata={"heedful": "triplets/1"},
)
DATA = "data"  # the shards' folder inside the set's
SHARD_ROWS = 10_000


def to_row(triplet: Triplet) -> dict[str, Any]:
    """One row of SCHEMA."""
    source = triplet.provenance
    return {
        "id": triplet.id,
        "instruction": triplet.instruction,
        "query": triplet.query,
        "positive_id": triplet.positive.id,
        "positive_title": triplet.positive.title,
        "positive_text": triplet.positive.text,
        "negatives": [
            {
                "id": negative.passage.id,
                "title": negative.passage.title,
                "text": negative.passage.text,
                "kind": negative.kind,
                "instruction": negative.instruction,
                "query": negative.query,
                "origin": negative.origin,
            }
            for negative in triplet.negatives
        ],
        "kind": source.kind,
        "group": source.group,
        "seed": source.seed,
        "aspect": source.aspect,
        "sources": list(source.sources),
        "generator": source.generator,
        "validator": source.validator,
        "templates": list(source.templates),
        "verdicts": [{name: getattr(verdict, name) for name in VERDICT.names} for verdict in source.verdicts],
        "cost_usd": source.cost_usd,
        "licence": source.licence,
        "details": json.dumps(dict(source.details), sort_keys=True, ensure_ascii=False),
        "split": triplet.split,
    }


def from_row(row: Mapping[str, Any], where: str) -> Triplet:
    """A row of SCHEMA, checked. Raises BadInput, naming `where` and the field."""
    try:
        negatives = tuple(
            Negative(
                Passage(part["id"], part["text"], part["title"]),
                part["kind"],
                part["instruction"],
                part["query"],
                part["origin"],
            )
            for part in row["negatives"]
        )
        verdicts = tuple(Verdict(**part) for part in row["verdicts"])
        details = json.loads(row["details"] or "{}")
        triplet = Triplet(
            row["id"],
            row["instruction"],
            row["query"],
            Passage(row["positive_id"], row["positive_text"], row["positive_title"]),
            negatives,
            Provenance(
                kind=row["kind"],
                group=row["group"],
                seed=row["seed"],
                aspect=row["aspect"],
                sources=tuple(row["sources"]),
                generator=row["generator"],
                validator=row["validator"],
                templates=tuple(row["templates"]),
                verdicts=verdicts,
                cost_usd=row["cost_usd"],
                licence=row["licence"],
                details=details,
            ),
            row["split"],
        )
        return check(triplet, where)
    except BadInput:
        raise
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise BadInput(f"{where}: found a row that is no triplet ({error}); expected the columns of SCHEMA") from None


class TripletWriter:
    """Rows into `folder/data/SPLIT-00000.parquet`, ...: the set that was there is replaced whole, or stays.

    A context manager: shards are written beside the old ones as they fill and take their place on a clean exit; after
    an error nothing has changed. counts: rows, a split.
    """

    def __init__(self, folder: Path | str, *, shard_rows: int = SHARD_ROWS):
        self.folder = Path(folder) / DATA
        self.shard_rows = shard_rows
        self.counts: dict[str, int] = dict.fromkeys(SPLITS, 0)
        self._fresh = self.folder.with_name(f"{DATA}.new")
        self._shards: dict[str, int] = dict.fromkeys(SPLITS, 0)
        self._waiting: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        try:
            shutil.rmtree(self._fresh, ignore_errors=True)
            self._fresh.mkdir(parents=True)
        except OSError as error:
            raise Unwritable(f"{self.folder}: found {error.strerror}; expected a folder that can be written") from None

    def __enter__(self) -> TripletWriter:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        try:
            if failed is None:
                for split in SPLITS:
                    self._flush(split)
                self._exchange()
        finally:
            shutil.rmtree(self._fresh, ignore_errors=True)

    def _exchange(self) -> None:
        old = self.folder.with_name(f"{DATA}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self.folder.exists():
            os.replace(self.folder, old)
        os.replace(self._fresh, self.folder)
        shutil.rmtree(old, ignore_errors=True)

    def add(self, row: Triplet) -> None:
        """One more row. Raises BadInput for one that cannot be trained on, StorageFailed."""
        check(row, f"triplet {row.id!r}")
        self._waiting[row.split].append(to_row(row))
        self.counts[row.split] += 1
        if len(self._waiting[row.split]) >= self.shard_rows:
            self._flush(row.split)

    def _flush(self, split: str) -> None:
        rows, self._waiting[split] = self._waiting[split], []
        if not rows:
            return
        write_table(
            pa.Table.from_pylist(rows, schema=SCHEMA), self._fresh / f"{split}-{self._shards[split]:05}.parquet"
        )
        self._shards[split] += 1


def write_table(table: pa.Table, path: Path) -> None:
    """A parquet file, whole or absent. Raises StorageFailed."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        pq.write_table(table, temporary, compression="zstd")
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageFailed(f"{path}: {error.strerror or error}; the shards before it are whole") from None


def write_triplets(rows: Iterable[Triplet], folder: Path | str) -> Mapping[str, int]:
    """All rows into a folder; the number of rows a split."""
    with TripletWriter(folder) as writer:
        for row in rows:
            writer.add(row)
    return writer.counts


def shards(source: Path | str, split: str | None = None) -> list[Path]:
    """The parquet files of a set (its folder, its data folder, or one file). Raises Missing."""
    source = Path(source)
    if source.is_file():
        return [source]
    folder = source / DATA if (source / DATA).is_dir() else source
    found = sorted(folder.glob(f"{split or '*'}-*.parquet")) or ([] if split else sorted(folder.glob("*.parquet")))
    if not found:
        what = f"no rows of split {split!r}" if split else "no parquet files"
        raise Missing(f"{source}: found {what}; expected a folder of triplets, as `heedful synthesize` writes it")
    return found


def read_triplets(source: Path | str, split: str | None = None) -> Iterator[Triplet]:
    """The rows, shard by shard, in bounded memory. Raises Missing, BadInput naming file and row."""
    for path in shards(source, split):
        at = 0
        for batch in batches(path):
            for row in batch.to_pylist():
                yield from_row(row, f"{path}: row {at}")
                at += 1


def batches(path: Path, rows: int = 1024) -> Iterator[pa.RecordBatch]:
    """The file's record batches. Raises BadInput where it is no parquet, or lacks a column of SCHEMA."""
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in SCHEMA.names if name not in file.schema_arrow.names]
            if missing:
                raise BadInput(f"{path}: found no column {', '.join(missing)}; expected the columns of a triplet set")
            yield from file.iter_batches(batch_size=rows)
    except FileNotFoundError:
        raise Missing(f"{path}: found no such file; expected parquet") from None
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{path}: found a file that cannot be read as parquet ({first_line(error)}); expected a triplet set"
        ) from None
