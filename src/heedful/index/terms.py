"""The words of a collection, a row for every title and every sentence: what lexical scoring of candidates needs.

A derived store beside the table, written while the table is written and rebuildable from it; it holds counts only.
On disk: `words.txt` (one stem a line, its line number is its column), `columns.u4`, `counts.u1` and `rows.i8` (the
three arrays of a CSR matrix), `frequency.npy` (documents a stem occurs in). Rows of document i: its title, then its
sentences.
"""

from __future__ import annotations

import mmap
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import Stemmer
from numpy.typing import NDArray
from scipy import sparse

from heedful.errors import Mismatch

if TYPE_CHECKING:
    from heedful.records import Vector

_WORD = re.compile(r"[^\W_]+")
_STEM = Stemmer.Stemmer("english")
STOP_WORDS = frozenset(
    "a about all also an and are as at be been both but by can could did do does each for from had has have how if "
    "in into is it its may more most much no not of on only or other our over so some such than that the their them "
    "then there these they this those through to under up upon us very was we were what when where which while who "
    "will with within without would you your".split()
)


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    return str(_STEM.stemWord(word))


def stems(text: str) -> list[str]:
    """The stems of a text's words in order: lower-cased, without stop words, Snowball English."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in STOP_WORDS and len(word) < 64]


@dataclass(frozen=True, slots=True, eq=False)
class TermBlock:
    """The words of some documents.

    counts: CSR (units, words), a unit being a title or a sentence. offsets: (documents + 1,); document i's units are
    rows offsets[i]:offsets[i+1], the title first. idf: (words,), ln((N - df + .5) / (df + .5) + 1).
    """

    counts: sparse.csr_matrix
    offsets: NDArray[np.int64]
    idf: Vector


class TermWriter:
    """Writes the store document by document; memory grows with the vocabulary only."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._words: dict[str, int] = {}
        self._frequency: list[int] = []
        self._columns = (folder / "columns.u4").open("wb")
        self._counts = (folder / "counts.u1").open("wb")
        self._rows = (folder / "rows.i8").open("wb")
        self._end = 0
        np.zeros(1, np.int64).tofile(self._rows)

    def add(self, title: str, sentences: Iterable[str]) -> None:
        """Append the units of one document."""
        seen: set[int] = set()
        columns: list[int] = []
        counts: list[int] = []
        ends: list[int] = []
        for unit in (title, *sentences):
            for word, count in sorted(Counter(stems(unit)).items()):
                column = self._words.setdefault(word, len(self._words))
                if column == len(self._frequency):
                    self._frequency.append(0)
                columns.append(column)
                counts.append(min(count, 255))
                seen.add(column)
            ends.append(self._end + len(columns))
        for column in seen:
            self._frequency[column] += 1
        self._end += len(columns)
        np.asarray(columns, np.uint32).tofile(self._columns)
        np.asarray(counts, np.uint8).tofile(self._counts)
        np.asarray(ends, np.int64).tofile(self._rows)

    def finish(self) -> None:
        """Write the vocabulary and close; only then can the store be opened."""
        for file in (self._columns, self._counts, self._rows):
            file.close()
        np.save(self._folder / "frequency.npy", np.asarray(self._frequency, np.int64), allow_pickle=False)
        (self._folder / "words.txt").write_text("\n".join(self._words), encoding="utf-8")


class TermTable:
    """The store, opened: memory-mapped, rows by document position."""

    def __init__(self, folder: Path, offsets: NDArray[np.int64]):
        """offsets: (documents + 1,), document i has offsets[i+1] - offsets[i] sentences."""
        try:
            words = (folder / "words.txt").read_text(encoding="utf-8").split("\n")
            self._frequency = np.load(folder / "frequency.npy", allow_pickle=False)
            self._rows = _mapped(folder / "rows.i8", np.int64)
            self._columns = _mapped(folder / "columns.u4", np.uint32)
            self._counts = _mapped(folder / "counts.u1", np.uint8)
        except (OSError, ValueError) as error:
            raise Mismatch(f"{folder}: the store of words cannot be read ({error}); rebuild the index") from error
        documents = len(offsets) - 1
        self._units = offsets + np.arange(documents + 1)
        if len(self._rows) != self._units[-1] + 1 or len(self._columns) != self._rows[-1]:
            raise Mismatch(f"{folder}: the store of words does not belong to this table; rebuild the index")
        self._word = {word: column for column, word in enumerate(words)}
        self.width = len(self._frequency)
        self.idf = np.log((documents - self._frequency + 0.5) / (self._frequency + 0.5) + 1).astype(np.float32)

    def column(self, stem: str) -> int | None:
        """The stem's column, None where no document has it."""
        return self._word.get(stem)

    def block(self, positions: NDArray[np.int64]) -> TermBlock:
        """The units of the documents at these positions, in that order."""
        units, offsets = gather(self._units, positions)
        entries, indptr = gather(self._rows, units)
        counts = sparse.csr_matrix(
            (self._counts[entries].astype(np.float32), self._columns[entries].astype(np.int32), indptr),
            shape=(len(units), self.width),
        )
        return TermBlock(counts, offsets, self.idf)

    def release(self) -> None:
        """Give the pages of the files back to the system, for who reads all of them; they are read again when used."""
        for array in (self._rows, self._columns, self._counts):
            pages = getattr(array.base, "base", None)
            if isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                pages.madvise(mmap.MADV_DONTNEED)

    def frequencies(self, positions: NDArray[np.int64], columns: NDArray[np.int64]) -> Vector:
        """(positions, columns) how often these words occur in these documents, titles included."""
        first, last = self._rows[self._units[positions]], self._rows[self._units[np.asarray(positions) + 1]]
        lengths = last - first
        ends = np.cumsum(lengths)
        entries = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + lengths, lengths)
        slots = np.full(self.width, -1, np.int64)
        slots[columns] = np.arange(len(columns))
        slot = slots[self._columns[entries]]
        asked = np.flatnonzero(slot >= 0)
        cells = np.repeat(np.arange(len(positions)) * len(columns), lengths)[asked] + slot[asked]
        size = len(positions) * len(columns)
        counted = np.bincount(cells, self._counts[entries[asked]], size).astype(np.float32)
        return counted.reshape(len(positions), len(columns))

    def of_texts(self, documents: Sequence[tuple[str, Sequence[str]]]) -> TermBlock:
        """The units of documents from elsewhere, each (title, sentences); words unknown here are left out."""
        data: list[float] = []
        columns: list[int] = []
        indptr = [0]
        offsets = [0]
        for title, sentences in documents:
            for unit in (title, *sentences):
                for word, count in Counter(stems(unit)).items():
                    if (column := self._word.get(word)) is not None:
                        data.append(float(count))
                        columns.append(column)
                indptr.append(len(columns))
            offsets.append(len(indptr) - 1)
        counts = sparse.csr_matrix(
            (np.asarray(data, np.float32), np.asarray(columns, np.int32), np.asarray(indptr)),
            shape=(len(indptr) - 1, self.width),
        )
        return TermBlock(counts, np.asarray(offsets, np.int64), self.idf)


def gather(starts: NDArray[np.int64], positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The concatenated ranges starts[p]:starts[p+1] for each position p, and the offsets (positions + 1,) into them."""
    first, last = starts[positions], starts[np.asarray(positions) + 1]
    offsets = np.concatenate([[0], np.cumsum(last - first)])
    flat = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], last - first)
    return flat, offsets


def _mapped(path: Path, dtype: type) -> NDArray[Any]:
    if path.stat().st_size == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    return np.asarray(np.memmap(path, dtype=dtype, mode="r"))
