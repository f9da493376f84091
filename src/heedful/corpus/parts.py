"""Files of one document a line, cut into parts that anyone who sees the file can read alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from heedful.corpus.fields import Tally, converted
from heedful.corpus.jsonlines import entries
from heedful.corpus.lines import Line, is_plain, read_lines
from heedful.errors import BadRecord
from heedful.records import Document

PART = 8 * 2**20  # bytes: some thousand abstracts, read in about a second
_LINEWISE = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a file that begin at a byte of [start, stop).

    size: the whole file's, in bytes, where it was cut. left_out: the bytes at which documents begin that are passed
    over.
    """

    path: str
    start: int
    stop: int
    size: int
    left_out: tuple[int, ...] = ()

    def is_here(self) -> bool:
        """Whether this process sees the file as it was where it was cut."""
        try:
            with open(self.path, "rb") as file:
                return file.seek(0, 2) == self.size
        except OSError:
            return False


def cut(path: Path) -> list[Part] | None:
    """The file in parts of `PART` bytes, at least one; None where it cannot be read from the middle."""
    if path.suffix.lower() not in _LINEWISE or not is_plain(path):
        return None
    size, name = path.stat().st_size, str(path.absolute())
    return [Part(name, start, min(start + PART, size), size) for start in range(0, size or 1, PART)]


def read_part(part: Part, tally: Tally) -> Iterator[tuple[int, int, Document | BadRecord]]:
    """(line of the part, byte at which it begins, document or what is wrong there). tally: counts the lines, too."""
    path, left_out = Path(part.path), frozenset(part.left_out)
    lines = _counted(read_lines(path, part.start, part.stop), tally)
    for line, at, found in converted(path, entries(path, lines), tally):
        if at not in left_out:
            yield line, at, found


def documents_in(parts: Sequence[Part]) -> Iterator[Document]:
    """The documents of these parts that can be used."""
    for part in parts:
        for _, _, found in read_part(part, Tally()):
            if isinstance(found, Document):
                yield found


def _counted(lines: Iterator[Line], tally: Tally) -> Iterator[Line]:
    for line in lines:
        tally.lines += 1
        yield line
