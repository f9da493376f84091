"""Raw fields to a document: which field is what, and which values will do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from heedful.corpus.lines import Entry
from heedful.errors import BadRecord
from heedful.records import Document, Scalar, Sentence

_FIXED = frozenset({"_id", "id", "title", "text", "abstract", "sentences"})
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_SPACING = frozenset("\x0b\x0c\x1c\x1d\x1e\x1f\x85")


class Unusable(Exception):
    """What was found in an entry that cannot become a document, and what would do."""

    def __init__(self, found: str, expected: str):
        self.found, self.expected = found, expected
        super().__init__(found)


class Tally:
    """What was mended or left out while fields became documents. lines: met so far, where a part of a file is read."""

    def __init__(self) -> None:
        self.lines = 0
        self.control_characters = 0
        self.ignored_fields: dict[str, int] = {}  # name -> documents; at most 100 names

    def ignore(self, name: str, documents: int = 1) -> None:
        """Count a field whose value is no scalar and no list of scalars."""
        if name in self.ignored_fields or len(self.ignored_fields) < 100:
            self.ignored_fields[name] = self.ignored_fields.get(name, 0) + documents

    def add(self, later: Tally) -> None:
        """Count what was met in later entries too."""
        self.lines += later.lines
        self.control_characters += later.control_characters
        for name, documents in later.ignored_fields.items():
            self.ignore(name, documents)

    def clean(self, text: str) -> str:
        """The text without control characters (counted), every line end as a line feed."""
        if _UNWANTED.search(text) is None:
            return text
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text, changed = _UNWANTED.subn(_replacement, text)
        self.control_characters += changed
        return text


def to_document(fields: Mapping[str, object], tally: Tally) -> Document:
    """One entry as a document. Raises Unusable.

    The id is `_id`, else `id`; the text is `text` where it is not empty, else `abstract`, else the sentences joined by
    a blank. Sentences get offsets where all of them stand in the text in their order. Every other field is metadata:
    scalars as they are, a list of scalars joined with "; ", null and empty text left out, anything else ignored.
    """
    id = _id(fields, tally)
    title = " ".join(_text(fields, "title", tally).split())
    text = _text(fields, "text", tally).strip() or _text(fields, "abstract", tally).strip()
    sentences = _sentences(fields.get("sentences"), tally)
    text = text or " ".join(sentence.text for sentence in sentences)
    if not text and not title:
        raise Unusable(f"the document {id!r} with neither a title nor a text", "a title, a text, or both")
    metadata: dict[str, Scalar] = {}
    for name, value in fields.items():
        if name not in _FIXED and (scalar := _scalar(name, value, tally)) is not None:
            metadata[tally.clean(name).strip()] = scalar
    return Document(id, title, text, _placed(sentences, text), metadata)


def converted(
    path: Path, entries: Iterable[Entry | BadRecord], tally: Tally
) -> Iterator[tuple[int, int, Document | BadRecord]]:
    """(line, byte, document or what is wrong there) of each entry; what broke off ends with what is wrong."""
    try:
        for entry in entries:
            if isinstance(entry, BadRecord):
                yield entry.line, -1, entry
                continue
            try:
                yield entry.line, entry.at, to_document(entry.fields, tally)
            except Unusable as error:
                yield entry.line, entry.at, BadRecord(path, entry.line, error.found, error.expected)
    except BadRecord as error:
        yield error.line, -1, error


def _id(fields: Mapping[str, object], tally: Tally) -> str:
    name = "_id" if fields.get("_id") not in (None, "") else "id"
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"{_shown(value)} under {name!r}", "an id that is text or a whole number")
    id = tally.clean(value or "").strip()
    if not id:
        raise Unusable("an entry without an id", "an id of its own under '_id' or 'id' (a key in BibTeX, ID in RIS)")
    return id


def _text(fields: Mapping[str, object], name: str, tally: Tally) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unusable(f"{_shown(value)} under {name!r}", "text")
    return tally.clean(value)


def _sentences(value: object, tally: Tally) -> list[Sentence]:
    shape = "a list of {'text': ..., 'label': ...}"
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unusable(f"{_shown(value)} under 'sentences'", shape)
    found = []
    for number, item in enumerate(value, 1):
        item = {"text": item} if isinstance(item, str) else item
        if not isinstance(item, dict) or not isinstance(item.get("text"), str):
            raise Unusable(f"{_shown(item)} as sentence {number}", shape)
        label = item.get("label")
        if label is not None and not isinstance(label, str):
            raise Unusable(f"the label {_shown(label)} on sentence {number}", "a label that is text")
        if text := tally.clean(item["text"]).strip():
            found.append(Sentence(text, tally.clean(label or "").strip()))
    return found


def _placed(sentences: Sequence[Sentence], text: str) -> tuple[Sentence, ...]:
    placed, at = [], 0
    for sentence in sentences:
        start = text.find(sentence.text, at)
        if start < 0:
            return tuple(sentences)
        at = start + len(sentence.text)
        placed.append(Sentence(sentence.text, sentence.label, start, at))
    return tuple(placed)


def _scalar(name: str, value: object, tally: Tally) -> Scalar:
    if isinstance(value, str):
        return tally.clean(value).strip() or None
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return "; ".join(text for item in value if (text := tally.clean(str(item)).strip())) or None
    tally.ignore(name)
    return None


def _replacement(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return " " if character in _SPACING else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
