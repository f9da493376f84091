"""What systems are worth on a benchmark: relevance and following, split by split, aspect by aspect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heedful.benchmarks import Benchmark, Split
from heedful.evaluate.following import PMRR, NothingChanged, p_mrr
from heedful.evaluate.measures import DEFAULT_MEASURES, Measure, mean, score_topics
from heedful.evaluate.paired import paired_accuracy, robustness_at, sicr, wise
from heedful.evaluate.significance import compare_all
from heedful.records import Qrels, Run


@dataclass(frozen=True, slots=True)
class SplitValues:
    """One system on one split. groups: measure -> "all" and aspects (or "og" and "changed") -> value in [0, 1].

    following: p-MRR from the benchmark's threshold; from_1: from grade 1, where that is another. others: paired
    accuracy, robustness@10, SICR and WISE, where the benchmark allows them.
    """

    groups: Mapping[Measure, Mapping[str, float]]
    following: PMRR | None
    from_1: PMRR | None = None
    others: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, under the names that reports use."""
        out: dict[str, Any] = {
            "measures": {str(measure): dict(values) for measure, values in self.groups.items()},
            "p-MRR": self.following.as_dict() if self.following else None,
        }
        if self.from_1:
            out["p-MRR from grade 1"] = self.from_1.as_dict()
        if self.others:
            out["following"] = dict(self.others)
        return out


@dataclass(frozen=True, slots=True)
class SystemValues:
    """One system on a benchmark. topics: measure -> topic -> value. delivery: what instructions reached its model."""

    splits: Mapping[str, SplitValues]
    topics: Mapping[Measure, Mapping[str, float]]
    delivery: Mapping[str, int] | None = None
    paraphrases: Mapping[str, Any] = field(default_factory=dict)


def evaluate_run(benchmark: Benchmark, run: Run, measures: Sequence[Measure] = ()) -> SystemValues:
    """Every measure and p-MRR of a run, for each split. The run ranks the candidates of every topic."""
    measures = tuple(dict.fromkeys(measures)) or DEFAULT_MEASURES[benchmark.convention]
    values = score_topics(run, benchmark.judgments(), measures, benchmark.convention, benchmark.relevant_from)
    splits = {}
    for split in benchmark.splits:
        groups = {m: _groups(benchmark, split, values[m]) for m in measures}
        following = following_of(benchmark, run, split, benchmark.relevant_from)
        lower = benchmark.relevant_from > 1 and not benchmark.sides
        from_1 = following_of(benchmark, run, split, 1) if following and lower else None
        splits[split.name] = SplitValues(groups, following, from_1, other_following(benchmark, run, split))
    return SystemValues(splits, values)


def following_of(benchmark: Benchmark, run: Run, split: Split, relevant_from: int) -> PMRR | None:
    """p-MRR of a run over the split's pairs; None where there are none, or where nothing changes in any."""
    inside = set(split.pairs)
    pairs = [pair for pair in benchmark.pairs if pair.id in inside]
    if not pairs:
        return None
    judged = {topic: benchmark.judged(topic) for pair in pairs for topic in (pair.og, pair.changed)}
    og_qrels = {pair.id: judged[pair.og] for pair in pairs}
    changed_qrels = {pair.id: judged[pair.changed] for pair in pairs}
    try:
        return p_mrr(
            {pair.id: run.topics[pair.og] for pair in pairs},
            {pair.id: run.topics[pair.changed] for pair in pairs},
            og_qrels,
            changed_qrels,
            relevant_from=relevant_from,
            clusters={pair.id: pair.cluster for pair in pairs},
        )
    except NothingChanged:
        return None


def other_following(benchmark: Benchmark, run: Run, split: Split) -> dict[str, float]:
    """What else tells following, by name; only what the benchmark allows."""
    inside, found = set(split.pairs), {}
    pairs = [pair for pair in benchmark.pairs if pair.id in inside]

    def side(name: str) -> tuple[Run, Qrels]:
        topics = {p.id: p.og if name == "og" else p.changed if name == "changed" else f"{p.id}-{name}" for p in pairs}
        ranked = Run({id: run.topics[topic] for id, topic in topics.items()})
        return ranked, Qrels({id: benchmark.judged(topic) for id, topic in topics.items()})

    if pairs:
        (og, og_qrels), (changed, changed_qrels) = side("og"), side("changed")
        accuracy = paired_accuracy(og, changed, og_qrels, changed_qrels, benchmark.relevant_from)
        if accuracy:
            found["paired accuracy"] = mean(accuracy)
        if "reversed" in benchmark.sides.values():
            three = (og, changed, side("reversed")[0], og_qrels, changed_qrels, benchmark.relevant_from)
            found |= {name: mean(v) for name, v in (("SICR", sicr(*three)), ("WISE", wise(*three))) if v}
    groups = {id: t.text for id in split.topics if (t := benchmark.topics[id]).text and t.instruction}
    lowest = robustness_at(run, Qrels({id: benchmark.judged(id) for id in groups}), groups) if groups else {}
    if lowest:
        found["robustness@10"] = mean(lowest)
    return found


def _groups(benchmark: Benchmark, split: Split, values: Mapping[str, float]) -> dict[str, float]:
    if not benchmark.sides:
        return {group: split.mean(values, group) for group in split.groups}
    means = {}
    for side in dict.fromkeys(benchmark.sides.values()):
        topics = [id for id in split.topics if benchmark.sides[id] == side]
        if topics:  # a partial result may lack a side
            means[side] = sum(values[id] for id in topics) / len(topics)
    return means


def comparisons(benchmark: Benchmark, values: Mapping[str, SystemValues]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Split -> measure (and "p-MRR", "p-MRR net", x100) -> every pair of systems compared, JSON-ready.

    Topics of one seed are one cluster; Holm's correction is over the pairs of one measure on one split.
    """
    clusters = benchmark.clusters()
    pair_clusters = {pair.id: pair.cluster for pair in benchmark.pairs}
    out: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for split in benchmark.splits:
        weights = split.weights()
        columns: dict[str, list[dict[str, Any]]] = {}
        for measure in next(iter(values.values())).topics:
            of_topics = {name: {id: v.topics[measure][id] for id in weights} for name, v in values.items()}
            columns[str(measure)] = [c.as_dict() for c in compare_all(of_topics, clusters, weights)]
        following = {name: v.splits[split.name].following for name, v in values.items()}
        found = {name: f for name, f in following.items() if f}
        if len(found) == len(values):
            nets = {n: {id: x - f.per_topic_null[id] for id, x in f.per_topic.items()} for n, f in found.items()}
            shifts = {n: f.per_topic for n, f in found.items()}
            columns["p-MRR"] = [c.as_dict() for c in compare_all(shifts, pair_clusters)]
            columns["p-MRR net"] = [c.as_dict() for c in compare_all(nets, pair_clusters)]
        out[split.name] = columns
    return out
