"""The sample collection: abstracts written for Heedful, crossed by topic, method and finding, with graded judgments."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

SEED = "s025"
"""A good document to start from."""

INSTRUCTIONS: tuple[str, str, str] = (
    "other papers on the same problem, whatever method they use",
    "similar method, not the same topic",
    "papers with similar results, on any topic",
)
"""What to ask for: the seed's background, its method, its results."""


def folder() -> Path:
    """The benchmark folder: corpus.jsonl, queries.jsonl, qrels.tsv, benchmark.json."""
    return Path(str(files(__name__)))
