"""RIS: entries from TY to ER, read by rispy one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from heedful.corpus.lines import Entry, Line, read_lines
from heedful.errors import BadRecord

_TAG = re.compile(r"([A-Z][A-Z0-9]) {1,2}- ?")
_EXPECTED = "an entry from 'TY  - ' to 'ER  - '"
_LARGEST = 16 * 2**20  # characters in an entry
# Our names, each with rispy's in the order in which they are tried.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "_id": ("id", "doi", "accession_number", "label", "urls"),
    "title": ("title", "primary_title", "short_title"),
    "abstract": ("abstract", "notes_abstract"),
    "authors": ("authors", "first_authors"),
    "year": ("year", "publication_year", "date"),
    "venue": ("journal_name", "alternate_title3", "secondary_title", "alternate_title2", "alternate_title1"),
    "url": ("urls",),
    "type": ("type_of_reference",),
}
_BESIDES = ("first_authors", "primary_title", "notes_abstract", "publication_year", "unknown_tag")


def read_ris(path: Path) -> Iterator[Entry | BadRecord]:
    """The entries of a RIS file; what stands between entries is passed over."""
    block: list[Line] = []
    size = 0
    for line in read_lines(path):
        tag = _tag(line)
        if tag == "TY" and block:
            yield BadRecord(path, block[0].number, "an entry without 'ER  - ' at its end", _EXPECTED)
            block, size = [], 0
        if block or tag == "TY" or line.fault:
            size += len(line.text)
            if size > _LARGEST:
                block = block[:1]
            elif line.fault or line.text.strip():
                block.append(line)
        if block and tag == "ER":
            yield _entry(path, block) if size <= _LARGEST else _too_large(path, block)
            block, size = [], 0
    if block:
        found = block[0].fault or "an entry without 'ER  - ' at its end (the file may be cut off)"
        yield BadRecord(path, block[0].number, found, _EXPECTED)


def _tag(line: Line) -> str:
    match = _TAG.match(line.text + " ")
    return match[1] if match else ""


def _too_large(path: Path, block: list[Line]) -> BadRecord:
    return BadRecord(path, block[0].number, f"an entry of more than {_LARGEST // 2**20} MiB", _EXPECTED)


def _entry(path: Path, block: list[Line]) -> Entry | BadRecord:
    import rispy

    for line in block:
        if line.fault:
            return BadRecord(path, line.number, line.fault, "UTF-8 text")
    lines = [_TAG.sub(r"\1  - ", line.text.rstrip("\n"), count=1) for line in block]
    try:
        found = rispy.loads("\n".join(lines))
    except Exception as error:
        return BadRecord(path, block[0].number, f"an entry that cannot be read ({error})", _EXPECTED)
    if len(found) != 1:
        return BadRecord(path, block[0].number, "an entry that cannot be read", _EXPECTED)
    return Entry(block[0].number, named(found[0], _NAMES, _BESIDES))


def named(
    found: Mapping[str, object], names: Mapping[str, tuple[str, ...]], besides: tuple[str, ...]
) -> dict[str, object]:
    """Values under our names: for each the first of theirs that is there; the others as they are, without `besides`."""
    fields: dict[str, object] = {}
    used = set(besides)
    for ours, theirs in names.items():
        for name in theirs:
            if value := found.get(name):
                fields[ours] = value[0] if ours == "_id" and isinstance(value, list) else value
                if ours != "_id" or name == theirs[0]:  # a DOI that serves as the id stays a column
                    used.add(name)
                break
    if year := re.search(r"(?<!\d)[12]\d{3}(?!\d)", str(fields.pop("year", ""))):
        fields["year"] = int(year[0])
    return fields | {name: value for name, value in found.items() if name not in used and name not in fields}
