"""Shortcut probes: how often a part of a row alone tells its positive from a negative.

A probe that is right half of the time has learnt nothing; one that is nearly always right, or nearly always wrong, has
found a shortcut that a model in training will find as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heedful.seams import DocumentEncoder
from heedful.synthesize.rows import Negative, Triplet

if TYPE_CHECKING:
    from heedful.records import Vector

SHOWN = 1_500  # characters of a text that the encoder sees
ENOUGH = 200  # pairs from which on a probe counts
FOLDS = 2
_RIDGE = 1.0
_WORD = re.compile(r"\w+")

# What a kind of negative is about is no shortcut to it: the query may tell the positive from a passage that suits
# another query; it must not tell it from one that suits another instruction.
BY_DESIGN: Mapping[str, tuple[str, ...]] = {
    "poisoned-query": ("query",),
    "random": ("query",),
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe got of one kind of negative.

    part: what it was given (query, instruction, passage, length, "instruction and passage"). accuracy: in [0, 1], ties
    count half; low, high: its 95 % interval (Wilson). pairs: positives against negatives. counts: whether it enters
    `shortcut_max`; else `why` says why not.
    """

    name: str
    part: str
    kind: str
    accuracy: float
    low: float
    high: float
    pairs: int
    counts: bool
    why: str = ""

    @property
    def shortcut(self) -> float:
        """The larger of accuracy and its complement, in [0.5, 1]."""
        return max(self.accuracy, 1 - self.accuracy)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        names = ("name", "part", "kind", "accuracy", "low", "high", "shortcut", "pairs", "counts", "why")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Positives against negatives of one kind, n of them: rows of the text vectors.

    query, instruction, positive, negative: (n, dim). fold: (n,) 0 or 1, the same within a group.
    """

    query: Vector
    instruction: Vector
    positive: Vector
    negative: Vector
    fold: NDArray[np.int64]


def probe_rows(rows: Sequence[Triplet], encoder: DocumentEncoder | None) -> list[Probe]:
    """All probes of a sample of rows, one kind of negative after the other; without an encoder, those of words."""
    found: list[Probe] = []
    texts = _texts(rows)
    vectors = _encode(texts, encoder) if encoder else None
    for kind in dict.fromkeys(negative.kind for row in rows for negative in row.negatives):
        pairs = [(row, negative) for row in rows for negative in row.negatives if negative.kind == kind]
        found += _plain(pairs, kind)
        if vectors is not None:
            found += _similar(_pairs(pairs, texts, vectors), kind)
    return found


def shortcut_max(probes: Sequence[Probe]) -> float | None:
    """The worst of the probes that count; None where none does."""
    return max((probe.shortcut for probe in probes if probe.counts), default=None)


def solved(rows: Sequence[Triplet], encoder: DocumentEncoder) -> dict[str, float]:
    """The share of rows in which a text's similarity alone puts the positive above every negative, a part."""
    texts = _texts(rows)
    vectors = _encode(texts, encoder)
    right: dict[str, list[bool]] = {"query": [], "instruction": []}
    for row in rows:
        if not row.negatives:
            continue
        for part, text in (("query", row.query), ("instruction", row.instruction)):
            given = vectors[texts[_cut(text)]]
            best = max(float(given @ vectors[texts[_cut(one.passage.full)]]) for one in row.negatives)
            right[part].append(float(given @ vectors[texts[_cut(row.positive.full)]]) > best)
    return {part: float(np.mean(found)) for part, found in right.items() if found}


def _plain(pairs: Sequence[tuple[Triplet, Negative]], kind: str) -> list[Probe]:
    """Length and words."""

    def words(text: str) -> frozenset[str]:
        return frozenset(_WORD.findall(text.lower()))

    lengths, of_query, of_instruction, ids = [], [], [], []
    for row, negative in pairs:
        here, there = row.positive, negative.passage
        mine, theirs = words(here.full), words(there.full)
        query, instruction = words(row.query), words(row.instruction)
        lengths.append(len(here.full) - len(there.full))
        of_query.append(_share(query, mine) - _share(query, theirs))
        of_instruction.append(_share(instruction, mine) - _share(instruction, theirs))
        ids.append((here.id > there.id) - (here.id < there.id))
    return [
        _probe("longer passage", "length", kind, lengths),
        _probe("words shared with the query", "query", kind, of_query),
        _probe("words shared with the instruction", "instruction", kind, of_instruction),
        _probe("order of ids", "passage", kind, ids),
    ]


