"""Whether a text is one of a test set's, or nearly: by its title, its opening, or the runs of words they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from heedful.corpus.titles import letters
from heedful.errors import BadRecord, Missing
from heedful.records import Document
from heedful.synthesize.rows import Passage

RUN = 5  # words of a run
SHARED = 0.3  # of a text's runs in one text of the test set, or of the other's in it
_OPENING = 120  # letters
_TITLE = 20  # letters from which on an equal title says something
_FEWEST = 8  # runs from which on a share of them says something
_LIST = "*overlap*.txt"
_WORD = re.compile(r"\w+")


class TestSets:
    """The texts of test sets, by fingerprint: about 1 kB a text.

    Called with a passage it says whether the passage overlaps; `reason` says how.
    """

    __test__ = False  # no test case, whatever its name says

    def __init__(self, documents: Iterable[Document], ids: Iterable[str] = ()):
        self.ids = frozenset(ids)
        self._titles: set[int] = set()
        self._openings: set[int] = set()
        runs, owners = [np.zeros(0, np.uint32)], [np.zeros(0, np.int32)]
        sizes: list[int] = []
        for document in documents:
            title, opening = letters(document.title), letters(document.text)[:_OPENING]
            if len(title) >= _TITLE:
                self._titles.add(_sum(title))
            if len(opening) == _OPENING:
                self._openings.add(_sum(opening))
            found = _runs(document.text or document.title)
            runs.append(found)
            owners.append(np.full(len(found), len(sizes), np.int32))
            sizes.append(len(found))
        every = np.concatenate(runs)
        order = np.argsort(every, kind="stable")
        self._runs, self._owners = every[order], np.concatenate(owners)[order]
        self._sizes = np.array(sizes, np.int64)

    def __len__(self) -> int:
        return len(self._sizes)

    def __call__(self, passage: Passage) -> bool:
        """Whether it overlaps."""
        return bool(self.reason(passage))

    def reason(self, passage: Passage) -> str:
        """How it overlaps: listed, title, opening or near-duplicate; empty where it does not."""
        if passage.id in self.ids:
            return "listed"
        title, opening = letters(passage.title), letters(passage.text)[:_OPENING]
        if len(title) >= _TITLE and _sum(title) in self._titles:
            return "title"
        if len(opening) == _OPENING and _sum(opening) in self._openings:
            return "opening"
        return "near-duplicate" if self._nearest(_runs(passage.text)) >= SHARED else ""

    def _nearest(self, runs: NDArray[np.uint32]) -> float:
        """The largest share of runs in common with one text, of whichever of the two is shorter."""
        if len(runs) < _FEWEST or not len(self._runs):
            return 0.0
        start = np.searchsorted(self._runs, runs, "left")
        end = np.searchsorted(self._runs, runs, "right")
        met = end > start
        owners = [self._owners[a:b] for a, b in zip(start[met], end[met], strict=True)]
        if not owners:
            return 0.0
        shared = np.bincount(np.concatenate(owners), minlength=len(self._sizes))
        shorter = np.maximum(np.minimum(self._sizes, len(runs)), _FEWEST)
        return float((shared / shorter).max())


def read_test_sets(folders: Sequence[Path], listed: Sequence[str] = ()) -> TestSets:
    """The texts of test folders: documents and queries of every JSON-lines file in them, whatever else they hold.

    A folder's `*overlap*.txt` lists ids of papers that some test set has, so its ids are left out too, like those that
    are listed here. Raises Missing for a folder that is not there or has no text, BadRecord.
    """
    ids = [*listed, *(id for folder in folders for id in read_overlap_list(folder))]
    return TestSets((document for folder in folders for document in _documents(folder)), ids)


def read_overlap_list(folder: Path) -> list[str]:
    """The ids in a collection's `*overlap*.txt`, one a line; a line that starts with # is none."""
    lines = [line for file in sorted(folder.glob(_LIST)) for line in file.read_text("utf-8").splitlines()]
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def overlapping(documents: Iterable[Document], tests: TestSets) -> dict[str, str]:
    """Id -> how it overlaps, of those documents that do."""
    found = ((one.id, tests.reason(Passage(one.id, one.text or one.title, one.title))) for one in documents)
    return {id: reason for id, reason in found if reason}


def _documents(folder: Path) -> Iterator[Document]:
    from heedful.corpus.jsonlines import read_jsonlines

    if not folder.exists():
        raise Missing(f"{folder}: found no such folder; expected a test folder, as `heedful bench` reads it")
    files = [folder] if folder.is_file() else [*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")]
    some = False
    for file in sorted(files):
        for entry in read_jsonlines(file):
            if isinstance(entry, BadRecord):
                raise entry
            document = _document(entry.fields)
            if document is not None:
                some = True
                yield document
    if not some:
        raise Missing(f"{folder}: found no texts; expected a folder with corpus.jsonl")


def _document(fields: dict[str, object]) -> Document | None:
    """Title and text of whatever an object of a test folder holds."""
    title = fields.get("title")
    text = next((fields[name] for name in ("text", "abstract", "query", "instruction") if fields.get(name)), "")
    sentences = fields.get("sentences")
    if not text and isinstance(sentences, list):
        text = " ".join(str(one.get("text", "")) if isinstance(one, dict) else str(one) for one in sentences)
    title, text = str(title or ""), str(text)
    return Document(str(fields.get("_id", "")), title, text) if title or text else None


def _runs(text: str) -> NDArray[np.uint32]:
    """The checksums of a text's runs of words, each once."""
    words = _WORD.findall(text.lower())
    return np.unique(np.array([_sum(" ".join(words[at : at + RUN])) for at in range(len(words) - RUN + 1)], np.uint32))


def _sum(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))
