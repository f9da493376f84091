"""Which layout a folder has, and the benchmark in it."""

from __future__ import annotations

from pathlib import Path

from heedful.benchmarks.benchmark import Benchmark
from heedful.benchmarks.folder import load_folder
from heedful.errors import BadBenchmark


def load_benchmark(folder: Path | str) -> Benchmark:
    """The benchmark in a folder. Raises BadBenchmark, BadRecord or BadQrels, saying where."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadBenchmark(f"{folder}: found no such folder; expected a benchmark folder")
    return load_folder(folder)
