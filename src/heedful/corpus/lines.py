"""Files to numbered lines of text: plain or gzip, UTF-8, never more than one line in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from heedful.errors import BadInput, BadRecord, Missing

LONGEST_LINE = 64 * 2**20  # bytes
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, its line feed included (the last line may have none).

    at: the byte, of the unpacked data, at which it begins. fault: why the line cannot be read; its text is then of no
    use.
    """

    number: int
    at: int
    text: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a corpus file. line: where it begins, from 1. fields: raw values by the names of the file.

    at: the byte at which it begins, where the format has one entry a line.
    """

    line: int
    fields: dict[str, object]
    at: int = -1


def read_lines(path: Path, start: int = 0, stop: int | None = None) -> Iterator[Line]:
    """The lines of a file, CRLF as LF, a byte order mark left out; gzip is recognised by its first bytes.

    start, stop: of a plain file only the lines that begin at a byte of [start, stop), numbered from 1 all the same.
    A line that is not UTF-8, or is longer than 64 MiB, comes with its fault. Raises BadRecord where nothing more can
    be read: damaged or cut-off gzip, UTF-16; BadInput or Missing where the file cannot be opened.
    """
    number = 0
    try:
        with path.open("rb") as raw:
            head = raw.read(3)
            packed = head[:2] == _GZIP
            if path.suffix.lower() == ".gz" and not packed and head:
                raise BadRecord(path, 1, "data that is not gzip", "a gzip file, or a name without .gz")
            if head[:2] in _UTF16:
                raise BadRecord(path, 1, "UTF-16 text", "UTF-8; save the file as UTF-8")
            first = _next_line(raw, start, stop)
            file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else cast(BinaryIO, raw)
            for number, (at, data, whole) in enumerate(_pieces(file, first, stop), 1):
                yield _line(number, at, data if at else data.removeprefix(_BOM), whole)
    except FileNotFoundError:
        raise Missing(f"{path}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        found = "gzip data that is cut off" if isinstance(error, EOFError) else f"damaged gzip data ({error})"
        raise BadRecord(path, number + 1, found, "a complete gzip file; fetch or pack it again") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error}); expected a readable file") from None


def is_plain(path: Path) -> bool:
    """Whether lines of the file can be read from anywhere in it: a regular file, not packed, not UTF-16."""
    try:
        return path.is_file() and _head(path) not in (_GZIP, *_UTF16)
    except OSError:
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def _next_line(file: BinaryIO, start: int, stop: int | None) -> int:
    """Go to the first line that begins at `start` or later; its byte. No further than `stop`."""
    at = max(start - 1, 0)
    file.seek(at)
    while start and (stop is None or at < stop):
        data = file.readline(2**20 if stop is None else min(2**20, stop - at))
        at += len(data)
        if not data or data.endswith(b"\n"):
            break
    return at


def _pieces(file: BinaryIO, at: int, stop: int | None) -> Iterator[tuple[int, bytes, bool]]:
    while (stop is None or at < stop) and (data := file.readline(LONGEST_LINE + 1)):
        begin, at = at, at + len(data)
        whole = len(data) <= LONGEST_LINE
        rest = data
        while not whole and rest and not rest.endswith(b"\n"):
            rest = file.readline(2**20)
            at += len(rest)
        yield begin, (data if whole else b""), whole


def _line(number: int, at: int, data: bytes, whole: bool) -> Line:
    if not whole:
        return Line(number, at, "", f"a line of more than {LONGEST_LINE // 2**20} MiB")
    if data.endswith(b"\r\n"):
        data = data[:-2] + b"\n"
    try:
        return Line(number, at, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = data[error.start]
        return Line(number, at, "", f"the byte 0x{byte:02x} in column {error.start + 1}, which is not UTF-8")
