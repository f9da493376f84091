"""Runs and qrels in the files that trec_eval reads."""

from __future__ import annotations

import gzip
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from heedful.errors import BadInput, BadQrels, BadRun, Missing, Unwritable
from heedful.evaluate.predictions import read_predictions
from heedful.records import Hit, Qrels, Run

RUN_LINE = "'topic Q0 document rank score tag'"
QRELS_LINE = "'topic 0 document grade'"
_HEADERS = frozenset({"query-id", "query_id", "qid", "topic", "query"})


def in_order(hits: list[Hit]) -> list[Hit]:
    """Hits as every measure reads them: score down, then id down."""
    return sorted(hits, key=lambda hit: (hit.score, hit.id), reverse=True)


def read_run(path: Path | str) -> Run:
    """A TREC run file (or gzip of one), a folder of them whose topics differ, or a prediction file of mteb (.json).

    The rank column is ignored, as trec_eval does. Raises BadRun with file:line for a line that is not a run line, a
    score that is not a finite number, and a document that occurs twice in a topic; BadInput for an empty file.
    """
    path = Path(path)
    if path.suffix == ".json" and path.is_file():
        return read_predictions(path)
    topics: dict[str, dict[str, float]] = {}
    tag = ""
    for file in _files(path, "run"):
        known = frozenset(topics)
        seen = False
        for number, line in _lines(file):
            parts = line.split()
            if len(parts) != 6:
                raise BadRun(file, number, repr(_short(line)), RUN_LINE)
            topic, _, document, _, text, tag = parts
            if topic in known:
                raise BadRun(file, number, f"topic {topic!r} for the second time", "each topic in one file of a folder")
            score = _finite(text)
            if score is None:
                raise BadRun(file, number, f"the score {text!r}", "a finite number")
            hits = topics.setdefault(topic, {})
            if document in hits:
                raise BadRun(file, number, f"document {document!r} a second time in topic {topic!r}", "each once")
            hits[document] = score
            seen = True
        if not seen:
            raise BadRun(file, 1, "an empty file", RUN_LINE)
    return Run({topic: in_order([Hit(*pair) for pair in hits.items()]) for topic, hits in topics.items()}, tag)


def write_run(run: Run, path: Path | str) -> None:
    """Write a TREC run file, atomically; scores are printed so that they read back exactly."""
    tag = run.tag.replace(" ", "") or "heedful"
    lines = (
        f"{topic} Q0 {hit.id} {rank} {hit.score!r} {tag}\n"
        for topic, hits in run.topics.items()
        for rank, hit in enumerate(in_order(list(hits)), 1)
    )
    write_lines(Path(path), lines)


def read_qrels(path: Path | str) -> Qrels:
    """Judgments from a file: TREC's four columns, or three (topic, document, grade) below a header.

    Raises BadQrels with file:line for a bad line, a grade that is no whole number and a document judged twice in
    a topic; BadInput for a file without judgments.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path}: found a folder; expected a file of qrels")
    if not path.is_file():
        raise Missing(f"{path}: found no such file; expected qrels")
    topics: dict[str, dict[str, int]] = {}
    columns = 4
    for number, line in _lines(path):
        parts = line.split()
        if not topics and len(parts) == 3 and parts[0].lower() in _HEADERS:
            columns = 3
            continue
        if len(parts) != columns:
            expected = QRELS_LINE if columns == 4 else "'topic document grade', as the header says"
            raise BadQrels(path, number, repr(_short(line)), expected)
        topic, document, text = parts[0], parts[-2], parts[-1]
        grade = _finite(text)
        if grade is None or grade != int(grade):
            raise BadQrels(path, number, f"the grade {text!r}", "a whole number")
        grades = topics.setdefault(topic, {})
        if document in grades:
            raise BadQrels(path, number, f"document {document!r} a second time in topic {topic!r}", "each once")
        grades[document] = int(grade)
    if not topics:
        raise BadQrels(path, 1, "an empty file", QRELS_LINE)
    return Qrels(topics)


def write_qrels(qrels: Qrels, path: Path | str) -> None:
    """Write a TREC qrels file, atomically."""
    write_lines(
        Path(path),
        (f"{topic} 0 {id} {grade}\n" for topic, grades in qrels.topics.items() for id, grade in grades.items()),
    )


def write_lines(path: Path, lines: Iterator[str]) -> None:
    """Write a text file so that a reader sees the old one or the whole new one. Raises Unwritable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.fchmod(handle, 0o644)  # a result is to be read by others; temporary files are not, by default
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unwritable(f"{path}: cannot be written: {error.strerror or error}") from error


def _files(path: Path, suffix: str) -> list[Path]:
    if path.is_dir():
        found = sorted([*path.glob(f"*.{suffix}"), *path.glob(f"*.{suffix}.gz")])
        if not found:
            raise BadInput(f"{path}: found no *.{suffix} file in this folder; expected TREC {suffix} files")
        return found
    if not path.is_file():
        raise Missing(f"{path}: found no such file or folder; expected a TREC {suffix} file or a folder of them")
    return [path]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}:{number + 1}: found bytes that are not UTF-8; expected a UTF-8 text file") from error
    except (OSError, EOFError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")  # a byte-order mark is no part of the first topic's name


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _short(line: str) -> str:
    line = line.rstrip("\n")
    return line if len(line) <= 80 else line[:77] + "..."
