"""What rows are made of: passages of a file, a benchmark folder or an index, some with a query that they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heedful.corpus.duplicates import SeenIds
from heedful.errors import BadInput, BadRecord, Missing
from heedful.records import Document
from heedful.synthesize.rows import Passage
from heedful.synthesize.texts import fingerprint, unfit_passage

if TYPE_CHECKING:
    from heedful.index import Index

_PASSAGE = ("passage", "positive", "document")
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Item:
    """A passage to make rows of. position: from 0 among the usable ones. query: empty, or one that it answers."""

    position: int
    passage: Passage
    query: str = ""

    @property
    def key(self) -> str:
        """Hash of id, texts and query: the same item in another run."""
        parts = (self.passage.id, self.passage.title, self.passage.text, self.query)
        return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(slots=True)
class Screened:
    """What reading a source met. read: passages; used: those that rows are made of; dropped: reason -> how many."""

    read: int = 0
    used: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


Overlaps = Callable[[Passage], bool]


def items(
    source: Path, *, limit: int | None = None, skip_bad: bool = False, overlaps: Overlaps | None = None
) -> Iterator[tuple[Item | None, str]]:
    """(item, "") of every usable passage in order, (None, reason) of every other one; at most `limit` are read.

    A passage that is too short, too long, not text, or has the text of an earlier one (with the same query) is not
    usable, nor is one that `overlaps` a test set. Raises BadRecord with file:line, BadInput, Missing.
    """
    seen = SeenIds()
    position = 0
    for passage, query in islice(_pairs(source, skip_bad), limit):
        reason = unfit_passage(passage)
        if not reason and not seen.add(f"{fingerprint(passage.full)} {fingerprint(query) if query else ''}"):
            reason = "the text again"
        if not reason and overlaps is not None and overlaps(passage):
            reason = "overlaps a test set"
        if reason:
            yield None, reason
            continue
        yield Item(position, passage, query), ""
        position += 1


def screen(source: Path, **options: Any) -> Screened:
    """Read the whole source once: how much there is, and that it can be read, before anything is paid."""
    screened = Screened()
    for item, reason in items(source, **options):
        screened.read += 1
        screened.used += item is not None
        if reason:
            screened.dropped[reason] += 1
    return screened


def is_index(path: Path) -> bool:
    """Whether a path is a Heedful index."""
    return (path / "manifest.json").is_file()


def _pairs(source: Path, skip_bad: bool) -> Iterator[tuple[Passage, str]]:
    from heedful.corpus.reading import read_documents

    if not source.exists():
        raise Missing(
            f"{source}: found no such file or folder; expected passages, pairs, a benchmark folder or an index"
        )
    if is_index(source):
        from heedful.index import Index

        yield from ((passage_of(document), "") for document in indexed(Index.open(source)))
    elif source.is_dir() and (judged := _judged(source)):
        yield from judged
    elif source.is_file() and _holds_pairs(source):
        yield from _pair_lines(source, skip_bad)
    else:
        for document in read_documents(source, skip_bad=skip_bad):
            yield passage_of(document), ""


def indexed(index: Index) -> Iterator[Document]:
    """All documents of an index, in its order."""
    for start in range(0, len(index.ids), _BATCH):
        yield from index.documents(index.ids[start : start + _BATCH])


def passage_of(document: Document) -> Passage:
    """A document as a passage: where it has only a title, that is its text."""
    return Passage(document.id, document.text or document.title, document.title if document.text else "")


def _judged(folder: Path) -> list[tuple[Passage, str]]:
    """The (query, relevant passage) pairs of a benchmark whose topics have texts; else nothing."""
    from heedful.benchmarks import load_benchmark

    if not any(folder.glob("quer*")):
        return []
    benchmark = load_benchmark(folder)
    pairs = []
    for id, topic in benchmark.topics.items():
        if not topic.text or topic.seeds:
            continue
        for document, grade in sorted(benchmark.judged(id).items()):
            if grade >= benchmark.relevant_from and document in benchmark.documents:
                pairs.append((passage_of(benchmark.documents[document]), topic.text))
    return pairs


def _holds_pairs(path: Path) -> bool:
    """Whether the first object of a JSON-lines file is a pair of a query and a passage."""
    from heedful.corpus.jsonlines import read_jsonlines

    if path.name.lower().removesuffix(".gz").rpartition(".")[2] not in ("jsonl", "ndjson"):
        return False
    first = next(iter(read_jsonlines(path)), None)
    fields = getattr(first, "fields", {})
    return "query" in fields and any(name in fields for name in _PASSAGE)


def _pair_lines(path: Path, skip_bad: bool) -> Iterator[tuple[Passage, str]]:
    from heedful.corpus.jsonlines import read_jsonlines

    for entry in read_jsonlines(path):
        try:
            if isinstance(entry, BadRecord):
                raise entry
            yield _pair(path, entry.line, entry.fields)
        except BadRecord:
            if not skip_bad:
                raise


def _pair(path: Path, line: int, fields: dict[str, object]) -> tuple[Passage, str]:
    expected = '{"query": TEXT, "passage": TEXT or {"_id", "title", "text"}}'
    name = next((name for name in _PASSAGE if name in fields), "")
    if not name:
        raise BadRecord(path, line, "an object without a passage", expected)
    query, given = fields.get("query"), fields[name]
    if not isinstance(query, str) or not query.strip():
        raise BadRecord(path, line, f"{query!r:.60} under 'query'", expected)
    if isinstance(given, str):
        given = {"_id": fields.get("passage_id") or fields.get("_id"), "title": fields.get("title"), "text": given}
    if not isinstance(given, dict):
        raise BadRecord(path, line, f"{given!r:.60} under {name!r}", expected)
    text, title = given.get("text") or given.get("abstract"), given.get("title") or ""
    if not isinstance(text, str) or not text.strip() or not isinstance(title, str):
        raise BadRecord(path, line, f"a passage without text under {name!r}", expected)
    id = given.get("_id") or given.get("id") or fingerprint(f"{title} {text}")[:16]
    return Passage(str(id), text.strip(), title.strip()), query.strip()


def checked_limit(limit: int | None) -> int | None:
    """The limit, if it is one. Raises BadInput."""
    if limit is not None and limit < 1:
        raise BadInput(f"--limit: found {limit}; expected 1 or more")
    return limit
