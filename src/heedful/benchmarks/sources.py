"""Where a published benchmark's tables come from: files in a folder, or the `datasets` library."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from heedful.benchmarks.files import json_lines
from heedful.errors import BadBenchmark, BadQrels, Missing

Row: TypeAlias = Mapping[str, Any]
_KINDS = (".jsonl", ".jsonl.gz", ".parquet", ".tsv", ".tsv.gz")


class Source(Protocol):
    """Named tables of one published benchmark."""

    name: str

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        ...

    def rows(self, table: str) -> Iterator[tuple[str, Row]]:
        """(where the row stands, the row) of every row. Raises BadBenchmark where there is no such table."""
        ...


class FolderSource:
    """Tables as files: `<table>.jsonl`, `<table>/*.parquet`, `<table>-00000-of-00001.parquet`, tsv, gzipped or not."""

    def __init__(self, folder: Path):
        self.folder, self.name = folder, folder.resolve().name

    def __repr__(self) -> str:
        return str(self.folder)

    def files(self, table: str) -> list[Path]:
        """The files of a table, sorted; of a sub-folder with splits the test split alone, where there is one."""
        found = [path for kind in _KINDS for path in (self.folder / f"{table}{kind}",) if path.is_file()]
        if not found:
            found = sorted(self.folder.glob(f"{table}-*.parquet"))
        if not found and (self.folder / table).is_dir():
            inside = sorted(p for p in (self.folder / table).iterdir() if p.name.endswith(_KINDS))
            found = [p for p in inside if p.name.startswith("test")] or inside
        return found

    def has(self, table: str) -> bool:
        """Whether the folder has files of that name."""
        return bool(self.files(table))

    def rows(self, table: str) -> Iterator[tuple[str, Row]]:
        """Every row of the table's files, with file and line (or row) number."""
        paths = self.files(table)
        if not paths:
            raise BadBenchmark(
                f"{self.folder}: found no {table} (.jsonl, .parquet or .tsv); expected it in this layout"
            )
        for path in paths:
            if path.suffix == ".parquet":
                yield from _parquet(path)
            elif path.name.endswith((".tsv", ".tsv.gz")):
                yield from _tsv(path)
            else:
                yield from ((f"{path}:{number}", row) for number, row in json_lines(path))


class DatasetsSource:
    """Tables as configurations of a data set of the `datasets` library (a hub name, or what it has in its cache)."""

    def __init__(self, path: str, tables: Mapping[str, str] | None = None, split: str | None = None):
        """`tables`: table -> configuration where their names differ. split: which split, where several are there."""
        try:
            datasets: Any = import_module("datasets")
        except ImportError as error:
            raise Missing("data sets by name need the datasets library; pip install 'heedful[train]'") from error
        self.path, self.name, self.tables, self.split = path, path.rsplit("/", 1)[-1], dict(tables or {}), split
        self._library = datasets
        self._configurations = frozenset(datasets.get_dataset_config_names(path))

    def __repr__(self) -> str:
        return f"datasets:{self.path}"

    def has(self, table: str) -> bool:
        """Whether the data set has a configuration of that name."""
        return self.tables.get(table, table) in self._configurations

    def rows(self, table: str) -> Iterator[tuple[str, Row]]:
        """Every row of the configuration's split: the asked one, else test, else the table's own, else the only one."""
        configuration = self.tables.get(table, table)
        if configuration not in self._configurations:
            known = ", ".join(sorted(self._configurations))
            raise BadBenchmark(f"{self!r}: found no configuration {configuration!r}; it has {known}")
        splits = self._library.load_dataset(self.path, configuration)
        for wanted in (self.split, "test", configuration, table):
            if wanted in splits:
                break
        else:
            wanted = next(iter(splits))
        for number, row in enumerate(splits[wanted], 1):
            yield f"{self!r} {configuration}/{wanted}:{number}", row


def field(where: str, row: Row, *names: str) -> str:
    """The first of the fields that the row has, as a string. Raises BadBenchmark where it has none of them."""
    for name in names:
        if row.get(name) is not None:
            return str(row[name])
    raise BadBenchmark(f"{where}: found the fields {', '.join(row)}; expected {' or '.join(names)}")


def grade(where: str, row: Row) -> int:
    """The row's grade, rounded half up where a source grades in fractions."""
    text = field(where, row, "score", "relevance", "label")
    try:
        return int(float(text) + 0.5) if float(text) >= 0 else int(float(text))
    except ValueError as error:
        raise BadBenchmark(f"{where}: found the grade {text!r}; expected a number") from error


def _parquet(path: Path) -> Iterator[tuple[str, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield f"{path}:{number}", row
    except (pa.ArrowException, OSError) as error:
        raise BadBenchmark(f"{path}: cannot be read as parquet: {error}") from error


def _tsv(path: Path) -> Iterator[tuple[str, Row]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header: list[str] | None = None
        for number, cells in enumerate(reader, 1):
            if header is None:
                header = cells
            elif cells:
                if len(cells) != len(header):
                    raise BadQrels(path, number, f"{len(cells)} columns", f"{len(header)}, as the header has")
                yield f"{path}:{number}", dict(zip(header, cells, strict=True))
