"""Does a system heed its instruction? Systems and a benchmark to a diagnosis."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from heedful.benchmarks import Benchmark, Split
from heedful.benchmarks.probes import Probe, probes_of
from heedful.benchmarks.variants import BASE
from heedful.errors import BadInput
from heedful.evaluate.diagnosis import Diagnosis, SystemDiagnosis, Trial
from heedful.evaluate.diagnosis_compute import Ground, diagnose_system, estimate, with_flows
from heedful.evaluate.measures import DEFAULT_MEASURES, STATED, Measure, score_topics
from heedful.evaluate.significance import compare_all
from heedful.systems.bench import following_of
from heedful.systems.estimate import estimate as count_calls
from heedful.systems.protocol import System
from heedful.systems.ranking import Track
from heedful.systems.registry import parse_system
from heedful.systems.trials import Finished, FirstStage, SystemTrials, jobs_of, manifest, try_system

FIRST = ("clean", "test", "all")  # a tuned system is quoted on clean first


def diagnose(
    benchmark: Benchmark,
    systems: Sequence[str],
    *,
    measure: Measure | None = None,
    split: str | None = None,
    paraphrases: bool = True,
    only: Container[str] | None = None,
    first: FirstStage | None = None,
    out: Path | None = None,
    track: Track | None = None,
) -> tuple[Diagnosis, list[SystemTrials]]:
    """The diagnosis, and the trials that it rests on (the whole delivery record is in them).

    measure: of relevance, the convention's first unless given. split: clean, test or all unless given. only: the
    variants to try (base always). first: whose top is re-ranked, the pools where there is none. out: where finished
    topics are kept. A system that fails is reported as failed and the others go on. Raises BadInput.
    """
    parsed = named_systems(systems)
    measure = measure or DEFAULT_MEASURES[benchmark.convention][0]
    chosen = choose_split(benchmark, split)
    probes = chosen_probes(benchmark, paraphrases, only)
    done = [
        try_system(name, system, benchmark, probes, first=first, out=out, track=track)
        for name, system in parsed.items()
    ]
    values = {one.name: relevance(benchmark, one, measure) for one in done}
    ground = ground_of(benchmark, chosen)
    found: list[SystemDiagnosis] = []
    bases: dict[str, Trial] = {}
    for one in done:
        if one.error:
            found.append(SystemDiagnosis(one.name, "failed", _failed(one, probes), error=one.reason()))
            continue
        made = trials_of(benchmark, chosen, one, values[one.name])
        found.append(diagnose_system(one.name, one.system.given, made, ground))
        bases[one.name] = next(trial for trial in made if trial.label == "base")
    return (
        Diagnosis(
            benchmark=benchmark.name,
            split=chosen.name,
            measure=str(measure),
            convention=STATED[benchmark.convention],
            topics=len(chosen.topics),
            documents=len(benchmark.documents),
            pairs=len(ground.pairs),
            word=ground.word,
            groups=tuple(group for group in ground.weights if group != "all"),
            systems=tuple(with_flows(found, bases, ground)),
            comparisons=_comparisons(bases, ground),
            facts=manifest(benchmark, probes, done),
            splits=_all_splits(benchmark, done, values),
        ),
        done,
    )


def chosen_probes(
    benchmark: Benchmark, paraphrases: bool = True, only: Container[str] | None = None
) -> tuple[Probe, ...]:
    """Every probe that the benchmark allows; those of these variants and base where `only` is given."""
    probes = probes_of(benchmark, paraphrases=paraphrases)
    return tuple(probe for probe in probes if only is None or probe.variant == BASE or probe.variant in only)


def estimate_diagnosis(
    benchmark: Benchmark,
    systems: Sequence[str],
    *,
    paraphrases: bool = True,
    only: Container[str] | None = None,
    first: FirstStage | None = None,
    out: Path | None = None,
    track: Track | None = None,
) -> dict[str, Any]:
    """What `diagnose` with these arguments would ask of chat models, JSON-ready; nothing is sent."""
    probes = chosen_probes(benchmark, paraphrases, only)
    named = named_systems(systems).items()
    jobs = (job for name, system in named for job in jobs_of(name, system, benchmark, probes, first))
    return count_calls(benchmark, jobs, out=out, track=track)


def named_systems(names: Sequence[str]) -> dict[str, System]:
    """Name -> system. Raises BadInput for none or a name twice, BadSystem for one that does not parse."""
    if not names:
        raise BadInput("found no system; expected --system NAME")
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise BadInput(f"--system: found {twice[0]!r} twice; expected each system once")
    return {name: parse_system(name) for name in names}


def choose_split(benchmark: Benchmark, name: str | None = None) -> Split:
    """The split of that name, else the first of clean, test, all that there is. Raises BadInput."""
    by_name = {split.name: split for split in benchmark.splits}
    if name is not None and name not in by_name:
        raise BadInput(f"--split: found {name!r}; expected one of {', '.join(by_name)}")
    return by_name[name] if name else next(by_name[first] for first in (*FIRST, *by_name) if first in by_name)


def ground_of(benchmark: Benchmark, split: Split) -> Ground:
    """What the split's trials are judged by."""
    if benchmark.sides:
        weights = {"all": dict.fromkeys(split.topics, 1.0)}
        for side in ("og", "changed"):
            weights[side] = {id: 1.0 for id in split.topics if benchmark.sides[id] == side}
        asked = dict(benchmark.sides)
    else:
        weights = {group: split.weights(group) for group in split.groups}
        asked = {id: topic.aspect for id, topic in benchmark.topics.items()}
    inside = set(split.pairs)
    return Ground(
        judgments=benchmark.judgments(),
        topics=benchmark.topics,
        documents=benchmark.documents,
        weights=weights,
        clusters=benchmark.clusters(),
        asked=asked,
        pairs=tuple(pair for pair in benchmark.pairs if pair.id in inside),
        relevant_from=benchmark.relevant_from,
        word="aspect" if any(topic.aspect for topic in benchmark.topics.values()) else "instruction",
    )


