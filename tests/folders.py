"""Benchmark folders that can be checked by hand, as fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Make = Callable[..., Path]


def lines(path: Path, rows: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def aspects(tmp_path: Path) -> Path:
    """Four papers, one seed judged under two aspects."""
    folder = tmp_path / "aspects"
    lines(
        folder / "corpus.jsonl",
        [
            {
                "_id": id,
                "title": f"Paper {id}",
                "sentences": [
                    {"text": f"The problem of {problem} is old.", "label": "background"},
                    {"text": f"We use {method}.", "label": "method"},
                ],
            }
            for id, problem, method in [
                ("s", "tides", "wavelets"),
                ("a", "tides", "surveys"),
                ("b", "rust", "wavelets"),
                ("c", "rust", "surveys"),
            ]
        ],
    )
    lines(
        folder / "queries.jsonl",
        [{"_id": f"s_{aspect}", "seed": "s", "aspect": aspect} for aspect in ("background", "method")],
    )
    (folder / "qrels.tsv").write_text(
        "s_background 0 a 2\ns_background 0 b 0\ns_background 0 c 0\ns_background 0 s 3\n"
        "s_method 0 a 0\ns_method 0 b 2\ns_method 0 c 0\n"
    )
    settings = {"name": "toy", "convention": "csfcube", "pool": "judged", "relevant_from": 2, "aspect_pairs": True}
    (folder / "benchmark.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture
def paired(tmp_path: Path) -> Path:
    """Two questions whose instruction changes."""
    folder = tmp_path / "paired"
    lines(folder / "corpus.jsonl", [{"_id": id, "title": "", "text": f"text {id}"} for id in "abcd"])
    lines(
        folder / "queries.jsonl",
        [
            {"_id": q, "text": f"question {q}", "instruction_og": "yes", "instruction_changed": "no"}
            for q in ("q1", "q2")
        ],
    )
    (folder / "qrels_og.tsv").write_text("q1 0 a 1\nq1 0 b 0\nq2 0 c 1\nq2 0 d 0\n")
    (folder / "qrels_changed.tsv").write_text("q1 0 a 0\nq1 0 b 1\nq2 0 c 0\nq2 0 d 1\n")
    (folder / "benchmark.json").write_text('{"pool": "judged"}')
    return folder
