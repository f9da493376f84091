"""JSON lines: one object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from heedful.corpus.lines import Entry, Line, read_lines
from heedful.errors import BadRecord

_EXPECTED = "one JSON object a line, with _id, title and text (or abstract)"


def read_jsonlines(path: Path) -> Iterator[Entry | BadRecord]:
    """The objects of a file of JSON lines; empty lines are passed over."""
    return entries(path, read_lines(path))


def entries(path: Path, lines: Iterable[Line]) -> Iterator[Entry | BadRecord]:
    """The objects of these lines of the file."""
    for line in lines:
        if line.fault or not line.text.isspace():
            yield _entry(path, line)


def _entry(path: Path, line: Line) -> Entry | BadRecord:
    if line.fault:
        return BadRecord(path, line.number, line.fault, "UTF-8 text, " + _EXPECTED)
    try:
        value = _DECODER.decode(line.text)
    except RecursionError:
        return BadRecord(path, line.number, "JSON nested too deeply", _EXPECTED)
    except json.JSONDecodeError as error:
        return BadRecord(path, line.number, f"broken JSON ({error.msg}, column {error.colno})", _EXPECTED)
    except ValueError as error:
        return BadRecord(path, line.number, f"{error}", "finite numbers, text or null")
    if not isinstance(value, dict):
        return BadRecord(path, line.number, f"a JSON {_NAMES.get(type(value), 'value')}", _EXPECTED)
    return Entry(line.number, value, line.at)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]}, which is out of range")
    return value


def _integer(text: str) -> int | str:
    return int(text) if len(text) < 20 else text  # digits beyond 64 bits stay text


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
_NAMES = {list: "array", str: "string", int: "number", float: "number", bool: "truth value", type(None): "null"}
