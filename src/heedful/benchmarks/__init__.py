"""Folders to topics, documents and judgments."""

from heedful.benchmarks.benchmark import Benchmark, Pair, Split
from heedful.benchmarks.load import load_benchmark

__all__ = ["Benchmark", "Pair", "Split", "load_benchmark"]
