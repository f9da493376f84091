"""Documents and their vectors to rows of the table, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from heedful.errors import BadInput, Mismatch
from heedful.index.columns import as_type, column_name
from heedful.index.manifest import Column
from heedful.records import Document, DocumentVectors, Sentence

WHOLE = "vector_whole"
TEXTS = ("id", "title", "text", "sentence_texts", "sentence_labels", "sentence_starts", "sentence_ends")
ARROW = {"int": pa.int64(), "float": pa.float64(), "string": pa.string(), "bool": pa.bool_()}
_TYPES = {arrow: name for name, arrow in ARROW.items()}


def vector_column(column: str) -> str:
    """The table's column for "whole" or an aspect."""
    return WHOLE if column == "whole" else f"aspect_{column_name(column)}"


def schema(dim: int, aspects: Sequence[str], types: Mapping[str, str]) -> pa.Schema:
    """The table's columns. BadInput where two aspects would share one."""
    vector = pa.list_(pa.float16(), dim)
    names = [vector_column(aspect) for aspect in aspects]
    if len({name.lower() for name in names}) != len(names) or "whole" in aspects:
        raise BadInput(
            f"aspects {', '.join(aspects)}: two of them would share a column, or one is called 'whole'; rename one"
        )
    return pa.schema(
        [
            ("id", pa.string()),
            ("title", pa.string()),
            ("text", pa.string()),
            ("row_digest", pa.binary(16)),
            (WHOLE, vector),
        ]
        + [(name, vector) for name in names]
        + [
            ("sentence_vectors", pa.list_(vector)),
            ("sentence_texts", pa.list_(pa.string())),
            ("sentence_labels", pa.list_(pa.string())),
            ("sentence_starts", pa.list_(pa.int32())),
            ("sentence_ends", pa.list_(pa.int32())),
            ("sentence_probabilities", pa.list_(pa.float32())),
        ]
        + [(name, ARROW[type]) for name, type in types.items()]
    )


def metadata_types(table_schema: pa.Schema, fields: Mapping[str, str]) -> dict[str, str]:
    """Column -> type of the metadata columns that the table has."""
    return {name: _TYPES[table_schema.field(name).type] for name in table_schema.names if name in fields}


def digest(document: Document) -> bytes:
    """32 bytes that two documents share only when they are the same. BadInput where a text cannot be written."""
    sentences = [[s.text, s.label, s.start, s.end] for s in document.sentences]
    row = [document.id, document.title, document.text, sentences, sorted(document.metadata.items())]
    try:
        return hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).digest()
    except UnicodeEncodeError as error:
        raise BadInput(
            f"document {document.id!r}: half of a surrogate pair at character {error.start}; mend the file"
        ) from error


def to_rows(
    encoded: Sequence[DocumentVectors],
    digests: Sequence[bytes],
    table_schema: pa.Schema,
    aspects: Sequence[str],
    fields: Mapping[str, str],
) -> pa.Table:
    """Rows of the table's schema. digests: of the documents as they were read. fields: column -> metadata field.

    Raises Mismatch where an encoder gave vectors of a wrong shape, or that are not finite.
    """
    for value in encoded:
        _check(value, table_schema.field(WHOLE).type.list_size, aspects)
    sentences = [value.document.sentences for value in encoded]
    lengths = np.fromiter((len(s) for s in sentences), np.int64, len(sentences))
    arrays: dict[str, pa.Array] = {
        "id": pa.array([v.document.id for v in encoded], pa.string()),
        "title": pa.array([v.document.title for v in encoded], pa.string()),
        "text": pa.array([v.document.text for v in encoded], pa.string()),
        "row_digest": pa.array([d[:16] for d in digests], pa.binary(16)),
        WHOLE: _vectors([v.whole for v in encoded]),
        "sentence_vectors": _ragged(_vectors_flat([v.sentences for v in encoded], table_schema), lengths),
        "sentence_texts": pa.array([[s.text for s in row] for row in sentences], pa.list_(pa.string())),
        "sentence_labels": pa.array([[s.label for s in row] for row in sentences], pa.list_(pa.string())),
        "sentence_starts": pa.array([[s.start for s in row] for row in sentences], pa.list_(pa.int32())),
        "sentence_ends": pa.array([[s.end for s in row] for row in sentences], pa.list_(pa.int32())),
        "sentence_probabilities": _ragged(
            pa.array(np.concatenate([np.asarray(v.probabilities, np.float32).ravel() for v in encoded])),
            lengths * len(aspects),
        ),
    }
    for aspect in aspects:
        zero = np.zeros_like(encoded[0].whole)
        mask = [aspect not in v.aspects for v in encoded]
        arrays[vector_column(aspect)] = _vectors([v.aspects.get(aspect, zero) for v in encoded], mask)
    for name, type in metadata_types(table_schema, fields).items():
        values = [as_type(v.document.metadata.get(fields[name]), type) for v in encoded]
        arrays[name] = pa.array(values, ARROW[type])
    return pa.table([arrays[name] for name in table_schema.names], schema=table_schema)


