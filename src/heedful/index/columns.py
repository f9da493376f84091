"""Metadata columns: names that a filter can use, and types found in the data.

Types form a ladder: int -> float -> string, bool -> string. A column takes the lowest one that holds every value seen
so far; a later value that does not fit moves the column up (its stored values are converted), it is never refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from heedful.errors import BadInput
from heedful.records import Document, Scalar

Shape: TypeAlias = tuple[tuple[str, str], ...]  # (field, type) of what one document's metadata hold
RESERVED = frozenset(
    {"id", "title", "text", "vector_whole", "row_digest"}
    | {f"sentence_{part}" for part in ("vectors", "texts", "labels", "starts", "ends", "probabilities")}
)
_INT64 = 2**63


def type_of(value: Scalar) -> str | None:
    """int, float, string or bool; None for a value that is absent (null, NaN, infinite)."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -_INT64 <= value < _INT64 else "string"
    if isinstance(value, float):
        return "float" if math.isfinite(value) else None
    return "string"


def wider(a: str | None, b: str | None) -> str | None:
    """The lowest type that holds both."""
    if a is None or b is None or a == b:
        return b if a is None else a
    return "float" if {a, b} == {"int", "float"} else "string"


def as_type(value: Scalar, type: str) -> Scalar:
    """The value in a column of that type, which must be at least as wide as its own."""
    if type_of(value) is None:
        return None
    if type == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return float(value) if type == "float" and isinstance(value, int) else value


def column_name(field: str) -> str:
    """The column for a metadata field: letters, digits and underscores, so that a filter needs no quotes."""
    name = re.sub(r"\W+", "_", field, flags=re.ASCII).strip("_") or "column"
    return f"_{name}" if name[0].isdigit() else name


def shapes_of(documents: Iterable[Document]) -> dict[Shape, str]:
    """Each shape of these documents' metadata -> the id of the first document that has it, in that order."""
    shapes: dict[Shape, str] = {}
    for document in documents:
        shapes.setdefault(shape_of(document), document.id)
    return shapes


def shape_of(document: Document) -> Shape:
    """Which fields its metadata have, and of which types."""
    return tuple((field, type) for field, value in document.metadata.items() if (type := type_of(value)))


def columns_of(documents: Iterable[Document], fields: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(column -> type, column -> field) over these documents. fields: column -> field as known so far.

    Raises BadInput as `columns_of_shapes`.
    """
    return columns_of_shapes(shapes_of(documents), fields)


def columns_of_shapes(shapes: Mapping[Shape, str], fields: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """`columns_of` documents of these shapes (shape -> an id to name, in the documents' order).

    Raises BadInput where a field takes a name of the table's own, or two fields would share a column.
    """
    types: dict[str, str] = {}
    known = dict(fields)
    lowered = {name.lower(): name for name in known}
    for shape, id in shapes.items():
        for field, found in shape:
            name = column_name(field)
            owner = known.get(name)
            if owner != field:
                if owner is not None or name.lower() in lowered:
                    other = owner or known[lowered[name.lower()]]
                    raise BadInput(
                        f"document {id!r}: metadata fields {other!r} and {field!r} would share the column "
                        f"{name!r}; rename one of them"
                    )
                if name.lower() in RESERVED or name.lower().startswith("aspect_"):
                    raise BadInput(
                        f"document {id!r}: the metadata field {field!r} has a name that the index uses "
                        "itself; rename it"
                    )
                known[name], lowered[name.lower()] = field, name
            types[name] = wider(types.get(name), found) or found
    return types, known
