"""CSV and TSV: a header line, then one document a row."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from heedful.corpus.lines import LONGEST_LINE, Entry, Line, read_lines
from heedful.errors import BadRecord

_KNOWN = ("_id", "id", "title", "text", "abstract")
_EXPECTED = "a header line with _id (or id), title and text (or abstract)"


def read_csv(path: Path) -> Iterator[Entry | BadRecord]:
    """The rows of a CSV file, quoted as RFC 4180 says; semicolons separate where the header has no comma."""
    if csv.field_size_limit() < LONGEST_LINE:
        csv.field_size_limit(LONGEST_LINE)  # the module's own limit refuses documents of 131,072 characters
    faults: list[Line] = []
    lines = _texts(read_lines(path), faults)
    header = next(lines, None)
    if header is None:
        return
    separator = ";" if ";" in header and "," not in header else ","
    try:
        names = _names(path, next(csv.reader([header], delimiter=separator, strict=True)), faults)
    except csv.Error as error:
        raise BadRecord(path, 1, f"a broken header ({error})", _EXPECTED) from None
    rows = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        start = rows.line_num + 2  # the header has been read apart
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield BadRecord(path, start, f"a broken row ({error})", "quotes that are closed and doubled inside")
            continue
        if faults:
            yield BadRecord(path, faults[0].number, faults[0].fault, "UTF-8 text")
            faults.clear()
        elif row is None:
            return
        elif row:
            yield _entry(path, start, names, row)


def read_tsv(path: Path) -> Iterator[Entry | BadRecord]:
    """The lines of a TSV file: one document a line; a field in double quotes from end to end is unquoted."""
    names: list[str] = []
    for line in read_lines(path):
        if line.fault:
            if not names:
                raise BadRecord(path, line.number, line.fault, "UTF-8 text")
            yield BadRecord(path, line.number, line.fault, "UTF-8 text")
            continue
        row = [_unquoted(field) for field in line.text.rstrip("\n").split("\t")]
        if not names:
            names = _names(path, row, [])
        elif line.text.strip():
            yield _entry(path, line.number, names, row)


def _texts(lines: Iterator[Line], faults: list[Line]) -> Iterator[str]:
    for line in lines:
        if line.fault:
            faults.append(line)
        yield line.text or "\n"


def _names(path: Path, row: list[str], faults: list[Line]) -> list[str]:
    if faults:
        raise BadRecord(path, 1, faults[0].fault, "UTF-8 text")
    names = [name.strip() for name in row]
    names = [name.lower() if name.lower() in _KNOWN else name for name in names]
    if not {"_id", "id"} & set(names):
        raise BadRecord(path, 1, f"the columns {', '.join(names)[:200]!r}", _EXPECTED)
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise BadRecord(path, 1, f"the column {twice[0]!r} twice", "every column once")
    return names


def _entry(path: Path, line: int, names: list[str], row: list[str]) -> Entry | BadRecord:
    if len(row) != len(names):
        return BadRecord(path, line, f"{len(row)} fields", f"{len(names)}, as in the header (quote what needs it)")
    fields = {name: field if name in _KNOWN else scalar(field) for name, field in zip(names, row, strict=True)}
    return Entry(line, dict(fields))


def _unquoted(field: str) -> str:
    if len(field) > 1 and field[0] == field[-1] == '"' and '"' not in field[1:-1].replace('""', ""):
        return field[1:-1].replace('""', '"')
    return field


def scalar(text: str) -> str | int | float:
    """A number where the text is exactly what the number prints as ("12", "-0.5"), else the text ("007", "1.50")."""
    text = text.strip()
    if not text or len(text) > 24 or not (text[0].isdigit() or text[0] == "-"):
        return text
    try:
        whole = int(text)
        return whole if str(whole) == text and abs(whole) < 2**63 else text
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text
    return value if repr(value) == text and math.isfinite(value) else text
