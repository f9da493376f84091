"""Approximate search over large collections: its indexes, and how widely to search, chosen by measured recall.

An IVF_SQ index (Lance) stands over each vector column. Queries held out for the choice are rows of the collection,
spread over it; their true neighbours are found by reading the column. The fewest probes are taken that reach `ENOUGH`
recall on average and `SURELY` with 95 % confidence (few queries may be lucky ones), for lists of `K` and for lists ten
times as deep; they are written down in the manifest with the recall they reached.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heedful.encode.labels import unit_rows
from heedful.index.memory import giving_back
from heedful.index.rows import matrix, vector_column
from heedful.index.store import Store

if TYPE_CHECKING:
    from heedful.records import Vector

K, QUERIES, ENOUGH, SURELY = 200, 64, 0.97, 0.95
PROBES = tuple(round(2 ** (step / 4)) for step in range(12, 49))  # 8 to 4,096, each a fifth more
_DEEP = 10  # times as deep a list is measured too
_FEW = 8  # queries, below which the worst counts
_NOTHING = {"partitions": 0, "probes": 0, "recall": 1.0, "recall_low": 1.0, "k": K, "queries": 0}
_UNKNOWN = 32  # probes of an index whose manifest names none
_BATCH = 512
_CACHE = 16 * 2**20  # bytes of cells kept while recall is measured: each is asked once a query
log = logging.getLogger("heedful.index")


def partitions_for(rows: int) -> int:
    """How many cells: the root of the number of rows."""
    return int(max(1, min(4096, round(rows**0.5))))


@giving_back()
def build_ann(store: Store, dim: int, rows: int, aspects: Mapping[str, int]) -> dict[str, Any]:
    """Index every vector column; for each, what the manifest keeps: partitions, and what `choose_probes` found.

    aspects: how many documents have each. One that none has gets no index, and 0 partitions; the first ones that come
    are searched one by one. Memory: a batch of rows, what the engine takes for its sample, and `_CACHE`.
    """
    counts = {"whole": rows, **aspects}
    partitions = partitions_for(rows)
    there = [column for column, count in counts.items() if count]
    store.build_ann([vector_column(column) for column in there], partitions)
    measured = Store.open(store.folder, store.version, index_cache=_CACHE)
    found: dict[str, Any] = {column: dict(_NOTHING) for column in counts if column not in there}
    for column in there:
        found[column] = {"partitions": partitions, **choose_probes(measured, column, dim, counts[column], partitions)}
        log.info("approximate search of %s: %s", column, found[column])
    return found


def unindexed(store: Store, search: Mapping[str, Mapping[str, Any]], aspects: Mapping[str, int]) -> list[int | None]:
    """For each column of a manifest's `search`: vectors that its index lacks; None where an index is not there.

    aspects: how many documents have each, now.
    """
    return [
        store.unindexed(vector_column(column)) if found.get("partitions", 1) else aspects[column]
        for column, found in search.items()
    ]


def choose_probes(store: Store, column: str, dim: int, count: int, partitions: int) -> dict[str, Any]:
    """The fewest probes with enough recall at `K`, and at ten times `K`, measured; all partitions where none do.

    count: vectors in the column. recall is the mean over the queries, recall_low what it is above with 95 % confidence.
    The second, `deep`, is for lists that go deeper and for filters: the 200 best of a tenth are among the 2,000 best.
    """
    queries, truth = _truth(store, column, dim, count, _DEEP * K + 1)
    if not len(queries):
        return {"probes": partitions, "recall": 1.0, "recall_low": 1.0, "k": K, "queries": 0}
    ladder = [*(probes for probes in PROBES if probes < partitions), partitions]
    found = _fewest(store, column, queries, truth[:, : K + 1], ladder)
    deep = _fewest(store, column, queries, truth, [n for n in ladder if n >= found["probes"]])
    return found | {"k": K, "queries": len(queries), "deep": deep | {"k": _DEEP * K}}


def probes_for(search: Mapping[str, Any], depth: float) -> int:
    """How many probes a list of so many documents takes, by what was measured at two depths (a power of the depth).

    search: of one column, as the manifest keeps it. depth: k, divided by the share that a filter leaves.
    """
    probes, k = int(search.get("probes", _UNKNOWN)), int(search.get("k", K))
    deep = search.get("deep", {"probes": 2 * probes, "k": _DEEP * k})
    if depth <= k:
        return probes
    power = math.log(max(deep["probes"] / probes, 1)) / math.log(deep["k"] / k)
    return min(math.ceil(float(probes * (depth / k) ** power)), int(search.get("partitions", 4096)))


def overfetch(k: int) -> int:
    """How many rows to take from the codes for k after scoring them again by their vectors."""
    return 2 * k + 10


def _fewest(
    store: Store, column: str, queries: Vector, truth: NDArray[np.uint64], ladder: Sequence[int]
) -> dict[str, Any]:
    """The first of the ladder with enough recall (which grows with probes), or its last; and its recall."""
    low, high = 0, len(ladder) - 1
    measured: dict[int, tuple[float, float]] = {}

    def at(step: int) -> tuple[float, float]:
        if step not in measured:
            measured[step] = _bounds(_recalls(store, column, queries, truth, ladder[step]))
        return measured[step]

    while low < high:
        middle = (low + high) // 2
        mean, least = at(middle)
        low, high = (low, middle) if mean >= ENOUGH and least >= SURELY else (middle + 1, high)
    mean, least = at(low)
    return {"probes": ladder[low], "recall": round(mean, 4), "recall_low": round(least, 4)}


def _bounds(recalls: NDArray[np.float64]) -> tuple[float, float]:
    """The mean, and what the mean of all such queries is above with 95 % confidence (normal, one-sided).

    Of fewer than `_FEW` the worst, since their spread says little.
    """
    mean = float(recalls.mean())
    if len(recalls) < _FEW:
        return mean, float(recalls.min())
    return mean, mean - 1.645 * float(recalls.std(ddof=1)) / len(recalls) ** 0.5


def _recalls(store: Store, column: str, queries: Vector, truth: NDArray[np.uint64], probes: int) -> NDArray[np.float64]:
    """The share of each query's true neighbours that the codes bring; scored again by vectors those are the best."""
    found = []
    for query, true in zip(queries, truth, strict=True):
        rows = store.nearest(vector_column(column), query, overfetch(len(true)), None, probes)
        found.append(len(np.intersect1d(rows.column("_rowid").to_numpy(), true)) / len(true))
    return np.asarray(found)


