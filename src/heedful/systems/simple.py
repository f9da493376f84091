"""Systems that need no model: chance, the judgments themselves, a run from a file."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from heedful.errors import BadInput, BadSystem
from heedful.evaluate.trec import read_run
from heedful.records import Hit, Qrels, Run, Topic, ranked
from heedful.systems.protocol import GRADES, ID, Collection, Needs, Ranking


@dataclass(frozen=True, slots=True)
class Random:
    """Chance: a ranking of its own for every topic. seed: another one gives other rankings."""

    seed: int = 0
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs()

    def open(self, collection: Collection) -> Random:
        """Nothing to load."""
        return self

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """A random order that the seed and the topic's id decide."""
        draw = random.Random(f"{self.seed}:{topic.id}")
        return Ranking(ranked({id: draw.random() for id in candidates}), None)


@dataclass(frozen=True, slots=True)
class Oracle:
    """The judgments themselves: the best that can be reached. Ties by id, descending."""

    given: ClassVar[frozenset[str]] = frozenset({ID, GRADES})
    needs: ClassVar[Needs] = Needs()

    def open(self, collection: Collection) -> _Judged:
        """Read the judgments."""
        return _Judged(collection.qrels)


@dataclass(frozen=True, slots=True)
class _Judged:
    qrels: Qrels

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        grades: Mapping[str, int] = self.qrels.topics[topic.id]
        return Ranking(ranked({id: float(grades.get(id, 0)) for id in candidates}), None)


@dataclass(frozen=True, slots=True)
class FromRun:
    """A ranking from a TREC run file, or a folder of them. path: where it is."""

    path: str = ""
    given: ClassVar[frozenset[str]] = frozenset({ID})
    needs: ClassVar[Needs] = Needs(size="a run file")

    def open(self, collection: Collection) -> _Recorded:
        """Read the file. Raises BadRun with file:line."""
        if not self.path:
            raise BadSystem("run: found no path; expected run(path=FILE)")
        return _Recorded(read_run(Path(self.path)), self.path)


@dataclass(frozen=True, slots=True)
class _Recorded:
    run: Run
    path: str

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        if topic.id not in self.run.topics:
            raise BadInput(f"{self.path}: lacks the topic {topic.id!r}; expected a ranking for every judged topic")
        wanted = set(candidates)
        hits: list[Hit] = [hit for hit in self.run.topics[topic.id] if hit.id in wanted]
        return Ranking(hits, None)
