"""How far pairwise ranking depends on its prompt, on the order it starts from, and on reasoning; Method first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from heedful.benchmarks import Benchmark
from heedful.errors import BadInput
from heedful.evaluate.measures import DEFAULT_MEASURES
from heedful.evaluate.report import views
from heedful.evaluate.report.tables import Cell, Column, Table
from heedful.systems.bench import SplitValues, evaluate_run
from heedful.systems.diagnose import choose_split
from heedful.systems.experiments import Experiment, Setting, as_experiment
from heedful.systems.registry import parse_system, split_name
from heedful.systems.tallies import summary_of
from heedful.systems.trials import SystemTrials

LEADS = "method"  # the aspect that is ranked and reported first, where topics have it
TOP = 10

VARIED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "as given": MappingProxyType({}),
        "prompt: documents before the question": MappingProxyType({"template": "pairwise-last", "mode": "generate"}),
        "order: shuffled": MappingProxyType({"start": "shuffled"}),
        "order: reversed": MappingProxyType({"start": "reversed"}),
        "reasoning before the verdict": MappingProxyType({"template": "pairwise-reasoned", "mode": "generate"}),
    }
)


@dataclass(frozen=True, slots=True)
class Version:
    """One way in which a system is run. name: the system with its options."""

    system: str
    varied: str
    name: str


def versions(systems: Sequence[str]) -> list[Version]:
    """Every system as it is given and varied, each once. Raises BadInput for one that is not pairwise ranking."""
    if not systems:
        raise BadInput("found no system; expected --system 'prp(model=NAME, ...)'")
    found: dict[str, Version] = {}
    for system in systems:
        name, options = split_name(system)
        if name != "prp":
            raise BadInput(f"--system: found {system!r}; this experiment varies prp(model=NAME, ...)")
        for varied, changes in VARIED.items():
            changed = dict(changes)
            if options.get("mode", "generate") == "generate":
                changed.pop("mode", None)
            as_text = ", ".join(f"{k}={_quoted(v)}" for k, v in (options | changed).items())
            version = Version(system, varied, f"prp({as_text})" if changed else system)
            parse_system(version.name)
            found.setdefault(version.name, version)
    return list(found.values())


def leading(benchmark: Benchmark) -> Benchmark:
    """The same benchmark with the topics of the leading aspect first, so that they are what a small budget buys."""
    order = sorted(benchmark.topics, key=lambda id: benchmark.topics[id].aspect != LEADS)
    return replace(benchmark, topics={id: benchmark.topics[id] for id in order})


def vary(setting: Setting) -> Experiment:
    """Relevance (method first), following, likeness to the ranking as given, and what it cost, version by version.

    Raises BadInput for a system that is not pairwise ranking.
    """
    made = versions(setting.systems)
    benchmark = leading(setting.benchmark)
    found, trials = replace(setting, benchmark=benchmark, systems=[v.name for v in made]).diagnosis(())
    done = {one.name: one for one in trials if not one.error}
    values = {name: _values(setting, benchmark, one) for name, one in done.items()}
    tables = [
        _versions_table(setting, benchmark, made, done, values),
        _costs_table(made, done),
        views.summary_table(found),
        views.comparison_table(found),
    ]
    sentences = _sentences(setting, benchmark, made, values)
    return as_experiment("prp", found, trials, sentences, tables, views.tradeoff_picture(found))


def _quoted(value: str) -> str:
    if re.fullmatch(r"[^,'\"()\[\]]*(\(.*\))?", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _values(setting: Setting, benchmark: Benchmark, one: SystemTrials) -> SplitValues:
    measure = setting.measure or DEFAULT_MEASURES[benchmark.convention][0]
    split = choose_split(benchmark, setting.split).name
    return evaluate_run(benchmark, one.finished["base"].ranked.run, (measure,)).splits[split]


def _groups(benchmark: Benchmark, values: SplitValues) -> list[str]:
    """The leading aspect, all, then the others."""
    groups = list(next(iter(values.groups.values())))
    return sorted(groups, key=lambda group: (group != LEADS, group != "all"))


def _overlap(given: SystemTrials | None, other: SystemTrials) -> float | None:
    """Mean share of the first ten that the two have in common."""
    if given is None:
        return None
    a, b = (one.finished["base"].ranked.run.topics for one in (given, other))
    shares = [
        len({hit.id for hit in a[id][:TOP]} & {hit.id for hit in b[id][:TOP]}) / max(1, min(TOP, len(a[id])))
        for id in a
    ]
    return sum(shares) / len(shares)


def _versions_table(
    setting: Setting,
    benchmark: Benchmark,
    made: Sequence[Version],
    done: Mapping[str, SystemTrials],
    values: Mapping[str, SplitValues],
) -> Table:
    measure = setting.measure or DEFAULT_MEASURES[benchmark.convention][0]
    groups = _groups(benchmark, next(iter(values.values()))) if values else []
    rows: list[tuple[Cell, ...]] = []
    for version in made:
        if version.name not in done:
            continue
        found, following = values[version.name], values[version.name].following
        rows.append(
            (
                version.system,
                version.varied,
                *(found.groups[measure][group] for group in groups),
                following.value if following else None,
                following.net if following else None,
                _overlap(done.get(version.system), done[version.name]),
            )
        )
    return Table(
        "versions",
        f"{benchmark.name}, split {choose_split(benchmark, setting.split).name}: prompt, order and reasoning",
        (
            Column("system"),
            Column("varied"),
            *(Column(f"{measure} {group}" if group != "all" else str(measure), "percent") for group in groups),
            Column("p-MRR", "points"),
            Column("net", "points"),
            Column(f"top {TOP} shared", "share"),
        ),
        tuple(rows),
        f"Measures x100. top {TOP} shared: of the first {TOP}, the share that the ranking as given has too.",
    )


def _costs_table(made: Sequence[Version], done: Mapping[str, SystemTrials]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for version in made:
        tally = summary_of(done[version.name].finished["base"].ranked.facts.values()) if version.name in done else None
        if not tally:
            continue
        shares = (tally["position_bias"], tally["agreement"], tally["intransitive"])
        rows.append(
            (
                version.system,
                version.varied,
                tally["prompts"],
                tally["rounds"] / tally["topics"],
                tally["malformed"] / max(1, tally["prompts"]),
                *shares,
                tally["shortened"],
                tally["prompt_tokens"],
                tally["completion_tokens"],
                None if tally["cost"] is None else f"${tally['cost']:.4f}",
            )
        )
    return Table(
        "voters",
        "what the model is worth as a judge, and its price",
        (
            Column("system"),
            Column("varied"),
            Column("prompts", "count"),
            Column("rounds a topic", "size"),
            Column("malformed", "share"),
            Column("first shown wins", "share"),
            Column("agreement", "share"),
            Column("intransitive", "share"),
            Column("texts shortened", "count"),
            Column("tokens in", "count"),
            Column("tokens out", "count"),
            Column("paid", "figure"),
        ),
        tuple(rows),
        "first shown wins: 0.50 without position bias. agreement: of pairs asked both ways. Kept answers cost nothing.",
    )


def _sentences(
    setting: Setting, benchmark: Benchmark, made: Sequence[Version], values: Mapping[str, SplitValues]
) -> list[str]:
    measure = setting.measure or DEFAULT_MEASURES[benchmark.convention][0]
    said = []
    for version in made:
        if not {version.system, version.name} <= values.keys() or version.system == version.name:
            continue
        given, other = values[version.system].groups[measure], values[version.name].groups[measure]
        group = _groups(benchmark, values[version.name])[0]
        on = "" if group == "all" else f" on {group}"
        said.append(
            f"{version.system}, {version.varied}: {measure}{on} {100 * given[group]:.1f} to {100 * other[group]:.1f}."
        )
    return said
