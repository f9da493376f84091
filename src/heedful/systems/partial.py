"""What can be said of a system whose money ended: its finished topics, measured as a benchmark of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from heedful.benchmarks import Benchmark, Split
from heedful.benchmarks.benchmark import Pair


def narrowed(benchmark: Benchmark, topics: Iterable[str]) -> Benchmark:
    """The benchmark with these topics only: folds, aspects and splits that lose all of theirs are left out.

    A pair stays where every topic of it does (the reversed one too, where instructions come in three).
    """
    kept = set(topics)
    of_pair = {
        pair.id: {pair.og, pair.changed, *({f"{pair.id}-reversed"} & benchmark.topics.keys())}
        for pair in benchmark.pairs
    }

    def narrow(split: Split) -> Split:
        groups = {}
        for group, folds in split.groups.items():
            left = tuple(fold for fold in (tuple(id for id in fold if id in kept) for fold in folds) if fold)
            if left:
                groups[group] = left
        return replace(split, groups=groups, pairs=tuple(id for id in split.pairs if of_pair[id] <= kept))

    pairs: tuple[Pair, ...] = tuple(pair for pair in benchmark.pairs if of_pair[pair.id] <= kept)
    splits = tuple(split for split in map(narrow, benchmark.splits) if split.groups)
    return replace(
        benchmark,
        topics={id: topic for id, topic in benchmark.topics.items() if id in kept},
        splits=splits,
        pairs=pairs,
    )