def _truth(store: Store, column: str, dim: int, count: int, depth: int) -> tuple[Vector, NDArray[np.uint64]]:
    """(queries, dim) held-out queries, spread over the column's `count` vectors.

    And (queries, depth or fewer) the row ids of their true neighbours, best first.
    """
    name = vector_column(column)
    step = max(1, count // QUERIES)
    chosen: list[np.ndarray] = []
    position = 0
    for batch in store.scan([name], batch=_BATCH):
        values, present = matrix(batch.column(name), dim)
        values = values[present]
        chosen.extend(values[-position % step :: step].copy())
        position += len(values)
    queries = unit_rows(np.asarray(chosen[:QUERIES], np.float32).reshape(-1, dim))
    best_ids = np.zeros((len(queries), 0), np.uint64)
    best = np.zeros((len(queries), 0), np.float32)
    for batch in store.scan([name], batch=_BATCH):
        values, present = matrix(batch.column(name), dim)
        ids = batch.column("_rowid").to_numpy()[present]
        scores = np.concatenate([best, queries @ unit_rows(values[present].astype(np.float32)).T], axis=1)
        all_ids = np.concatenate([best_ids, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
        if scores.shape[1] > depth:
            keep = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
            scores, all_ids = np.take_along_axis(scores, keep, 1), np.take_along_axis(all_ids, keep, 1)
        best, best_ids = scores, all_ids
    return queries, np.take_along_axis(best_ids, np.argsort(-best, axis=1, kind="stable"), 1)
