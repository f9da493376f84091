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


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, its line feed included (the last line may have none).

    fault: why the line cannot be read; its text is then of no use.
    """

    number: int
    text: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a corpus file. line: where it begins, from 1. fields: raw values by the names of the file."""

    line: int
    fields: dict[str, object]


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, CRLF as LF, a byte order mark left out; gzip is recognised by its first bytes.

    A line that is not UTF-8, or is longer than 64 MiB, comes with its fault. Raises BadRecord where nothing more can
    be read: damaged or cut-off gzip, UTF-16; BadInput or Missing where the file cannot be opened.
    """
    number = 0
    try:
        with path.open("rb") as raw:
            start = raw.read(3)
            raw.seek(0)
            packed = start[:2] == _GZIP
            if path.suffix.lower() == ".gz" and not packed and start:
                raise BadRecord(path, 1, "data that is not gzip", "a gzip file, or a name without .gz")
            if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise BadRecord(path, 1, "UTF-16 text", "UTF-8; save the file as UTF-8")
            file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else cast(BinaryIO, raw)
            for number, (data, whole) in enumerate(_pieces(file), 1):
                yield _line(number, data.removeprefix(_BOM) if number == 1 else data, whole)
    except FileNotFoundError:
        raise Missing(f"{path}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        found = "gzip data that is cut off" if isinstance(error, EOFError) else f"damaged gzip data ({error})"
        raise BadRecord(path, number + 1, found, "a complete gzip file; fetch or pack it again") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error}); expected a readable file") from None


def _pieces(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    while data := file.readline(LONGEST_LINE + 1):
        whole = len(data) <= LONGEST_LINE
        rest = data
        while not whole and rest and not rest.endswith(b"\n"):
            rest = file.readline(2**20)
        yield (data if whole else b""), whole


def _line(number: int, data: bytes, whole: bool) -> Line:
    if not whole:
        return Line(number, "", f"a line of more than {LONGEST_LINE // 2**20} MiB")
    if data.endswith(b"\r\n"):
        data = data[:-2] + b"\n"
    try:
        return Line(number, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = data[error.start]
        return Line(number, "", f"the byte 0x{byte:02x} in column {error.start + 1}, which is not UTF-8")
