"""Corpus files to a stream of documents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heedful.corpus.bibtex import read_bibtex
from heedful.corpus.duplicates import SeenIds
from heedful.corpus.fields import Tally, converted
from heedful.corpus.jsonlines import read_jsonlines
from heedful.corpus.language import is_english
from heedful.corpus.lines import Entry
from heedful.corpus.parts import Part, cut
from heedful.corpus.ris import read_ris
from heedful.corpus.tables import read_csv, read_tsv
from heedful.errors import BadInput, BadRecord, Missing
from heedful.records import Document

logger = logging.getLogger(__name__)

_READERS: dict[str, Callable[[Path], Iterator[Entry | BadRecord]]] = {
    ".jsonl": read_jsonlines,
    ".ndjson": read_jsonlines,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".bib": read_bibtex,
    ".ris": read_ris,
}
_KINDS = f"{', '.join(_READERS)}, each plain or .gz, or a folder with corpus.jsonl or corpus.jsonl.gz"
_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")
REASONS = 5


@dataclass
class ReadReport:
    """What reading met; filled while the documents stream.

    read: documents handed on. without_abstract: those of them that have only a title. skipped: entries that could
    not be used; reasons: the first five, each with file:line. control_characters: taken out. ignored_fields: name ->
    entries whose value there was neither a scalar nor a list of scalars. english, not_english: of the sample.
    """

    read: int = 0
    without_abstract: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    control_characters: int = 0
    ignored_fields: dict[str, int] = field(default_factory=dict)
    english: int = 0
    not_english: int = 0

    def skip(self, bad: BadRecord) -> None:
        """Count an entry that cannot be used; the first ones are named."""
        self.skipped += 1
        if len(self.reasons) < REASONS:
            self.reasons.append(str(bad))

    def warnings(self) -> list[str]:
        """What someone should know before relying on these documents, a sentence each."""
        found = []
        if self.skipped:
            found.append(f"{self.skipped} entries were skipped; the first: {self.reasons[0]}")
        if self.without_abstract:
            found.append(f"{self.without_abstract} of {self.read} documents have no abstract; their titles stand alone")
        if self.not_english > self.english:
            share = round(100 * self.not_english / (self.not_english + self.english))
            found.append(f"{share} % of the sampled texts are not English, which the default models were made for")
        if self.control_characters:
            found.append(f"{self.control_characters} control characters were taken out")
        if self.ignored_fields:
            names = ", ".join(sorted(self.ignored_fields)[:5])
            found.append(f"fields that are neither a scalar nor a list of scalars were left out: {names}")
        return found

    def as_json(self) -> dict[str, Any]:
        """The counts, reasons and sources, JSON-ready."""
        return {
            "read": self.read,
            "without_abstract": self.without_abstract,
            "skipped": self.skipped,
            "reasons": list(self.reasons),
            "sources": list(self.sources),
            "control_characters": self.control_characters,
            "ignored_fields": dict(self.ignored_fields),
            "english": self.english,
            "not_english": self.not_english,
        }


def read_documents(
    sources: Sequence[str | Path] | str | Path, *, skip_bad: bool = False, report: ReadReport | None = None
) -> Iterator[Document]:
    """The documents of files and benchmark folders, in order, as a stream.

    Memory holds one entry and 24 to 48 bytes an id (for finding duplicates). Warnings go to the log where
    no report was handed in. With `skip_bad` an entry that cannot be
    used is counted in the report and passed over; else it raises BadRecord with file:line. Raises Missing for a source
    that is not there and BadInput for one of another kind, both before anything is read, and BadInput in the end where
    no document was found.
    """
    paths = _located(sources)
    if report is not None:
        return _stream(paths, skip_bad, report)
    return _logged(_stream(paths, skip_bad, own := ReadReport()), own)


class CorpusFiles:
    """Files and benchmark folders to be read more than once: call it for the documents, as `read_documents`.

    report: what the last reading that came to its end met. Raises Missing and BadInput as `read_documents` does.
    """

    def __init__(self, sources: Sequence[str | Path] | str | Path, *, skip_bad: bool = False):
        self.paths, self.skip_bad, self.report = _located(sources), skip_bad, ReadReport()

    def __call__(self) -> Iterator[Document]:
        """All documents, in order."""
        report = ReadReport()
        yield from _stream(self.paths, self.skip_bad, report)
        self.report = report

    def parts(self) -> list[Part] | None:
        """All files in parts, in order; None where one of them cannot be cut."""
        found = [cut(path) for path in self.paths]
        return None if None in found else [part for parts in found if parts for part in parts]


def _located(sources: Sequence[str | Path] | str | Path) -> list[Path]:
    sources = [sources] if isinstance(sources, str | Path) else sources
    if not sources:
        raise BadInput(f"found no source; expected at least one of {_KINDS}")
    return [_locate(Path(source)) for source in sources]


def _locate(path: Path) -> Path:
    if path.is_dir():
        for name in _CORPUS:
            if (path / name).is_file():
                return path / name
        there = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) or "nothing"
        raise BadInput(f"{path}: found a folder with {there}; expected corpus.jsonl or corpus.jsonl.gz in it")
    if not path.exists():
        raise Missing(f"{path}: no such file or folder; expected {_KINDS}")
    if _kind(path) not in _READERS:
        hint = "; for JSON write one object a line and name the file .jsonl" if _kind(path) == ".json" else ""
        raise BadInput(f"{path}: found the unknown extension {_kind(path)!r}; expected {_KINDS}{hint}")
    return path


def _kind(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _stream(paths: Sequence[Path], skip_bad: bool, report: ReadReport) -> Iterator[Document]:
    seen, tally = SeenIds(), Tally()
    for number, path in enumerate(paths):
        report.sources.append(str(path))
        for line, found in _documents(path, tally):
            if isinstance(found, Document) and not seen.add(found.id):
                found = comes_again(paths[: number + 1], line, found.id, skip_bad)
            report.control_characters, report.ignored_fields = tally.control_characters, tally.ignored_fields
            if isinstance(found, Document):
                _count(report, found)
                yield found
            elif skip_bad:
                report.skip(found)
            else:
                raise found
    if not report.read:
        raise nothing_usable(paths, report)


def _logged(documents: Iterator[Document], report: ReadReport) -> Iterator[Document]:
    yield from documents
    for warning in report.warnings():
        logger.warning(warning)


def _documents(path: Path, tally: Tally) -> Iterator[tuple[int, Document | BadRecord]]:
    """(line, document or what is wrong there); a file that breaks off ends with what is wrong."""
    nothing = True
    for line, _, found in converted(path, _READERS[_kind(path)](path), tally):
        nothing = False
        yield line, found
    if nothing:
        yield 1, nothing_in(path)


def nothing_in(path: Path) -> BadRecord:
    """What is wrong with a file without entries."""
    found = "an empty file" if path.stat().st_size == 0 else "no entry"
    return BadRecord(path, 1, found, "at least one document")


def comes_again(paths: Sequence[Path], line: int, id: str, skip_bad: bool) -> BadRecord:
    """What is wrong with an id that an earlier line has. paths: those read so far, the one with the line last."""
    first = None if skip_bad else _first(paths, id)
    where = f", first at {first}" if first else ""
    return BadRecord(paths[-1], line, f"the id {id!r} again{where}", "every id once over all sources")


def nothing_usable(paths: Sequence[Path], report: ReadReport) -> BadInput:
    """What is wrong with files without a document."""
    reason = f"; the first: {report.reasons[0]}" if report.reasons else ""
    return BadInput(f"{', '.join(map(str, paths))}: found no usable document ({report.skipped} skipped{reason})")


def _first(paths: Sequence[Path], id: str) -> str | None:
    for path in paths:
        for line, found in _documents(path, Tally()):
            if isinstance(found, Document) and found.id == id:
                return f"{path}:{line}"
    return None


def sampled(number: Any) -> Any:
    """Whether the document of this number, from 1, is asked for its language: of an int, or of each of an array."""
    return (number <= 200) | (number % 64 == 0)


def _count(report: ReadReport, document: Document) -> None:
    report.read += 1
    report.without_abstract += not document.text
    if sampled(report.read):
        english = is_english(f"{document.title} {document.text}")
        report.english += english is True
        report.not_english += english is False
