"""A system over the topics of a benchmark: the run it makes, and the record of what was delivered to it."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from heedful.benchmarks import Benchmark
from heedful.errors import BadInput, BudgetSpent, Mismatch, StorageFailed, Unwritable, Upstream
from heedful.evaluate.trec import in_order, write_lines, write_run
from heedful.records import Hit, Qrels, Run, Topic
from heedful.systems.protocol import GRADES, Collection, Ranker, Ranking, System, shown

logger = logging.getLogger("heedful.systems")

Candidates: TypeAlias = Callable[[str], Sequence[str]]
Track: TypeAlias = Callable[[Iterable[str], str, int], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a system made of the topics.

    inputs: topic -> the exact strings its model got; None where unknown. facts: topic -> what else it said of it.
    """

    run: Run
    inputs: Mapping[str, tuple[str, ...] | None]
    facts: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def delivery(self, pairs: Iterable[tuple[str, str]]) -> dict[str, int] | None:
        """How many pairs of topics reached the model as different inputs; None where that is unknown."""
        known = [(self.inputs.get(a), self.inputs.get(b)) for a, b in pairs]
        if not known or any(a is None or b is None for a, b in known):
            return None
        same = sum(a == b for a, b in known)
        return {"pairs": len(known), "delivered": len(known) - same, "not_delivered": same}


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where the money ended. finished: the topics before; topic: the one under way; hits: its order so far, if any."""

    finished: Ranked
    topic: str
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A system over topics, not begun.

    label: what people see. candidates: of each topic; the benchmark's pools where None. folder: where below the output
    its finished topics are kept, as made by that recipe.
    """

    label: str
    system: System
    ranker: Ranker
    topics: Mapping[str, Topic]
    candidates: Candidates | None
    folder: str
    recipe: Mapping[str, Any]


def collection_of(benchmark: Benchmark, system: System) -> Collection:
    """What the system may see: the documents, and the judgments if it declared that it is given them."""
    qrels = benchmark.judgments() if GRADES in system.given else Qrels({})
    return Collection(benchmark.documents, qrels, benchmark.name)


def rank_topics(
    name: str,
    system: System,
    benchmark: Benchmark,
    topics: Mapping[str, Topic],
    *,
    ranker: Ranker | None = None,
    candidates: Candidates | None = None,
    store: Store | None = None,
    track: Track | None = None,
) -> Ranked:
    """Every topic ranked by the system, topic by topic; what the store has already is not asked for again.

    ranker: the system where it has been opened before. Raises BadInput where an answer is no ranking of the candidates,
    and BudgetSpent with a `Stopped` as its `partial`.
    """
    done: dict[str, Ranking] = store.read() if store else {}
    done = {id: ranking for id, ranking in done.items() if id in topics}
    left = [id for id in topics if id not in done]
    if done:
        logger.info("%s: %d of %d topics were finished before", name, len(done), len(topics))
    if left:
        ranker = ranker or system.open(collection_of(benchmark, system))
        pool = candidates or benchmark.candidates
        for id in track(left, name, len(left)) if track else left:
            try:
                allowed = pool(id)
                ranking = ranker.rank(shown(topics[id], system.given), allowed)
            except BudgetSpent as spent:
                hits = [hit for hit in spent.partial if isinstance(hit, Hit)] if isinstance(spent.partial, list) else []
                if store and hits:
                    store.keep_partial(id, hits)
                finished = _ranked(name, [other for other in topics if other in done], done)
                raise BudgetSpent(f"{name}: topic {id}: {spent}", partial=Stopped(finished, id, hits)) from None
            except Upstream as error:
                error.args = (f"{name}: topic {id}: {error}",)
                raise
            done[id] = Ranking(checked(name, id, ranking.hits, allowed), ranking.inputs, ranking.facts)
            if store:
                store.add(id, done[id])
    return _ranked(name, topics, done)


def _ranked(name: str, topics: Iterable[str], done: Mapping[str, Ranking]) -> Ranked:
    topics = list(topics)
    return Ranked(
        Run({id: done[id].hits for id in topics}, name),
        {id: done[id].inputs for id in topics},
        {id: done[id].facts for id in topics},
    )


def checked(name: str, topic: str, hits: Sequence[Hit], allowed: Sequence[str]) -> list[Hit]:
    """A system's answer in order. Raises BadInput where it is no ranking of what was allowed."""
    ids = [hit.id for hit in hits]
    if len(set(ids)) < len(ids):
        raise BadInput(f"{name}: ranked a document twice for topic {topic!r}")
    strange = set(ids) - set(allowed)
    if strange:
        raise BadInput(f"{name}: ranked {sorted(strange)[0]!r} for topic {topic!r}, which is no candidate")
    for hit in hits:
        if not math.isfinite(hit.score):
            raise BadInput(f"{name}: gave {hit.id!r} the score {hit.score} for topic {topic!r}; expected a number")
    return in_order(list(hits))


