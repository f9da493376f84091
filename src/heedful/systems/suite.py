"""Several systems, several instruction variants, one benchmark: what `heedful bench` reports."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import heedful
from heedful.benchmarks import Benchmark
from heedful.benchmarks.variants import BASE, instructed, variants_of
from heedful.errors import BadInput
from heedful.evaluate.measures import DEFAULT_MEASURES, STATED, Measure
from heedful.evaluate.trec import write_lines
from heedful.records import Run
from heedful.systems.bench import SystemValues, comparisons, evaluate_run
from heedful.systems.protocol import Ranker, System
from heedful.systems.ranking import (
    Candidates,
    Ranked,
    Store,
    Track,
    collection_of,
    first_stage_candidates,
    rank_topics,
    restricted,
)
from heedful.systems.registry import parse_system


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
) -> dict[str, Any]:
    """The report of `heedful bench`, JSON-ready.

    systems: names with options. runs: name -> run made elsewhere. variants: instruct otherwise as well; each adds
    `NAME[variant]`. out: where finished topics, runs and the report are kept; a second call goes on from there.
    Raises BadInput where neither systems nor runs are given, or a name comes twice.
    """
    names = [*systems, *(runs or {})]
    if not names:
        raise BadInput("found nothing to measure; expected --system NAME or --run NAME=PATH")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(f"found the name {twice[0]!r} twice; expected each system once")
    measures = tuple(dict.fromkeys(measures)) or DEFAULT_MEASURES[benchmark.convention]
    words = variants_of(benchmark)
    for variant in variants:
        words[variant]  # an unknown one fails before anything runs
    parsed = {name: parse_system(name) for name in systems}
    first = parse_system(first_stage) if first_stage else None
    first_ranker = first.open(collection_of(benchmark, first)) if first else None
    values: dict[str, SystemValues] = {}
    spreads: dict[str, dict[str, Any]] = {}
    for name, system in parsed.items():
        ranker = _Lazily(system, benchmark)
        for variant in dict.fromkeys((BASE, *variants)):
            wordings = range(
                len(words[variant].wordings) if variant in variants and not _own(benchmark, variant) else 1
            )
            key = name if variant == BASE else f"{name}[{variant}]"
            made = []
            for wording in wordings:
                topics = instructed(benchmark, words, variant, wording)
                candidates: Candidates | None = None
                if first and first_ranker:
                    candidates = first_stage_candidates(benchmark, first_ranker, first.given, topics, depth)
                recipe = _recipe(benchmark, name, variant, wording, topics, first_stage, depth if first else None)
                label = key + (f" ({wording + 1})" if wording else "")
                store = Store(out / _slug(label), recipe) if out else None
                ranked = rank_topics(
                    label, system, benchmark, topics, ranker=ranker, candidates=candidates, store=store, track=track
                )
                if store:
                    store.finish(ranked.run)
                made.append(_with_delivery(evaluate_run(benchmark, ranked.run, measures), benchmark, ranked))
            values[key] = made[0]
            if len(made) > 1:
                spreads[key] = _spread(made)
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
    if len(values) > 1:
        report["comparisons"] = comparisons(benchmark, values)
    if spreads:
        report["paraphrases"] = spreads
    if out:
        write_lines(out / "bench.json", iter([json.dumps(report, indent=1, ensure_ascii=False) + "\n"]))
    return report


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
        "variant": variant,
        "wording": wording,
        "benchmark": benchmark.name,
        "pool": benchmark.pool,
        "first_stage": first,
        "depth": depth,
        "topics": _digest(repr(sorted(topics.items()))),
        "corpus": _digest("".join(f"{d.id}\0{d.title}\0{d.text}\0" for d in benchmark.documents.values())),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _slug(name: str) -> str:
    """A folder name that tells people which system it is and that no two systems share."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60] + "-" + _digest(name)[:6]


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
