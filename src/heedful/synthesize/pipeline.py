"""A collection and two chat models to a set of triplets: streamed, resumed, within a budget."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heedful.errors import BudgetSpent, Upstream
from heedful.seams import Mapper
from heedful.synthesize.assembling import Assembly, Funnel, assemble
from heedful.synthesize.drafts import Outcome
from heedful.synthesize.ledger import Ledger
from heedful.synthesize.sources import Item, Overlaps, Screened, items, screen
from heedful.synthesize.stages import Maker

log = logging.getLogger("heedful.synthesize")
GIVE_UP = 8  # items without an answer, one after the other
REPORT = "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be made. recipe: everything that decides the outcomes, JSON-ready; see `recipe_of`."""

    source: Path
    out: Path
    maker: Maker
    recipe: Mapping[str, Any]
    assembly: Assembly = field(default_factory=Assembly)
    limit: int | None = None
    skip_bad: bool = False
    overlaps: Overlaps | None = None

    def items(self) -> Iterator[tuple[Item | None, str]]:
        """What the source holds, as `sources.items`."""
        return items(self.source, limit=self.limit, skip_bad=self.skip_bad, overlaps=self.overlaps)

    def screened(self) -> Screened:
        """How much that is."""
        return screen(self.source, limit=self.limit, skip_bad=self.skip_bad, overlaps=self.overlaps)

    def ledger(self) -> Ledger:
        """The ledger of its output folder."""
        return Ledger(self.out / "work" / "ledger.sqlite", self.recipe)


@dataclass(slots=True)
class Progress:
    """How far a run is. total: usable passages; done: with an outcome; found: done before this run; made: not dropped;
    unanswered: without an answer this time. started: by the monotonic clock.
    """

    total: int
    done: int = 0
    found: int = 0
    made: int = 0
    unanswered: int = 0
    reason: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float:
        """Passages a second, of this run."""
        return (self.done - self.found) / max(1e-9, time.monotonic() - self.started)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at this rate; None where nothing can be said yet."""
        return (self.total - self.done - self.unanswered) / self.rate if self.done > self.found else None


Track = Callable[[Progress], None]


def recipe_of(maker: Maker, assembly: Assembly, **more: Any) -> dict[str, Any]:
    """What decides the outcomes: models, prompts, options, the index; never a key, a price or a number of workers."""
    return {
        "generator": maker.generator.name,
        "validator": maker.validator.name,
        "prompts": maker.prompts.hashes(),
        "candidates": maker.candidates,
        "max_words": maker.max_words,
        "partial": maker.partial,
        "confidence": maker.confidence,
        "dev": assembly.dev,
        **more,
    }


def synthesize(job: Job, mapper: Mapper, track: Track | None = None) -> dict[str, Any]:
    """Make what is not made yet, then write all rows and `report.json`; returns the report, JSON-ready.

    The source is read once before anything is asked, so that a bad line is found before anything is paid. A run
    that was killed goes on from its ledger. The rows are the same whatever the mapper and however often a run was cut
    off. `report["stopped"]` says why a budget ended it early. Raises Upstream after eight passages in a row without an
    answer, and what the models raise.
    """
    screened = job.screened()
    ledger = job.ledger()
    try:
        progress = Progress(screened.used)
        stopped = _make(job, ledger, mapper, progress, track)
        funnel = Funnel()
        funnel.step("source", "", screened.used)
        for reason, count in screened.dropped.items():
            funnel.step("source", reason, count)
        counts = assemble(ledger, job.out, job.assembly, funnel)
    finally:
        ledger.close()
    report = _report(job, screened, progress, funnel, counts, stopped)
    write_json(job.out / REPORT, report)
    return report


class UntilSpent:
    """A maker that begins nothing more once the budget has ended; what is under way by then may still end well.

    It can be sent to other processes, and ends in each for itself.
    """

    def __init__(self, maker: Maker):
        self._maker, self._ended = maker, ""

    def __call__(self, item: Item) -> Outcome:
        """The outcome; `stopped` where the budget has ended. Raises what else the maker raises."""
        if not self._ended:
            try:
                return self._maker(item)
            except BudgetSpent as spent:
                self._ended = str(spent)
        return Outcome(item, stopped=self._ended)


def _make(job: Job, ledger: Ledger, mapper: Mapper, progress: Progress, track: Track | None) -> str:
    """Outcomes of all items that have none, in order, into the ledger; why it ended early, or an empty text."""
    ledger.begin()
    stopped = ""

    def missing() -> Iterator[Item]:
        for item, _ in job.items():
            if item is None:
                continue
            if ledger.place(item.key, item.position):
                progress.found += 1
                progress.done += 1
            elif not stopped:
                yield item

    in_a_row = 0
    outcome: Outcome
    for outcome in mapper.map(UntilSpent(job.maker), missing()):
        if outcome.stopped:
            stopped = stopped or outcome.stopped
            continue
        if outcome.unanswered:
            in_a_row += 1
            progress.unanswered += 1
            progress.reason = progress.reason or outcome.unanswered
            if in_a_row >= GIVE_UP:
                raise Upstream(
                    f"{in_a_row} passages in a row got no answer ({outcome.unanswered}); {progress.done} of "
                    f"{progress.total} are kept, the same command goes on from there"
                )
        else:
            in_a_row = 0
            ledger.add(outcome)
            progress.done += 1
            progress.made += outcome.draft is not None
        if track is not None:
            track(progress)
    if stopped:
        log.warning("%s", stopped)
    return stopped


def _report(
    job: Job, screened: Screened, progress: Progress, funnel: Funnel, counts: Mapping[str, int], stopped: str
) -> dict[str, Any]:
    rows = sum(counts.values())
    costs = [use.cost for use in funnel.uses.values()]
    cost = None if any(c is None for c in costs) else sum(c for c in costs if c is not None)
    order = list(job.maker.prompts.prompts)
    return {
        "source": str(job.source),
        "complete": not stopped and not progress.unanswered,
        "stopped": stopped,
        "passages": {
            "read": screened.read,
            "used": screened.used,
            "done": progress.done,
            "unanswered": progress.unanswered,
            "reason": progress.reason,
        },
        "rows": dict(counts),
        "groups": funnel.groups,
        "stages": funnel.stages(),
        "costs": [
            {
                "prompt": name,
                "model": (job.maker.validator if name == "judge" else job.maker.generator).name,
                **asdict(funnel.uses[name]),
            }
            for name in sorted(funnel.uses, key=order.index)
        ],
        "negatives": dict(sorted(funnel.origins.items())),
        "cost": cost,
        "cost_per_row": cost / rows if cost is not None and rows else None,
        "recipe": dict(job.recipe),
    }


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole or as it was."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(temporary, path)