class Store:
    """Finished topics of one system on disk: a line a topic, added as it is finished, and the recipe beside them."""

    def __init__(self, folder: Path, recipe: Mapping[str, Any]):
        """Open or create the folder. Raises Mismatch where it holds topics made by another recipe."""
        self.folder, self.recipe = folder, dict(recipe)
        self.lines = folder / "topics.jsonl"
        manifest = folder / "manifest.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if manifest.is_file():
                found = json.loads(manifest.read_text(encoding="utf-8"))
                differ = sorted(key for key in {*found, *self.recipe} if found.get(key) != self.recipe.get(key))
                if differ:
                    raise Mismatch(
                        f"{folder}: holds rankings with another {differ[0]} ({found.get(differ[0])!r}, not "
                        f"{self.recipe.get(differ[0])!r}); choose another --out, or delete that folder"
                    )
            else:
                write_lines(manifest, iter([json.dumps(self.recipe, indent=1, ensure_ascii=False) + "\n"]))
        except (OSError, ValueError) as error:
            if isinstance(error, Unwritable):
                raise
            raise Unwritable(f"{folder}: cannot be used: {error}") from error

    def read(self) -> dict[str, Ranking]:
        """Topic -> its ranking; a last line that was cut off by a crash is dropped."""
        if not self.lines.is_file():
            return {}
        done: dict[str, Ranking] = {}
        kept = 0
        with self.lines.open("rb") as file:
            for raw in file:
                try:
                    row = json.loads(raw)
                    inputs = None if row["inputs"] is None else tuple(row["inputs"])
                    hits = [Hit(id, score) for id, score in row["hits"]]
                except (ValueError, KeyError, TypeError):
                    break
                if not raw.endswith(b"\n"):
                    break
                done[row["topic"]] = Ranking(hits, inputs, row.get("facts"))
                kept += len(raw)
        if kept < self.lines.stat().st_size:
            logger.warning("%s: dropped an unfinished line", self.lines)
            with self.lines.open("rb+") as file:
                file.truncate(kept)
        return done

    def add(self, topic: str, ranking: Ranking) -> None:
        """Keep a finished topic. Raises StorageFailed where the disk refuses."""
        row: dict[str, Any] = {
            "topic": topic,
            "inputs": None if ranking.inputs is None else list(ranking.inputs),
            "hits": [[hit.id, hit.score] for hit in ranking.hits],
        }
        if ranking.facts is not None:
            row["facts"] = dict(ranking.facts)
        try:
            with self.lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise StorageFailed(f"{self.lines}: cannot be written: {error.strerror or error}") from error

    def keep_partial(self, topic: str, hits: Sequence[Hit]) -> None:
        """Write the order so far of a topic that was not finished, as `partial.run`; it is never taken up again."""
        write_run(Run({topic: hits}, "partial"), self.folder / "partial.run")

    def finish(self, run: Run) -> None:
        """Write the whole run beside the lines, as a TREC run file."""
        (self.folder / "partial.run").unlink(missing_ok=True)
        write_run(run, self.folder / "ranking.run")


def finished_in(folder: Path, recipe: Mapping[str, Any]) -> frozenset[str]:
    """The topics that a store of this recipe has finished, read without touching it; none where there is none."""
    try:
        if json.loads((folder / "manifest.json").read_text(encoding="utf-8")) != dict(recipe):
            return frozenset()
        lines = (folder / "topics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        return frozenset(json.loads(line)["topic"] for line in lines if line.endswith("\n"))
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def restricted(run: Run, benchmark: Benchmark, name: str) -> Run:
    """A run from a file, cut to each topic's candidates. Raises BadInput for a topic that it lacks."""
    missing = [id for id in benchmark.topics if not run.topics.get(id)]
    if missing:
        raise BadInput(
            f"--run {name}: lacks {len(missing)} of the {len(benchmark.topics)} judged topics "
            f"({', '.join(missing[:5])}); expected a ranking for each"
        )
    extra = sorted(run.topics.keys() - benchmark.topics.keys())
    if extra:
        logger.warning("--run %s: %d topics have no judgments and are left out (%s)", name, len(extra), extra[0])
    topics, outside = {}, 0
    for id in benchmark.topics:
        allowed = set(benchmark.candidates(id))
        topics[id] = in_order([hit for hit in run.topics[id] if hit.id in allowed])
        outside += len(run.topics[id]) - len(topics[id])
    if outside:
        logger.warning("--run %s: %d ranked documents are outside the pools and are left out", name, outside)
    return Run(topics, name)


def first_stage_candidates(
    benchmark: Benchmark, first: Ranker, given: frozenset[str], topics: Mapping[str, Topic], depth: int
) -> Candidates:
    """Candidates from the top of a first stage, asked topic by topic."""

    def candidates(id: str) -> Sequence[str]:
        hits = first.rank(shown(topics[id], given), benchmark.candidates(id)).hits
        return [hit.id for hit in in_order(list(hits))[:depth]]

    return candidates
