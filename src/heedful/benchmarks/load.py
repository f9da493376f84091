"""Which layout a folder has, and the benchmark in it."""

from __future__ import annotations

from pathlib import Path

from heedful.benchmarks.benchmark import Benchmark
from heedful.benchmarks.files import find
from heedful.benchmarks.folder import load_folder
from heedful.benchmarks.layouts import layout_of
from heedful.benchmarks.sources import DatasetsSource, FolderSource
from heedful.errors import BadBenchmark, Missing

SCHEME = "datasets:"
OWN = ("qrels.tsv", "qrels_og.tsv", "benchmark.json")


def load_benchmark(folder: Path | str) -> Benchmark:
    """The benchmark in a folder: our layout, BEIR's, or one of those that `layouts` knows.

    "datasets:NAME" (or "datasets:NAME#SPLIT") takes it from the `datasets` library instead. A task of a collection of
    tasks (BRIGHT) is a folder inside the folder, even where only its files bear the name. Raises BadBenchmark,
    BadRecord or BadQrels, saying where; Missing for a folder that is not there, and for the library.
    """
    if str(folder).startswith(SCHEME):
        name, _, split = str(folder).removeprefix(SCHEME).partition("#")
        source = DatasetsSource(name, split=split or None)
        layout = layout_of(source)
        if layout is None:
            raise BadBenchmark(f"{folder}: its configurations are no layout known here")
        return layout(source)
    folder = Path(folder)
    if not folder.is_dir():
        task = TaskSource(folder.parent, folder.name)
        if folder.parent.is_dir() and (layout := layout_of(task)):
            return layout(task)
        if folder.exists():
            raise BadBenchmark(f"{folder}: found a file; expected a benchmark folder")
        raise Missing(f"{folder}: found no such folder; expected a benchmark folder")
    local = FolderSource(folder)
    if not any(find(folder, name) for name in OWN) and (layout := layout_of(local)):
        return layout(local)
    return load_folder(folder)


class TaskSource(FolderSource):
    """One task of a collection: the files of each table that bear the task's name."""

    def __init__(self, folder: Path, task: str):
        super().__init__(folder)
        self.task, self.name = task, task

    def files(self, table: str) -> list[Path]:
        """`<table>/<task>-*.parquet`, `<table>/<task>.jsonl` and the like."""
        return [p for p in sorted((self.folder / table).glob(f"{self.task}*")) if p.name[len(self.task)] in "-."]