def to_documents(rows: pa.Table, columns: Mapping[str, Column]) -> dict[str, Document]:
    """Id -> document, with its sentences and metadata; null metadata is left out."""
    found = {}
    for row in rows.select([*TEXTS, *columns]).to_pylist():
        parts = (row[f"sentence_{part}"] for part in ("texts", "labels", "starts", "ends"))
        metadata = {column.field: row[name] for name, column in columns.items() if row[name] is not None}
        sentences = tuple(Sentence(*sentence) for sentence in zip(*parts, strict=True))
        found[row["id"]] = Document(row["id"], row["title"], row["text"], sentences, metadata)
    return found


def matrix(column: pa.Array | pa.ChunkedArray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """A vector column as ((n, dim) float16, (n,) bool: whether the row has a vector); rows of zeros where not."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(column, pa.ChunkedArray):  # no chunks at all
        return np.zeros((0, dim), np.float16), np.zeros(0, bool)
    present = np.asarray(column.is_valid())
    out = np.zeros((len(column), dim), np.float16)
    out[present] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)  # flatten leaves nulls out
    return out, present


def _check(value: DocumentVectors, dim: int, aspects: Sequence[str]) -> None:
    count = len(value.document.sentences)
    shapes = {
        "whole": (np.shape(value.whole), (dim,)),
        "sentences": (np.shape(value.sentences), (count, dim)),
        "probabilities": (np.shape(value.probabilities), (count, len(aspects))),
        **{name: (np.shape(vector), (dim,)) for name, vector in value.aspects.items()},
    }
    for name, (found, expected) in shapes.items():
        if found != expected:
            raise Mismatch(f"document {value.document.id!r}: the encoder gave {name} of shape {found}, not {expected}")
    for name, array in {"whole": value.whole, "sentences": value.sentences, **value.aspects}.items():
        if not np.isfinite(array).all():
            raise Mismatch(f"document {value.document.id!r}: the encoder gave {name} vectors that are not finite")


def _vectors(rows: Sequence[np.ndarray], mask: Sequence[bool] | None = None) -> pa.FixedSizeListArray:
    stacked = np.asarray(rows, np.float16)
    nulls = None if mask is None else pa.array(mask)
    return pa.FixedSizeListArray.from_arrays(pa.array(stacked.ravel()), stacked.shape[1], mask=nulls)


def _vectors_flat(blocks: Sequence[np.ndarray], table_schema: pa.Schema) -> pa.FixedSizeListArray:
    dim = table_schema.field(WHOLE).type.list_size
    stacked = np.concatenate([np.asarray(block, np.float16).reshape(-1, dim) for block in blocks])
    return pa.FixedSizeListArray.from_arrays(pa.array(stacked.ravel(), pa.float16()), dim)


def _ragged(values: pa.Array, lengths: np.ndarray) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), values)
