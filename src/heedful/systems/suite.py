"""Several systems, several instruction variants, one benchmark: what `heedful bench` reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import heedful
from heedful.benchmarks import Benchmark
from heedful.benchmarks.variants import BASE, instructed, variants_of
from heedful.chat import Purse
from heedful.errors import BadInput, BudgetSpent
from heedful.evaluate.measures import DEFAULT_MEASURES, STATED, Measure
from heedful.evaluate.trec import write_lines
from heedful.records import Run
from heedful.systems.bench import SystemValues, comparisons, evaluate_run
from heedful.systems.collection import corpus_digest
from heedful.systems.partial import narrowed
from heedful.systems.protocol import Ranker, System
from heedful.systems.ranking import (
    Candidates,
    Ranked,
    Stopped,
    Store,
    Track,
    Work,
    collection_of,
    first_stage_candidates,
    rank_topics,
    restricted,
)
from heedful.systems.registry import parse_system
from heedful.systems.tallies import spending_of, summary_of
from heedful.systems.trials import digest, ranking_code, slug


def bench(
    benchmark: Benchmark,
    systems: Sequence[str] = (),
    runs: Mapping[str, Run] | None = None,
    measures: Sequence[Measure] = (),
    *,
    variants: Sequence[str] = (),
    first_stage: str | None = None,
    depth: int = 200,
    out: Path | None = None,
    track: Track | None = None,
    budget: float | None = None,
) -> dict[str, Any]:
    """The report of `heedful bench`, JSON-ready.

    systems: names with options. runs: name -> run made elsewhere. variants: instruct otherwise as well; each adds
    `NAME[variant]`. out: where finished topics, runs and the report are kept; a second call goes on from there.
    budget: US dollars that all systems together may spend on chat models. Where it is spent, the report's "partial"
    says of which systems only the finished topics were measured. Raises BadInput where neither systems nor runs are
    given, or a name comes twice.
    """
    names = [*systems, *(runs or {})]
    if not names:
        raise BadInput("found nothing to measure; expected --system NAME or --run NAME=PATH")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(f"found the name {twice[0]!r} twice; expected each system once")
    measures = tuple(dict.fromkeys(measures)) or DEFAULT_MEASURES[benchmark.convention]
    values: dict[str, SystemValues] = {}
    wordings: dict[str, list[SystemValues]] = {}
    partial: dict[str, dict[str, Any]] = {}
    chats: dict[str, dict[str, Any]] = {}
    with Purse(budget) as purse:
        for job in jobs(benchmark, systems, variants, first_stage, depth):
            if job.name in partial:  # its money is spent
                partial[job.name]["not_begun"].append(job.label)
                continue
            store = Store(out / job.folder, job.recipe) if out else None
            try:
                ranked = rank_topics(
                    job.label, job.system, benchmark, job.topics,
                    ranker=job.ranker, candidates=job.candidates, store=store, track=track,
                )  # fmt: skip
            except BudgetSpent as spent:
                if not isinstance(spent.partial, Stopped):
                    raise
                ranked = spent.partial.finished
                partial[job.name] = _where_it_stopped(job, benchmark, spent, spent.partial)
                if job.wording == 0:
                    part = narrowed(benchmark, ranked.run.topics)
                    values[job.key] = _with_delivery(evaluate_run(part, ranked.run, measures), part, ranked)
            else:
                if store:
                    store.finish(ranked.run)
                made = _with_delivery(evaluate_run(benchmark, ranked.run, measures), benchmark, ranked)
                values.setdefault(job.key, made)
                wordings.setdefault(job.key, []).append(made)
            tally = summary_of(ranked.facts.values())
            if tally:
                chats[job.label] = tally
    spreads = {key: _spread(made) for key, made in wordings.items() if len(made) > 1}
    for name, run in (runs or {}).items():
        values[name] = evaluate_run(benchmark, restricted(run, benchmark, name), measures)
    report: dict[str, Any] = {
        "benchmark": benchmark.name,
        "convention": benchmark.convention,
        "stated": STATED[benchmark.convention],
        "pool": benchmark.pool,
        "relevant_from": benchmark.relevant_from,
        "topics": len(benchmark.topics),
        "documents": len(benchmark.documents),
        "without_judgments": benchmark.without_judgments,
        "version": heedful.__version__,
        "systems": {name: {s: v.as_dict() for s, v in value.splits.items()} for name, value in values.items()},
        "delivery": {name: value.delivery for name, value in values.items()},
    }
    if partial:
        report["partial"] = partial
    if chats:
        report["chat"] = chats
    if purse.spendings or budget is not None:
        report["spending"] = spending_of(purse)
    whole = {name: value for name, value in values.items() if name not in {p["key"] for p in partial.values()}}
    if len(whole) > 1:
        report["comparisons"] = comparisons(benchmark, whole)
    if spreads:
        report["paraphrases"] = spreads
    if out:
        write_lines(out / "bench.json", iter([json.dumps(report, indent=1, ensure_ascii=False) + "\n"]))
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Work):
    """One system under one wording of one variant. key: its name in the report; the label says which wording, too."""

    name: str
    key: str
    variant: str
    wording: int


def jobs(
    benchmark: Benchmark, systems: Sequence[str], variants: Sequence[str], first_stage: str | None, depth: int
) -> Iterator[Job]:
    """Everything that `bench` ranks, in its order; whatever can be wrong with a name is said before the first."""
    words = variants_of(benchmark)
    for variant in variants:
        words[variant]  # an unknown one fails before anything runs
    parsed = {name: parse_system(name) for name in systems}
    first = parse_system(first_stage) if first_stage else None
    first_ranker = first.open(collection_of(benchmark, first)) if first else None
    for name, system in parsed.items():
        ranker = _Lazily(system, benchmark)
        for variant in dict.fromkeys((BASE, *variants)):
            several = variant in variants and not _own(benchmark, variant)
            for wording in range(len(words[variant].wordings) if several else 1):
                topics = instructed(benchmark, words, variant, wording)
                candidates: Candidates | None = None
                if first and first_ranker:
                    candidates = first_stage_candidates(benchmark, first_ranker, first.given, topics, depth)
                recipe = _recipe(benchmark, name, variant, wording, topics, first_stage, depth if first else None)
                key = name if variant == BASE else f"{name}[{variant}]"
                label = key + (f" ({wording + 1})" if wording else "")
                yield Job(
                    label=label, system=system, ranker=ranker, topics=topics, candidates=candidates,
                    folder=slug(label), recipe=recipe, name=name, key=key, variant=variant, wording=wording,
                )  # fmt: skip


def _where_it_stopped(job: Job, benchmark: Benchmark, spent: BudgetSpent, where: Stopped) -> dict[str, Any]:
    """What a partial result is of, JSON-ready."""
    done = set(where.finished.run.topics)
    return {
        "key": job.key,
        "stopped_in": job.label,
        "finished": len(done),
        "topics": len(job.topics),
        "splits": {s.name: {"finished": len(done & {*s.topics}), "topics": len(s.topics)} for s in benchmark.splits},
        "stopped_at": where.topic,
        "why": str(spent),
        "not_begun": [],
    }


class _Lazily:
    """A ranker that is opened when the first topic is ranked, once for all variants."""

    def __init__(self, system: System, benchmark: Benchmark):
        self.system, self.benchmark = system, benchmark
        self.ranker: Ranker | None = None

    def rank(self, topic: Any, candidates: Sequence[str]) -> Any:
        if self.ranker is None:
            self.ranker = self.system.open(collection_of(self.benchmark, self.system))
        return self.ranker.rank(topic, candidates)


def _own(benchmark: Benchmark, variant: str) -> bool:
    """Whether the base variant is the folder's own instructions, which have no paraphrases."""
    return variant == BASE and any(topic.instruction or not topic.aspect for topic in benchmark.topics.values())


