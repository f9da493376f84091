"""BM25 over whole documents (title and sentences), as postings derived from the store of words.

score(d, q) = sum over the query's words of idf * tf / (tf + k1 * (1 - b + b * length / mean length)), k1 = 1.2,
b = 0.75, idf = ln((N - df + .5) / (df + .5) + 1): Robertson and Zaragoza 2009 in Lucene's form (without the constant
k1 + 1, which changes no order). A word that the query repeats counts as often.

On disk, a segment for every 20,000 documents: `I-starts.npy` (words + 1,), `I-documents.npy` (document positions,
ascending within a word) and `I-impacts.npy` (the fraction above, float32); and `norms.npy` (documents,), the second
addend of its denominator. Chosen documents are scored from the store of words itself, whose rows are documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from heedful.errors import Mismatch
from heedful.index.terms import TermTable, stems

if TYPE_CHECKING:
    from heedful.records import Vector

K1, B = 1.2, 0.75
SEGMENT = 20_000
_STEP = 5_000


class _Segment(NamedTuple):
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    impacts: Vector


def write_postings(folder: Path, table: TermTable, documents: int) -> None:
    """Write the postings of all documents of the table. Memory: one segment."""
    folder.mkdir(parents=True, exist_ok=True)
    lengths = np.zeros(documents, np.float32)
    for start in range(0, documents, _STEP):
        lengths[start : start + _STEP] = np.asarray(_counts(table, start, documents).sum(axis=1)).ravel()
        table.release()
    mean = float(lengths.mean()) if documents else 0.0
    norms = K1 * (1 - B + B * lengths / mean) if mean else np.full(documents, K1)
    norms = norms.astype(np.float32)
    np.save(folder / "norms.npy", norms, allow_pickle=False)
    for number, first in enumerate(range(0, documents, SEGMENT)):
        last = min(first + SEGMENT, documents)
        rows = sparse.vstack([_counts(table, start, last) for start in range(first, last, _STEP)], format="csr")
        words = rows.tocsc()
        table.release()
        words.sort_indices()
        positions = (words.indices + first).astype(np.int32)
        impacts = (words.data / (words.data + norms[positions])).astype(np.float32)
        np.save(folder / f"{number}-starts.npy", words.indptr.astype(np.int64), allow_pickle=False)
        np.save(folder / f"{number}-documents.npy", positions, allow_pickle=False)
        np.save(folder / f"{number}-impacts.npy", impacts, allow_pickle=False)


def _counts(table: TermTable, start: int, end: int) -> sparse.csr_matrix:
    """(documents, words) counts of the documents start:start+_STEP, cut at end."""
    block = table.block(np.arange(start, min(start + _STEP, end)))
    units = int(block.offsets[-1])
    group = sparse.csr_matrix(
        (np.ones(units, np.float32), np.arange(units), block.offsets), (len(block.offsets) - 1, units)
    )
    return group @ block.counts


class Postings:
    """The postings, opened (memory-mapped)."""

    def __init__(self, folder: Path, table: TermTable, documents: int):
        self._table, self._documents = table, documents
        try:
            self._norms: Vector = np.load(folder / "norms.npy", allow_pickle=False)
            self._segments = [
                _Segment(*(_mapped(folder / f"{n}-{part}.npy") for part in _Segment._fields))
                for n in range(-(-documents // SEGMENT))
            ]
        except (OSError, ValueError) as error:
            raise Mismatch(f"{folder}: the postings cannot be read ({error})") from error

    def scores(self, query: str) -> Vector:
        """(documents,) every document's score; 0 where no word matches."""
        out = np.zeros(self._documents, np.float32)
        for segment, weight, start, end in self._spans(query):
            out[segment.documents[start:end]] += weight * segment.impacts[start:end]
        return out

    def scores_of(self, query: str, positions: NDArray[np.int64]) -> Vector:
        """(positions,) the scores of just these documents, the same to the last bit as `scores` gives."""
        words = self._words(query)
        out = np.zeros(len(positions), np.float32)
        counts = self._table.frequencies(positions, np.array([column for column, _ in words], np.int64))
        impacts = counts / (counts + self._norms[positions][:, None])
        for number, (_, weight) in enumerate(words):  # one after the other, as `scores` adds them
            out += np.float32(weight) * impacts[:, number]
        return out

    def _spans(self, query: str) -> Iterator[tuple[_Segment, np.float32, int, int]]:
        """Where the postings of the query's words lie: segment, weight, start, end; word by word, none empty."""
        words = self._words(query)
        if not words:
            return
        columns = np.array([column for column, _ in words])
        spans = [
            (segment, segment.starts[columns].tolist(), segment.starts[columns + 1].tolist())
            for segment in self._segments
        ]
        for number, (_, weight) in enumerate(words):
            for segment, starts, ends in spans:
                if starts[number] < ends[number]:
                    yield segment, np.float32(weight), starts[number], ends[number]

    def _words(self, query: str) -> list[tuple[int, float]]:
        """(column, idf times its count in the query) of the words that some document has, in order of columns."""
        columns = Counter(column for stem in stems(query) if (column := self._table.column(stem)) is not None)
        return [(column, count * float(self._table.idf[column])) for column, count in sorted(columns.items())]


def _mapped(path: Path) -> NDArray[Any]:
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))  # a plain view: slices of it are cheaper
