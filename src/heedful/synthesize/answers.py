"""What a chat model answered, as a value of the asked form, or why it is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

Schema = Mapping[str, Any]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_LONGEST = 100_000  # characters of an answer


class Malformed(ValueError):
    """An answer that is not of the asked form; the text says how."""


def read_answer(text: str, schema: Schema) -> dict[str, Any]:
    """The JSON object in an answer (a code fence and words around it are passed over), held against the schema.

    Of JSON schema it knows type, properties, required and items; fields that the schema doesn't name are left out.
    Raises Malformed.
    """
    if len(text) > _LONGEST:
        raise Malformed(f"an answer of {len(text):,} characters")
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise Malformed("no JSON object" if text.strip() else "an empty answer")
    try:
        value = json.loads(text[start : end + 1], parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON ({type(error).__name__})") from None
    kept: dict[str, Any] = _held(value, schema, "the answer")
    return kept


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _held(value: Any, schema: Schema, where: str) -> Any:
    wanted = schema.get("type", "string")
    fits = isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    if not fits:
        raise Malformed(f"{where} is no {wanted}")
    if wanted == "object":
        lacking = [name for name in schema.get("required", ()) if name not in value]
        if lacking:
            raise Malformed(f"{where} lacks {', '.join(lacking)}")
        return {
            name: _held(value[name], part, name) for name, part in schema.get("properties", {}).items() if name in value
        }
    if wanted == "array":
        return [_held(part, schema.get("items", {}), where) for part in value]
    if wanted == "string":
        return value.encode("utf-8", "replace").decode().strip()  # lone surrogates cannot be stored
    return value
