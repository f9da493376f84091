"""The JSON files of a benchmark folder, line by line, with errors that say where."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heedful.errors import BadBenchmark, BadRecord
from heedful.records import Document, Scalar, Sentence


def find(folder: Path, *names: str) -> Path | None:
    """The first of the names that the folder has, plain or gzipped."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    return None


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of a JSONL file. Raises BadRecord for a line that is no JSON object."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if not raw.strip():
                    continue
                try:
                    row = json.loads(raw.decode("utf-8"))
                except UnicodeDecodeError as error:
                    raise BadRecord(path, number, "bytes that are not UTF-8", "a JSON object in UTF-8") from error
                except (ValueError, RecursionError) as error:
                    raise BadRecord(path, number, f"no JSON ({error})", "a JSON object") from error
                if not isinstance(row, dict):
                    raise BadRecord(path, number, f"a JSON {type(row).__name__}", "a JSON object")
                yield number, row
    except (OSError, EOFError) as error:
        raise BadBenchmark(f"{path}: cannot be read: {error}") from error


def json_file(path: Path) -> Any:
    """The value of a JSON file. Raises BadBenchmark."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadBenchmark(f"{path}: cannot be read: {error}; expected JSON in UTF-8") from error


def identifier(path: Path, number: int, row: Mapping[str, Any], *keys: str) -> str:
    """The row's id, a non-empty string without white space (TREC files separate by it)."""
    for key in keys or ("_id", "id"):
        if key in row:
            value = row[key]
            break
    else:
        raise BadRecord(path, number, "no _id", "an object with an _id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "" or len(str(value).split()) != 1:
        raise BadRecord(path, number, f"the _id {value!r}", "a string without white space")
    return str(value)


def text_of(path: Path, number: int, row: Mapping[str, Any], *keys: str) -> str:
    """The first of the keys that the row has, as a string; empty where it has none of them or null."""
    for key in keys:
        value = row.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise BadRecord(path, number, f"{key} of type {type(value).__name__}", f"{key} as a string")
        return value
    return ""


def read_corpus(path: Path) -> dict[str, Document]:
    """Id -> document, in file order. Raises BadRecord for a duplicate or missing id and for fields of a wrong type."""
    documents: dict[str, Document] = {}
    for number, row in json_lines(path):
        document = to_document(path, number, row)
        if document.id in documents:
            raise BadRecord(path, number, f"the _id {document.id!r} a second time", "ids that occur once")
        documents[document.id] = document
    if not documents:
        raise BadRecord(path, 1, "an empty file", "one JSON object a line")
    return documents


def to_document(path: Path, number: int, row: Mapping[str, Any]) -> Document:
    """One row of a corpus file as a document, its sentences with their offsets in the text."""
    id = identifier(path, number, row)
    text = text_of(path, number, row, "text", "abstract", "contents", "body")
    rows = row.get("sentences") or ()
    if isinstance(rows, str) or not hasattr(rows, "__iter__"):
        raise BadRecord(path, number, f"sentences of type {type(rows).__name__}", "a list of {text, label}")
    pieces: list[tuple[str, str]] = []
    for piece in rows:
        if not isinstance(piece, dict) or not isinstance(piece.get("text"), str):
            raise BadRecord(path, number, "a sentence without a text", "sentences of the form {text, label}")
        pieces.append((piece["text"], piece.get("label") or ""))
    text = text or " ".join(piece for piece, _ in pieces)
    sentences, at = [], 0
    for piece, label in pieces:
        start = text.find(piece, at)
        at = start + len(piece) if start >= 0 else at
        sentences.append(Sentence(piece, label, start, at if start >= 0 else -1))
    known = {"_id", "id", "title", "text", "abstract", "contents", "body", "sentences"}
    metadata: dict[str, Scalar] = {
        key: value
        for key, value in row.items()
        if key not in known and (value is None or isinstance(value, str | int | float | bool))
    }
    return Document(id, text_of(path, number, row, "title"), text, tuple(sentences), metadata)
