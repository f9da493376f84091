"""BM25 over whole documents (title and sentences), as postings derived from the store of words.

score(d, q) = sum over the query's words of idf * tf / (tf + k1 * (1 - b + b * length / mean length)), k1 = 1.2,
b = 0.75, idf = ln((N - df + .5) / (df + .5) + 1): Robertson and Zaragoza 2009 in Lucene's form (without the constant
k1 + 1, which changes no order). A word that the query repeats counts as often.

On disk, a segment for every 50,000 documents: `I-starts.npy` (words + 1,), `I-documents.npy` (document positions,
ascending within a word) and `I-impacts.npy` (the fraction above, float32).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from heedful.errors import Mismatch
from heedful.index.terms import TermTable, stems

if TYPE_CHECKING:
    from heedful.records import Vector

K1, B = 1.2, 0.75
SEGMENT = 50_000
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
    mean = float(lengths.mean()) if documents else 0.0
    norms = K1 * (1 - B + B * lengths / mean) if mean else np.full(documents, K1, np.float32)
    for number, first in enumerate(range(0, documents, SEGMENT)):
        last = min(first + SEGMENT, documents)
        rows = sparse.vstack([_counts(table, start, last) for start in range(first, last, _STEP)], format="csr")
        words = rows.tocsc()
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
            self._segments = [
                _Segment(
                    *(
                        np.load(folder / f"{n}-{part}.npy", mmap_mode="r", allow_pickle=False)
                        for part in _Segment._fields
                    )
                )
                for n in range(-(-documents // SEGMENT))
            ]
        except (OSError, ValueError) as error:
            raise Mismatch(f"{folder}: the postings cannot be read ({error})") from error

    def scores(self, query: str) -> Vector:
        """(documents,) every document's score; 0 where no word matches."""
        out = np.zeros(self._documents, np.float32)
        for column, weight in self._words(query):
            for segment in self._segments:
                span = slice(segment.starts[column], segment.starts[column + 1])
                out[segment.documents[span]] += np.float32(weight) * segment.impacts[span]
        return out

    def scores_of(self, query: str, positions: NDArray[np.int64]) -> Vector:
        """(positions,) the scores of just these documents, the same to the last bit as `scores` gives."""
        wanted, back = np.unique(positions, return_inverse=True)
        out = np.zeros(len(wanted), np.float32)
        words = self._words(query)
        for number, segment in enumerate(self._segments):
            low, high = np.searchsorted(wanted, (number * SEGMENT, (number + 1) * SEGMENT))
            if low == high:
                continue
            rows = wanted[low:high].astype(np.int32)
            for column, weight in words:
                start, end = segment.starts[column], segment.starts[column + 1]
                if start == end:
                    continue
                listed = segment.documents[start:end]
                at = np.searchsorted(listed, rows)
                at[at == end - start] = 0
                found = np.flatnonzero(listed[at] == rows)
                out[low + found] += np.float32(weight) * segment.impacts[start + at[found]]
        return out[back]

    def _words(self, query: str) -> list[tuple[int, float]]:
        """(column, idf times its count in the query) of the words that some document has, in order of columns."""
        columns = Counter(column for stem in stems(query) if (column := self._table.column(stem)) is not None)
        return [(column, count * float(self._table.idf[column])) for column, count in sorted(columns.items())]
