"""The experiments of Maheshwari, Mysore, Zamani 2026 (arXiv:2601.10936) on any benchmark, for any systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from heedful.benchmarks import Benchmark
from heedful.benchmarks.probes import EMPTY, IRRELEVANT, WRONG
from heedful.errors import BadInput
from heedful.evaluate.diagnosis import Diagnosis
from heedful.evaluate.measures import DEFAULT_MEASURES, Measure
from heedful.evaluate.report import views
from heedful.evaluate.report.tables import Cell, Column, Table
from heedful.systems.bench import evaluate_run
from heedful.systems.diagnose import diagnose, estimate_diagnosis
from heedful.systems.ranking import Track
from heedful.systems.tallies import summary_of
from heedful.systems.trials import FirstStage, SystemTrials


@dataclass(frozen=True, slots=True)
class Experiment:
    """What an experiment gave. sentences: its outcome in words. figure: SVG text in stand-in colours, or None."""

    name: str
    benchmark: str
    split: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    figure: str | None
    facts: Mapping[str, Any]
    failed: Mapping[str, Exception]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "experiment": self.name,
            "benchmark": self.benchmark,
            "split": self.split,
            "words": list(self.sentences),
            "tables": {table.name: table.as_dict() for table in self.tables},
            "failed": {name: str(error) for name, error in self.failed.items()},
            "manifest": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Setting:
    """What is experimented on. split: the one that tables lead with, the default unless given. first: whose top all
    systems re-rank; the pools where there is none.
    """

    benchmark: Benchmark
    systems: Sequence[str]
    measure: Measure | None = None
    split: str | None = None
    out: Path | None = None
    track: Track | None = None
    first: FirstStage | None = None

    def diagnosis(self, only: Sequence[str] | None) -> tuple[Diagnosis, list[SystemTrials]]:
        """The diagnosis under these variants (and base); rankings are shared between experiments by `out`."""
        return diagnose(
            self.benchmark,
            self.systems,
            measure=self.measure,
            split=self.split,
            paraphrases=only is None,
            only=only,
            first=self.first,
            out=self.out,
            track=self.track,
        )

    def estimate(self, name: str) -> dict[str, Any]:
        """What the experiment of that name would ask of chat models, JSON-ready; nothing is sent. Raises BadInput."""
        known_experiment(name)
        systems = list(self.systems)
        if name == "prp":
            from heedful.systems.prompting import versions

            systems = [version.name for version in versions(systems)]
        every = name == "sensitivity"
        return estimate_diagnosis(
            self.benchmark,
            systems,
            paraphrases=every,
            only=None if every else (),
            first=self.first,
            out=self.out,
            track=self.track,
        )


def baselines(setting: Setting) -> Experiment:
    """Every system under the base instruction: relevance in several measures, following, who beats whom."""
    found, trials = setting.diagnosis(())
    tables = [
        views.summary_table(found),
        _measures_table(setting, found, trials),
        views.split_table(found),
        views.comparison_table(found),
    ]
    sentences = [f"{system.name}: {system.verdict}" for system in found.systems]
    return as_experiment("baselines", found, trials, sentences, tables, views.tradeoff_picture(found))


def sensitivity(setting: Setting) -> Experiment:
    """Specificity (generic, base, definition, subset) and paraphrase; beside them no, wrong and irrelevant words."""
    found, trials = setting.diagnosis(None)
    systems = views.finished(found)
    tables = [_specificity_table(found), views.wordings_table(found, systems)]
    tables += [views.variant_table(found, system, every=True) for system in systems]
    sentences = [f"{system.name}: {' '.join(system.findings)}" for system in systems]
    return as_experiment("sensitivity", found, trials, sentences, tables, views.variant_picture(found))


def aspects(setting: Setting) -> Experiment:
    """Difficulty by aspect, or by side where instructions are paired. Raises BadInput where there is neither."""
    benchmark = setting.benchmark
    if not benchmark.sides and len({topic.aspect for topic in benchmark.topics.values()}) < 2:
        raise BadInput(
            f"{benchmark.folder}: its topics have no aspects to compare; baselines and sensitivity run on it"
        )
    found, trials = setting.diagnosis(())
    systems = views.finished(found)
    sentences = [f"{system.name}: {said}" for system in systems for said in system.findings if said.startswith("Hard")]
    return as_experiment(
        "aspects", found, trials, sentences, [views.group_table(found, systems)], views.group_picture(found)
    )


def prp(setting: Setting) -> Experiment:
    """Pairwise ranking prompting with another prompt, another order of the candidates, and steps of reasoning."""
    from heedful.systems.prompting import vary

    return vary(setting)


Run: TypeAlias = Callable[[Setting], Experiment]
EXPERIMENTS: Mapping[str, Run] = MappingProxyType(
    {"baselines": baselines, "sensitivity": sensitivity, "aspects": aspects, "prp": prp}
)


def run_experiment(name: str, setting: Setting) -> Experiment:
    """The experiment of that name. Raises BadInput for an unknown one."""
    known_experiment(name)
    return EXPERIMENTS[name](setting)


def known_experiment(name: str) -> None:
    """Raises BadInput for an unknown one."""
    if name not in EXPERIMENTS:
        raise BadInput(f"unknown experiment {name!r}; there are {', '.join(EXPERIMENTS)}")


def as_experiment(
    name: str,
    found: Diagnosis,
    trials: Sequence[SystemTrials],
    sentences: Sequence[str],
    tables: Sequence[Table | None],
    figure: str | None,
) -> Experiment:
    """What an experiment gave, with the manifest of its trials."""
    return Experiment(
        name=name,
        benchmark=found.benchmark,
        split=found.split,
        sentences=tuple(sentences),
        tables=tuple(table for table in tables if table and table.rows),
        figure=figure,
        facts={"experiment": name, **found.facts, **_chats(trials)},
        failed={one.name: one.error for one in trials if one.error},
    )


def _chats(trials: Sequence[SystemTrials]) -> dict[str, Any]:
    """What the chat models of these trials cost and are worth, under "chat"; empty where there are none."""
    found = {
        one.name: {
            label: tally for label, made in one.finished.items() if (tally := summary_of(made.ranked.facts.values()))
        }
        for one in trials
    }
    known = {name: tallies for name, tallies in found.items() if tallies}
    return {"chat": known} if known else {}


def _measures_table(setting: Setting, found: Diagnosis, trials: Sequence[SystemTrials]) -> Table:
    """Every measure of the convention on every split."""
    measures = DEFAULT_MEASURES[setting.benchmark.convention]
    sides = ("og", "changed") if setting.benchmark.sides else ("all",)
    paired = len(sides) > 1
    rows: list[tuple[Cell, ...]] = []
    for split in setting.benchmark.splits:
        for one in trials:
            if one.error:
                continue
            values = evaluate_run(setting.benchmark, one.finished["base"].ranked.run, measures).splits[split.name]
            for side in sides:
                rows.append((split.name, one.name, *[side] * paired, *(values.groups[m][side] for m in measures)))
    columns = [Column("split"), Column("system"), *[Column("side")] * paired]
    return Table(
        "measures",
        f"{found.benchmark}: every measure",
        (*columns, *(Column(str(measure), "percent") for measure in measures)),
        tuple(rows),
        f"x100. Convention {found.convention}.",
    )


def _specificity_table(found: Diagnosis) -> Table:
    """System by variant: means over wordings of relevance and net p-MRR."""
    variants = list(dict.fromkeys(r.variant for s in found.systems for r in s.results.values()))
    paired = any(r.following for s in found.systems for r in s.results.values())
    rows: list[tuple[Cell, ...]] = []
    for system in views.finished(found):
        cells: list[Cell] = [system.name]
        for variant in variants:
            made = [r for r in system.results.values() if r.variant == variant]
            cells.append(_mean([r.relevance["all"].value for r in made]))
        for variant in variants if paired else ():
            made = [r for r in system.results.values() if r.variant == variant]
            cells.append(_mean([r.following.net for r in made if r.following]))
        rows.append(tuple(cells))
    said = ", ".join(v for v in variants if v not in (EMPTY, WRONG, IRRELEVANT))
    return Table(
        "specificity",
        f"{found.benchmark}, split {found.split}: how much is said",
        (
            Column("system"),
            *(Column(f"{found.measure} {variant}", "percent") for variant in variants),
            *(Column(f"net {variant}", "points") for variant in variants if paired),
        ),
        tuple(rows),
        f"Means over wordings ({said}: those that have paraphrases).",
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