def _with_delivery(values: SystemValues, benchmark: Benchmark, ranked: Ranked) -> SystemValues:
    delivery = ranked.delivery((pair.og, pair.changed) for pair in benchmark.pairs)
    return SystemValues(values.splits, values.topics, delivery)


def _recipe(
    benchmark: Benchmark, name: str, variant: str, wording: int, topics: Any, first: str | None, depth: int | None
) -> dict[str, Any]:
    return {
        "system": name,
        "code": ranking_code(),
        "variant": variant,
        "wording": wording,
        "benchmark": benchmark.name,
        "pool": benchmark.pool,
        "first_stage": first,
        "depth": depth,
        "topics": digest(repr(sorted(topics.items()))),
        "corpus": corpus_digest(benchmark.documents.values())[:16],
    }


def _spread(made: Sequence[SystemValues]) -> dict[str, Any]:
    """Split -> measure -> mean, standard deviation and values over the wordings of a variant ("all" only)."""
    out: dict[str, Any] = {}
    for split in made[0].splits:
        columns: dict[str, list[float]] = {}
        for value in made:
            for measure, groups in value.splits[split].groups.items():
                for group in ("all", "og", "changed", "reversed"):
                    if group in groups:
                        key = str(measure) if group == "all" else f"{measure} {group}"
                        columns.setdefault(key, []).append(groups[group])
            following = value.splits[split].following
            if following:
                columns.setdefault("p-MRR", []).append(following.value)
        out[split] = {
            key: {"mean": _mean(column), "spread": _deviation(column), "values": column}
            for key, column in columns.items()
        }
    return out


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    centre = _mean(values)
    return float((sum((v - centre) ** 2 for v in values) / max(1, len(values) - 1)) ** 0.5)
