"""The joint dev measure: nDCG and net p-MRR of a model in training, on benchmark folders."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sentence_transformers.base.evaluation import BaseEvaluator
from tqdm.auto import tqdm

from heedful import sample
from heedful.benchmarks import Benchmark, load_benchmark
from heedful.benchmarks.variants import instructed, variants_of
from heedful.evaluate.intervals import mean_interval
from heedful.records import Document, Run, ranked
from heedful.systems.bench import evaluate_run
from heedful.systems.dense import written
from heedful.systems.partial import narrowed
from heedful.systems.protocol import Collection, text_of

if TYPE_CHECKING:
    from heedful.records import Vector

_AT_ONCE = 256  # texts encoded between two moves of the progress bar
_log = logging.getLogger("heedful.train")


@dataclass(frozen=True, slots=True)
class DevSet:
    """The part of a benchmark that a run is steered by: its split `dev`, or all of it where there is none."""

    benchmark: Benchmark
    split: str

    @property
    def documents(self) -> dict[str, Document]:
        """Seeds and candidates of its topics."""
        wanted = {id for topic in self.benchmark.topics for id in self.benchmark.candidates(topic)}
        wanted |= {seed for topic in self.benchmark.topics.values() for seed in topic.seeds}
        return {id: self.benchmark.documents[id] for id in sorted(wanted)}


def read_dev_sets(folders: Sequence[Path]) -> tuple[DevSet, ...]:
    """The folders' dev sets; the sample collection's where none is named. Raises BadBenchmark, Missing."""
    sets = []
    for folder in folders or (sample.folder(),):
        benchmark = load_benchmark(folder)
        split = next((s for s in benchmark.splits if s.name == "dev"), benchmark.splits[0])
        pairs = {pair.id: pair for pair in benchmark.pairs}
        topics = {*split.topics, *(id for p in split.pairs for id in (pairs[p].og, pairs[p].changed))}
        sets.append(DevSet(narrowed(benchmark, topics), split.name))
    return tuple(sets)


def ranking(model: Any, dev: DevSet, template: str) -> Run:
    """The dev set's topics ranked by cosine, instruction and text joined by the template."""
    documents = dev.documents
    collection = Collection(documents)
    topics = instructed(dev.benchmark, variants_of(dev.benchmark))
    strings = {id: written(topic, collection, "prefix", template) for id, topic in topics.items()}
    queries = _encoded(model.encode_query, list(strings.values()), f"{dev.benchmark.name}: queries")
    texts = [text_of(document) for document in documents.values()]
    vectors = _encoded(model.encode_document, texts, f"{dev.benchmark.name}: documents")
    rows = {id: row for row, id in enumerate(documents)}
    hits = {}
    for id, query in zip(strings, queries, strict=True):
        candidates = dev.benchmark.candidates(id)
        scores = vectors[[rows[candidate] for candidate in candidates]] @ query
        hits[id] = ranked(dict(zip(candidates, scores.tolist(), strict=True)))
    return Run(hits)


def _encoded(encode: Callable[..., Any], texts: Sequence[str], what: str) -> Vector:
    """(texts, dim) unit vectors; a progress bar on a terminal."""
    starts = tqdm(range(0, len(texts), _AT_ONCE), desc=what, leave=False, disable=not sys.stderr.isatty())
    parts = [encode(list(texts[at : at + _AT_ONCE]), normalize_embeddings=True) for at in starts]
    return np.concatenate(parts).astype(np.float32)


def measure(model: Any, dev: DevSet, template: str) -> dict[str, Any]:
    """`{"split", "topics", "measure", "nDCG", "nDCG_interval", "net", "net_interval", "p-MRR"}`.

    nDCG in [0, 1] by the benchmark's convention; net and p-MRR x100, None without pairs. Intervals: [low, high] of 95 %
    over clusters of topics, None below two. topics: how many the split has.
    """
    run = evaluate_run(dev.benchmark, ranking(model, dev, template))
    found, follows = run.splits[dev.split], run.splits[dev.split].following
    name, groups = next((m, values) for m, values in found.groups.items() if str(m).startswith("nDCG"))
    value = groups["all"] if "all" in groups else sum(groups.values()) / len(groups)
    clusters = dev.benchmark.clusters()
    topics = next(s for s in dev.benchmark.splits if s.name == dev.split).topics
    rows = [id for id in topics if id in run.topics[name]]
    interval = mean_interval([run.topics[name][id] for id in rows], [clusters[id] for id in rows], bounds=(0, 1))
    return {
        "split": dev.split,
        "topics": len(topics),
        "measure": str(name),
        "nDCG": float(value),
        "nDCG_interval": interval and list(interval),
        "net": None if follows is None else follows.net,
        "net_interval": None if follows is None or follows.net_low is None else [follows.net_low, follows.net_high],
        "p-MRR": None if follows is None else follows.value,
    }


def joint(found: Mapping[str, Mapping[str, Any]], following: float) -> float:
    """One figure to choose by: the mean over the benchmarks of (1 - following) 100 nDCG + following net p-MRR.

    A benchmark without pairs counts with 100 nDCG alone.
    """
    values = []
    for row in found.values():
        relevance = 100 * row["nDCG"]
        values.append(relevance if row["net"] is None else (1 - following) * relevance + following * row["net"])
    return float(sum(values) / len(values))


class FollowingEvaluator(BaseEvaluator):
    """The joint dev measure as sentence-transformers' trainer asks for it."""

    def __init__(self, sets: Sequence[DevSet], template: str, following: float = 0.5):
        super().__init__()  # type: ignore[no-untyped-call]
        self.sets, self.template, self.following = tuple(sets), template, following
        self.primary_metric = "joint"
        self.greater_is_better = True

    def measured(self, model: Any) -> dict[str, dict[str, Any]]:
        """Benchmark -> what `measure` says of the model."""
        return {dev.benchmark.name: measure(model, dev, self.template) for dev in self.sets}

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, Any]:
        """`joint`, and each benchmark's figures, flat."""
        del output_path
        found = self.measured(model)
        flat = {"joint": joint(found, self.following)}
        for name, row in found.items():
            flat |= {f"{name} {key}": row[key] for key in ("nDCG", "net", "p-MRR") if row[key] is not None}
        _log.info(
            "epoch %.2f, step %d: %s", epoch, steps, ", ".join(f"{key} {value:.4g}" for key, value in flat.items())
        )
        return flat