def relevance(benchmark: Benchmark, trials: SystemTrials, measure: Measure) -> dict[str, dict[str, float]]:
    """Probe -> topic -> value in [0, 1]."""
    judged = benchmark.judgments()
    return {
        label: score_topics(made.ranked.run, judged, (measure,), benchmark.convention, benchmark.relevant_from)[measure]
        for label, made in trials.finished.items()
    }


def trials_of(
    benchmark: Benchmark, split: Split, done: SystemTrials, values: dict[str, dict[str, float]]
) -> list[Trial]:
    """Everything that one system made, as facts of one split."""
    return [_trial(benchmark, split, made, values[label]) for label, made in done.finished.items()]


def _trial(benchmark: Benchmark, split: Split, made: Finished, values: dict[str, float]) -> Trial:
    return Trial(
        variant=made.probe.variant,
        wording=made.probe.wording,
        about=made.probe.about,
        instructions=made.probe.instructions(),
        run=made.ranked.run,
        inputs=made.ranked.inputs,
        values=values,
        following=following_of(benchmark, made.ranked.run, split, benchmark.relevant_from),
        seconds=made.cost.seconds,
    )


def _failed(one: SystemTrials, probes: Sequence[Probe]) -> str:
    return (
        f"Did not finish ({len(one.finished)} of {len(probes)} probes): {one.reason()}. What it finished is kept where "
        "--out was given; the same command goes on from there."
    )


def _comparisons(bases: dict[str, Trial], ground: Ground) -> dict[str, list[dict[str, Any]]]:
    """Every pair of systems under base: relevance, and net p-MRR where there is one."""
    if len(bases) < 2:
        return {}
    weights = ground.weights["all"]
    of_topics = {name: {id: trial.values[id] for id in weights} for name, trial in bases.items()}
    found = {"relevance": [c.as_dict() for c in compare_all(of_topics, ground.clusters, weights)]}
    nets = {
        name: {id: value - f.per_topic_null[id] for id, value in f.per_topic.items()}
        for name, trial in bases.items()
        if (f := trial.following)
    }
    if len(nets) > 1:
        clusters = {pair.id: pair.cluster for pair in ground.pairs}
        found["net p-MRR"] = [c.as_dict() for c in compare_all(nets, clusters)]
    return found


def _all_splits(
    benchmark: Benchmark, done: Sequence[SystemTrials], values: dict[str, dict[str, dict[str, float]]]
) -> dict[str, Any]:
    """Split -> system -> relevance and p-MRR under base."""
    found: dict[str, Any] = {}
    for split in benchmark.splits:
        ground = ground_of(benchmark, split)
        rows = {}
        for one in done:
            if "base" not in one.finished:
                continue
            following = following_of(benchmark, one.finished["base"].ranked.run, split, benchmark.relevant_from)
            rows[one.name] = {
                "relevance": {g: estimate(values[one.name]["base"], ground, g).as_dict() for g in ground.weights},
                "p-MRR": following.as_dict() if following else None,
            }
        found[split.name] = rows
    return found


def delivery_lines(trials: Sequence[SystemTrials]) -> list[dict[str, Any]]:
    """The delivery record, JSON-ready: a row for every system, probe and topic."""
    return [
        {
            "system": one.name,
            "probe": label,
            "topic": topic,
            "instruction": made.probe.topics[topic].instruction,
            "inputs": None if inputs is None else list(inputs),
        }
        for one in trials
        for label, made in one.finished.items()
        for topic, inputs in made.ranked.inputs.items()
    ]
