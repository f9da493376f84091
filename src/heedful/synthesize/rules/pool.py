"""Some documents of an index, side by side: what the rules choose from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from heedful.synthesize.rows import part_of
from heedful.synthesize.rules.phrases import Phrases, find_phrases

if TYPE_CHECKING:
    from heedful.index.reading import Index
    from heedful.records import Document, Scalar, Vector

POOL = 30_000  # documents among which neighbours are looked for; a larger collection is dealt into several pools
SHORTEST, LONGEST = 200, 6_000  # characters of a text that can be shown
_BATCH = 2_000
_COMMON = 3.0  # idf of a word that about every twentieth document has
_MARKED = 0.5  # a sentence counts as an aspect's from this probability on


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The documents of one split, n of them.

    whole: (n, dim) float32 unit rows. dense: aspect -> (n, dim), a row of zeros where the document lacks it. words:
    aspect -> CSR (n, vocabulary), unit rows of tf-idf over the sentences that are surely the aspect's. shares: aspect
    -> (n,) its share of the document's sentences. phrases: what the documents are about, as titles put it. usable:
    (n,) whether the text is neither too short nor too long to be shown.
    """

    split: str
    ids: tuple[str, ...]
    whole: Vector
    dense: Mapping[str, Vector]
    words: Mapping[str, sparse.csr_matrix]
    shares: Mapping[str, Vector]
    phrases: Phrases
    titles: Sequence[str]
    texts: Sequence[str]
    metadata: Sequence[Mapping[str, Scalar]]
    usable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def pools(
    index: Index, rng: np.random.Generator, exclude: Collection[str], dev: float, size: int = POOL
) -> Iterator[Pool]:
    """The index dealt at random into pools of at most `size` documents, each wholly in one split."""
    leave = frozenset(exclude)
    parts: dict[str, list[str]] = {"dev": [], "train": []}
    for id in sorted(index.ids):
        if id not in leave:
            parts[part_of(id, dev)].append(id)
    for split, ids in parts.items():
        dealt = [ids[at] for at in rng.permutation(len(ids))]
        deals = -(-len(dealt) // size) or 1
        for deal in range(deals):
            if len(dealt[deal::deals]) > 2:
                yield _load(index, split, dealt[deal::deals])


def _load(index: Index, split: str, ids: Sequence[str]) -> Pool:
    n, dim, aspects = len(ids), int(index.manifest.encoder["dim"]), index.aspects
    whole = np.zeros((n, dim), np.float32)
    dense = {aspect: np.zeros((n, dim), np.float32) for aspect in aspects}
    shares = {aspect: np.zeros(n, np.float32) for aspect in aspects}
    words: dict[str, list[sparse.csr_matrix]] = {aspect: [] for aspect in aspects}
    documents: list[Document] = []
    for start in range(0, n, _BATCH):
        part = ids[start : start + _BATCH]
        here = slice(start, start + len(part))
        block, terms = index.vectors(part), index.terms(part)
        whole[here] = block.whole
        units = np.arange(block.offsets[-1]) + 1 + np.repeat(np.arange(len(part)), np.diff(block.offsets))  # no titles
        owner = np.repeat(np.arange(len(part)), np.diff(block.offsets))
        documents += (replace(one, sentences=()) for one in index.documents(part))
        for at, aspect in enumerate(aspects):
            dense[aspect][here] = block.aspects[aspect]
            marked = block.probabilities[:, at] >= _MARKED
            gather = sparse.csr_matrix(
                (np.ones(int(marked.sum()), np.float32), (owner[marked], units[marked])),
                (len(part), terms.counts.shape[0]),
            )
            words[aspect].append(_weighted(gather @ terms.counts, terms.idf))
            shares[aspect][here] = np.bincount(owner[marked], minlength=len(part)) / np.maximum(
                np.diff(block.offsets), 1
            )
    titles, texts = [one.title for one in documents], [one.text for one in documents]
    return Pool(
        split,
        tuple(ids),
        whole,
        dense,
        {aspect: sparse.vstack(rows, format="csr", dtype=np.float32) for aspect, rows in words.items()},
        shares,
        find_phrases(titles, texts),
        titles,
        texts,
        [one.metadata for one in documents],
        np.array([SHORTEST <= len(one.text) <= LONGEST for one in documents]),
    )


def _weighted(counts: sparse.csr_matrix, idf: Vector) -> sparse.csr_matrix:
    """Unit rows of (1 + ln tf) * idf over the words that say something: not those of every twentieth document."""
    weighted = counts.astype(np.float32).tocsr()
    weighted.data = (1 + np.log(weighted.data)) * np.where(idf < _COMMON, 0, idf)[weighted.indices]
    weighted.eliminate_zeros()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).ravel()
    scale = sparse.diags(1 / np.where(lengths == 0, 1, lengths))
    return (scale @ weighted).tocsr().astype(np.float32)
