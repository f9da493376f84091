"""What a benchmark is once loaded: documents, topics, judgments, who may be ranked, and over what one averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from heedful.errors import BadBenchmark
from heedful.evaluate.measures import CONVENTIONS, Convention
from heedful.records import Document, Qrels, Topic

Pool = Literal["file", "judged", "corpus"]
POOLS: tuple[Pool, ...] = get_args(Pool)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two topics over one pool whose rankings p-MRR compares. cluster: what it shares with other pairs (a seed)."""

    id: str
    og: str
    changed: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Split:
    """What one averages over. groups: "all" and each aspect -> folds of topic ids; a value is the mean of fold means.

    pairs: ids of the pairs that its p-MRR is over, never folded.
    """

    name: str
    groups: Mapping[str, tuple[tuple[str, ...], ...]]
    pairs: tuple[str, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic of the split, once."""
        return tuple(dict.fromkeys(id for folds in self.groups.values() for fold in folds for id in fold))

    def mean(self, values: Mapping[str, float], group: str = "all") -> float:
        """The mean over the group's folds of the mean over a fold's topics."""
        folds = self.groups[group]
        return sum(sum(values[id] for id in fold) / len(fold) for fold in folds) / len(folds)

    def weights(self, group: str = "all") -> dict[str, float]:
        """Topic -> its weight in that mean, 1 on average."""
        folds = self.groups[group]
        total = sum(len(fold) for fold in folds)
        return {id: total / (len(folds) * len(fold)) for fold in folds for id in fold}


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A loaded benchmark.

    topics: id -> topic as the files have it; all are judged. sides: topic id -> "og" or "changed" where the folder
    pairs instructions, else empty. pools: topic id -> candidates from `pools.json`, else empty. without_judgments: how
    many queries of the folder no qrels speak of (they are left out). relevant_from: the lowest relevant grade.
    """

    name: str
    folder: Path
    documents: Mapping[str, Document]
    topics: Mapping[str, Topic]
    qrels: Qrels
    splits: tuple[Split, ...]
    convention: Convention = "trec"
    pool: Pool = "corpus"
    relevant_from: int = 1
    pairs: tuple[Pair, ...] = ()
    sides: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without_judgments: int = 0

    def candidates(self, topic: str) -> tuple[str, ...]:
        """The ids that a system ranks for a topic: the pool, without the topic's own seeds, that have a text here."""
        if self.pool == "corpus":
            ids = tuple(self.documents)
        elif self.pool == "judged":
            ids = tuple(self.qrels.topics[topic])
        else:
            ids = self.pools.get(topic, ())
        seeds = set(self.topics[topic].seeds)
        return tuple(id for id in ids if id not in seeds and id in self.documents)

    def judged(self, topic: str) -> dict[str, int]:
        """The grades of a topic, its own seeds left out."""
        seeds = set(self.topics[topic].seeds)
        return {id: grade for id, grade in self.qrels.topics[topic].items() if id not in seeds}

    def judgments(self) -> Qrels:
        """The qrels without the seeds' grades of themselves."""
        return Qrels({topic: self.judged(topic) for topic in self.topics})

    def clusters(self) -> dict[str, str]:
        """Topic id -> what it shares with other topics: its first seed, else its text's own query."""
        shared = {topic: pair.cluster for pair in self.pairs for topic in (pair.og, pair.changed)}
        return {id: t.seeds[0] if t.seeds else shared.get(id, id) for id, t in self.topics.items()}

    def with_options(self, *, pool: str | None = None, convention: str | None = None) -> Benchmark:
        """The same benchmark with another pool or convention. Raises BadBenchmark for one that it cannot have."""
        changed = self
        if pool is not None:
            if pool not in POOLS:
                raise BadBenchmark(f"--pool: found {pool!r}; expected one of {', '.join(POOLS)}")
            if pool == "file" and not self.pools:
                raise BadBenchmark(f"--pool file: {self.folder} has no pools.json; expected judged or corpus")
            changed = replace(changed, pool=pool)
        if convention is not None:
            if convention not in CONVENTIONS:
                raise BadBenchmark(f"--convention: found {convention!r}; expected one of {', '.join(CONVENTIONS)}")
            changed = replace(changed, convention=convention)
        return changed


def one_split(topics: Mapping[str, Topic], pairs: tuple[Pair, ...]) -> Split:
    """The split of a benchmark without folds: all topics, and each aspect's where topics have aspects."""
    groups: dict[str, tuple[tuple[str, ...], ...]] = {"all": (tuple(topics),)}
    for aspect in dict.fromkeys(t.aspect for t in topics.values() if t.aspect):
        groups[aspect] = (tuple(id for id, t in topics.items() if t.aspect == aspect),)
    return Split("all", groups, tuple(pair.id for pair in pairs))


def aspect_pairs(topics: Mapping[str, Topic]) -> tuple[Pair, ...]:
    """Every ordered pair of topics that share their seeds and differ in aspect."""
    by_seed: dict[tuple[str, ...], list[Topic]] = {}
    for topic in topics.values():
        if topic.seeds and topic.aspect:
            by_seed.setdefault(topic.seeds, []).append(topic)
    return tuple(
        Pair(f"{a.id}>{b.id}", a.id, b.id, seeds[0])
        for seeds, shared in by_seed.items()
        for a in shared
        for b in shared
        if a.aspect != b.aspect
    )


def fold_splits(folds: Mapping[str, Mapping[str, tuple[str, ...]]], pairs: tuple[Pair, ...]) -> tuple[Split, ...]:
    """CSFCube's three splits from its official folds: group -> fold name -> topic ids.

    dev: fold1_dev, and the pairs wholly inside it. test: the mean of fold1_test's and fold2_test's means (contains
    dev), and all pairs. clean: fold1_test, and the pairs not wholly inside dev.
    """
    dev = set(folds["all"]["fold1_dev"])
    inside = tuple(pair.id for pair in pairs if {pair.og, pair.changed} <= dev)

    def groups(*names: str) -> dict[str, tuple[tuple[str, ...], ...]]:
        order = ["all", *(group for group in folds if group != "all")]
        return {group: tuple(folds[group][name] for name in names) for group in order}

    return (
        Split("dev", groups("fold1_dev"), inside),
        Split("test", groups("fold1_test", "fold2_test"), tuple(pair.id for pair in pairs)),
        Split("clean", groups("fold1_test"), tuple(pair.id for pair in pairs if pair.id not in set(inside))),
    )