def _similar(pairs: Pairs, kind: str) -> list[Probe]:
    """Similarity of frozen vectors, and classifiers on them that never saw the group they are asked about."""
    apart = pairs.positive - pairs.negative
    found = [
        _probe("similarity to the query", "query", kind, (pairs.query * apart).sum(axis=1)),
        _probe("similarity to the instruction", "instruction", kind, (pairs.instruction * apart).sum(axis=1)),
    ]
    trained = (
        ("classifier on the passage", "passage", apart),
        ("classifier on query and passage", "query", pairs.query * apart),
        ("classifier on instruction and passage", "instruction", pairs.instruction * apart),
    )
    return found + [_probe(name, part, kind, _classified(rows, pairs.fold)) for name, part, rows in trained]


def _classified(rows: Vector, fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) scores of a linear classifier of the positive side, ridge regression fitted on the other fold."""
    scores = np.zeros(len(rows))
    for at in range(FOLDS):
        fit, ask = rows[fold != at].astype(np.float64), rows[fold == at].astype(np.float64)
        if not len(fit) or not len(ask):
            continue
        spread = fit.std() or 1.0
        gram = fit.T @ fit / spread**2 + _RIDGE * np.eye(rows.shape[1]) * max(1.0, len(fit) / 20)
        scores[fold == at] = (ask / spread) @ np.linalg.solve(gram, fit.sum(axis=0) / spread)
    return np.where(np.abs(scores) < 1e-6, 0.0, scores)


def _probe(name: str, part: str, kind: str, values: Sequence[float] | NDArray[Any]) -> Probe:
    """Above 0: the positive is preferred."""
    signs = np.sign(np.asarray(values, np.float64))
    n = len(signs)
    accuracy = float((signs > 0).mean() + (signs == 0).mean() / 2) if n else 0.5
    low, high = _wilson(accuracy, n)
    why = ""
    if part in BY_DESIGN.get(kind, ()):
        why = f"the {part} is what tells a {kind} negative"
    elif n < ENOUGH:
        why = f"fewer than {ENOUGH} pairs"
    return Probe(name, part, kind, accuracy, low, high, n, not why, why)


def _wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    if not n:
        return 0.0, 1.0
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _share(asked: frozenset[str], there: frozenset[str]) -> float:
    return len(asked & there) / math.sqrt(max(1, len(there)))


def _texts(rows: Sequence[Triplet]) -> dict[str, int]:
    """Every different text of the rows -> its place."""
    texts: dict[str, int] = {}
    for row in rows:
        for text in (row.query, row.instruction, *(passage.full for passage in row.passages())):
            texts.setdefault(_cut(text), len(texts))
    return texts


def _encode(texts: Mapping[str, int], encoder: DocumentEncoder) -> Vector:
    return np.asarray(encoder.encode_queries(list(texts)), np.float32)


def _pairs(pairs: Sequence[tuple[Triplet, Negative]], texts: Mapping[str, int], vectors: Vector) -> Pairs:
    def rows(each: Sequence[str]) -> Vector:
        return vectors[[texts[_cut(text)] for text in each]]

    return Pairs(
        rows([row.query for row, _ in pairs]),
        rows([row.instruction for row, _ in pairs]),
        rows([row.positive.full for row, _ in pairs]),
        rows([negative.passage.full for _, negative in pairs]),
        _folds(pairs),
    )


def _folds(pairs: Sequence[tuple[Triplet, Negative]]) -> NDArray[np.int64]:
    """(n,) fold of each pair: pairs of one group, and pairs that share a passage, are in the same.

    A passage that is right in one fold and wrong in the other would make a classifier of the first always wrong on the
    second. Where nearly all pairs hang together so, only groups are kept whole.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            name = above
        return name

    for row, negative in pairs:
        for passage in (row.positive, negative.passage):
            parent[root(f"passage {passage.id}")] = root(f"group {group_of(row)}")
    roots = [root(f"group {group_of(row)}") for row, _ in pairs]
    folds = np.array([digest(name) % FOLDS for name in roots])
    if len(pairs) and 0.25 <= folds.mean() <= 0.75:
        return folds
    return np.array([digest(group_of(row)) % FOLDS for row, _ in pairs])


def group_of(row: Triplet) -> str:
    """What rows that were made together share; else the row's query."""
    return row.provenance.group or row.query or row.id


def digest(text: str) -> int:
    """64 bits of a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _cut(text: str) -> str:
    return text[:SHOWN]
