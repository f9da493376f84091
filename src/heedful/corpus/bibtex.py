"""BibTeX: a small splitter finds the entries, bibtexparser reads them one at a time."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from heedful.corpus.lines import Entry, Line, read_lines
from heedful.corpus.ris import named
from heedful.errors import BadRecord

logging.getLogger("bibtexparser").addHandler(logging.NullHandler())  # its warnings reach the reader as errors of ours

_LARGEST = 16 * 2**20  # characters in an entry
_MARK = re.compile(r'\\.|[{}()"]|@\w*[ \t]*[{(]')
_START = re.compile(r"\s*@(\w+)\s*[{(]")
_HEAD = re.compile(r"\s*@\w+\s*\Z")  # the bracket stands on the next line
_EXPECTED = "an entry such as @article{key, title = {...}, abstract = {...}}"
_NAMES: Mapping[str, tuple[str, ...]] = {
    "_id": ("_id",),
    "title": ("title",),
    "abstract": ("abstract",),
    "authors": ("author", "editor"),
    "year": ("year", "date"),
    "venue": ("journal", "journaltitle", "booktitle"),
    "url": ("url",),
    "type": ("entrytype",),
}
_LIGATURES = (("{", ""), ("}", ""), ("~", " "), ("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))
_VERBATIM = frozenset({"_id", "entrytype", "url", "doi", "file", "eprint"})


def read_bibtex(path: Path) -> Iterator[Entry | BadRecord]:
    """The entries of a BibTeX file, @string abbreviations put in and TeX turned into plain text.

    @comment and @preamble blocks, and what stands between entries, are passed over.
    """
    strings: dict[str, str] = {}
    for start, text, fault in _blocks(read_lines(path)):
        kind = _START.match(text)
        if fault:
            yield BadRecord(path, start, fault, _EXPECTED)
        elif kind and kind[1].lower() not in ("comment", "preamble"):
            entry = _entry(path, start, text, strings)
            if entry is not None:
                yield entry


def _blocks(lines: Iterator[Line]) -> Iterator[tuple[int, str, str]]:
    """(line, text, fault) of each @block: from its @ to the bracket that closes it."""
    block: list[str] = []
    start = depth = size = 0
    closer, quoted, fault, head = "", False, "", ""
    for line in lines:
        text = head + line.text
        head = ""
        if line.fault and not block:
            yield line.number, "", line.fault
            continue
        fault = fault or line.fault
        if block and _START.match(text):  # a new block where one is still open: the open one is broken
            yield start, "", fault or "an entry whose brackets do not close"
            block, fault = [], ""
        if not block and _HEAD.match(text):
            head = text.rstrip()
            continue
        begin = 0
        for mark in _MARK.finditer(text):
            token = mark[0]
            if not block:
                if token[0] != "@":
                    continue
                block, start, depth, size, quoted = [""], line.number, 1, 0, False
                begin, closer = mark.start(), "}" if token[-1] == "{" else ")"
            elif token == '"' and depth == 1:
                quoted = not quoted
            elif token[-1] == "{" and token[0] != "\\":
                depth += 1
            elif token == "}" and (depth > 1 or closer == "}"):
                depth -= 1
            elif token == closer == ")" and depth == 1 and not quoted:
                depth = 0
            if block and depth == 0:
                block.append(text[begin : mark.end()])
                whole = size + len(block[-1]) <= _LARGEST
                yield start, "".join(block) if whole else "", fault or ("" if whole else _too_large())
                block, fault = [], ""
        if block:
            size += len(text) - begin
            if size <= _LARGEST:
                block.append(text[begin:])
    if block or head:
        yield start, "", fault or "an entry whose brackets do not close (the file may be cut off)"


def _too_large() -> str:
    return f"an entry of more than {_LARGEST // 2**20} MiB"


def _entry(path: Path, line: int, text: str, strings: dict[str, str]) -> Entry | BadRecord | None:
    from bibtexparser.entrypoint import parse_string

    try:
        library = parse_string(re.sub(r"\A(\s*@\w+)\s+(?=[{(])", r"\1", text), parse_stack=[])
    except Exception as error:
        return BadRecord(path, line, f"an entry that cannot be read ({error})", _EXPECTED)
    for failed in library.failed_blocks:
        return BadRecord(path, line, f"a broken entry ({_reason(failed.error)})", _EXPECTED)
    for definition in library.strings:
        strings[definition.key.lower()] = _value(str(definition.value), strings)
    if not library.entries:
        return None
    entry = library.entries[0]
    raw = {"_id": entry.key.strip(), "entrytype": entry.entry_type.lower()}
    raw |= {field.key.lower(): _value(str(field.value), strings) for field in entry.fields}
    plain: dict[str, object] = {key: value if key in _VERBATIM else _plain(value) for key, value in raw.items()}
    for people in ("author", "editor"):
        if people in raw:
            plain[people] = [_plain(name) for name in _people(raw[people]) if name.strip()]
    return Entry(line, named(plain, _NAMES, ()))


def _people(text: str) -> Iterator[str]:
    """Names separated by "and" outside braces."""
    depth = begin = 0
    for mark in re.finditer(r"\\.|[{}]|\sand(?=\s)", text):
        if mark[0] in "{}":
            depth += 1 if mark[0] == "{" else -1
        elif mark[0][0] != "\\" and depth == 0:
            yield text[begin : mark.start()]
            begin = mark.end()
    yield text[begin:]


def _reason(error: Any) -> str:
    reason = getattr(error, "abort_reason", None) or str(error).split(". Note:")[0]
    return " ".join(str(reason).split())[:200]


def _value(text: str, strings: Mapping[str, str]) -> str:
    """A field's value without its delimiters, parts joined by # put together, abbreviations put in."""
    parts, depth, quoted, begin = [], 0, False, 0
    for mark in re.finditer(r'\\.|[{}"#]', text):
        if mark[0] == '"' and depth == 0:
            quoted = not quoted
        elif mark[0] == "#" and depth == 0 and not quoted:
            parts.append(text[begin : mark.start()])
            begin = mark.end()
        elif mark[0] in "{}":
            depth += 1 if mark[0] == "{" else -1
    return "".join(_part(part.strip(), strings) for part in [*parts, text[begin:]])


def _part(part: str, strings: Mapping[str, str]) -> str:
    if len(part) > 1 and part[0] + part[-1] in ("{}", '""'):
        return part[1:-1]
    return strings.get(part.lower(), part)


@cache
def _decoder() -> Any:
    from bibtexparser.middlewares import LatexDecodingMiddleware

    return LatexDecodingMiddleware()


def _plain(value: str) -> str:
    """TeX as plain text, mathematics kept; % # & count as themselves, which bibliographies mean by them."""
    text = " ".join(value.split())
    if "\\" not in text and ("$" not in text or not {"{", "}"} & set(text)):  # the decoder is slow
        for tex, character in _LIGATURES:
            text = text.replace(tex, character)
        return " ".join(text.split())
    decoded, error = _decoder()._transform_python_value_string(re.sub(r"(?<!\\)([%#&])", r"\\\1", text))
    plain = " ".join(str(decoded).replace("\xa0", " ").split())
    return text if error or (text and not plain) else plain
