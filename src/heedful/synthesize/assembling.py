"""Outcomes to rows: what the verdicts bear out, without repeats, balanced, split by passage, written."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from heedful.errors import BadInput
from heedful.synthesize.asking import Use
from heedful.synthesize.drafts import ORIGINAL, POLARITY, QUERY, SIDES, Altered, Draft, Outcome
from heedful.synthesize.judging import stands
from heedful.synthesize.ledger import Ledger
from heedful.synthesize.near_duplicates import NearDuplicates
from heedful.synthesize.parquet import TripletWriter
from heedful.synthesize.rows import Negative, Passage, Provenance, Triplet, Verdict, with_split
from heedful.synthesize.sources import Overlaps

Views = Literal["none", "polarity", "all"]
SHARD_ROWS = 2_000  # held in memory before they are written
STAGES = (
    "source",
    "write",
    *SIDES,
    *(f"{side} negative" for side in SIDES),
    "judged positive",
    *(f"judged {side}" for side in SIDES),
    "overlap",
    "near-duplicate",
    "split",
    "balance",
)


@dataclass(frozen=True, slots=True)
class Assembly:
    """How outcomes become rows; none of it costs a call, so it may differ from one run to the next.

    views: which altered sides are written as rows of their own, the positive among their negatives. balance: no kind
    of instruction has more than so many times the median kind's passages; 0 leaves them as they are. likeness: above
    it a query with its instruction repeats an earlier one. dev: the dev split's share. models: generator, validator.
    """

    views: Views = "polarity"
    balance: float = 2.0
    likeness: float = 0.8
    dev: float = 0.05
    licence: str = ""
    models: tuple[str, str] = ("", "")
    templates: tuple[str, ...] = ()
    confidence: float = 0.6
    overlaps: Overlaps | None = None

    def __post_init__(self) -> None:
        if self.views not in get_args(Views):
            raise BadInput(f"--views: found {self.views!r}; expected one of {', '.join(get_args(Views))}")
        if self.balance and self.balance < 1:
            raise BadInput(f"--balance: found {self.balance}; expected 0 (off), or 1 or more")
        if not 0 < self.likeness <= 1:
            raise BadInput(f"--likeness: found {self.likeness}; expected a number above 0, at most 1")


@dataclass(slots=True)
class Funnel:
    """How many reached each stage, passed it, and why not. uses: prompt -> what it asked."""

    reached: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    origins: Counter[str] = field(default_factory=Counter)
    groups: int = 0

    def step(self, stage: str, reason: str, count: int = 1) -> None:
        """One more at a stage; an empty reason: passed."""
        self.reached[stage] += count
        if reason:
            self.reasons.setdefault(stage, Counter())[reason] += count

    def use(self, uses: Mapping[str, Use]) -> None:
        """What one more item asked."""
        for name, use in uses.items():
            self.uses.setdefault(name, Use()).add(use)

    def stages(self) -> list[dict[str, object]]:
        """JSON-ready, in the order of the stages: stage, reached, passed, reasons."""
        rows: list[dict[str, object]] = []
        for stage in STAGES:
            reasons = self.reasons.get(stage, Counter())
            if self.reached[stage]:
                passed = self.reached[stage] - sum(reasons.values())
                rows.append(
                    {
                        "stage": stage,
                        "reached": self.reached[stage],
                        "passed": passed,
                        "reasons": dict(sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))),
                    }
                )
        return rows


def assemble(ledger: Ledger, out: Path, how: Assembly, funnel: Funnel) -> Mapping[str, int]:
    """Write the rows of all outcomes of this run to `out`/data; rows a split. Memory holds some ten bytes an outcome.

    The set that was there is replaced whole, or stays.
    """
    kept = _choose(ledger, how, funnel)
    with TripletWriter(out, shard_rows=SHARD_ROWS) as writer:
        for at, (outcome, sides) in enumerate(_standing(ledger, how)):
            if not kept[at]:
                continue
            funnel.groups += 1
            for row in rows_of(outcome, sides, how):
                placed = with_split(row, how.dev)
                assert placed is not None  # else it had not been chosen
                funnel.origins.update(negative.origin for negative in placed.negatives)
                writer.add(placed)
    return dict(writer.counts)


def _standing(ledger: Ledger, how: Assembly) -> Iterator[tuple[Outcome, list[str]]]:
    """The outcomes that make rows, each with the sides that its verdicts bear out."""
    for outcome in ledger.outcomes():
        if outcome.draft is not None and (sides := stands(outcome.draft, how.confidence)):
            yield outcome, sides


def _choose(ledger: Ledger, how: Assembly, funnel: Funnel) -> bytearray:
    """For every standing outcome 1 where its rows are kept. Fills the funnel."""
    for outcome in ledger.outcomes():
        funnel.use(outcome.uses)
        for stage, reason in outcome.steps:
            funnel.step(stage, reason)
    kept, kinds, hashes = bytearray(), array("H"), array("Q")
    names: dict[str, int] = {}
    seen = NearDuplicates(how.likeness)
    for outcome, sides in _standing(ledger, how):
        draft = outcome.draft
        assert draft is not None
        keep = _passes(funnel, "overlap", _overlap(outcome, draft, sides, how.overlaps))
        keep = keep and _passes(
            funnel, "near-duplicate", "" if seen.add(f"{draft.query} {draft.instruction}") else "said before"
        )
        if keep:
            split = all(with_split(row, how.dev) for row in rows_of(outcome, sides, how))
            keep = _passes(funnel, "split", "" if split else "passages of both splits")
        kept.append(keep)
        kinds.append(names.setdefault(draft.manner.get("kinds", ""), len(names)))
        hashes.append(int.from_bytes(blake2b(outcome.item.key.encode(), digest_size=8).digest(), "little"))
    seen.close()
    _balance(kept, kinds, hashes, how.balance, funnel)
    return kept


def _passes(funnel: Funnel, stage: str, reason: str) -> bool:
    funnel.step(stage, reason)
    return not reason


def _balance(kept: bytearray, kinds: array[int], hashes: array[int], most: float, funnel: Funnel) -> None:
    """Of a kind with more than `most` times the median's, only those with the least hashes are kept."""
    there = np.frombuffer(kept, np.uint8) > 0
    if not there.any():
        return
    before, numbers = int(there.sum()), np.frombuffer(kinds, np.uint16)
    counts = np.bincount(numbers[there])
    cap = math.ceil(most * float(np.median(counts[counts > 0]))) if most else before
    for kind in np.flatnonzero(counts > cap):
        places = np.flatnonzero(there & (numbers == kind))
        surplus = places[np.argsort(np.frombuffer(hashes, np.uint64)[places], kind="stable")[cap:]]
        for at in surplus:
            kept[at] = 0
    after = sum(kept)
    funnel.step("balance", "", after)
    if after < before:
        funnel.step("balance", "a kind with many", before - after)


def _overlap(outcome: Outcome, draft: Draft, sides: list[str], overlaps: Callable[[Passage], bool] | None) -> str:
    """Whether anything that the rows show is of a test set: passages of the collection and texts that models wrote."""
    if overlaps is None:
        return ""
    shown = [outcome.item.passage, Passage("", draft.query), Passage("", draft.instruction)]
    for side in draft.altered:
        if side.side in sides and side.passage is not None:
            shown += [side.passage, Passage("", side.query if side.side == QUERY else side.instruction)]
    return "overlaps a test set" if any(overlaps(passage) for passage in shown) else ""


def rows_of(outcome: Outcome, sides: list[str], how: Assembly) -> Iterator[Triplet]:
    """The row of an outcome with these sides as negatives, then the views. The first bears the cost of all."""
    draft, item = outcome.draft, outcome.item
    assert draft is not None
    altered = [side for side in draft.altered if side.side in sides]
    sources = (item.passage.id, *(s.passage.id for s in altered if s.passage and s.origin == "corpus"))
    costs = [use.cost for use in outcome.uses.values()]
    provenance = Provenance(
        kind=draft.manner.get("kinds", ""),
        group=item.key,
        sources=sources,
        generator=how.models[0],
        validator=how.models[1],
        templates=how.templates,
        verdicts=tuple(_verdicts(outcome, draft, sides, how.models[1])),
        cost_usd=round(sum(cost for cost in costs if cost is not None), 9),
        licence=how.licence,
        details={"length": draft.manner.get("lengths", ""), "style": draft.manner.get("styles", ""), "view": ""},
    )
    negatives = tuple(_negative(side, side.passage, side) for side in altered if side.passage)
    yield Triplet(item.key, draft.instruction, draft.query, item.passage, negatives, provenance)
    original = Altered(ORIGINAL, draft.query, draft.instruction)
    for side in altered:
        if side.passage is None or how.views == "none" or (how.views == "polarity" and side.side != POLARITY):
            continue
        details = dict(provenance.details) | {"view": side.side, "positive_origin": side.origin}
        seen = replace(provenance, details=details, cost_usd=0.0)
        back = (_negative(side, item.passage, original),)
        yield Triplet(f"{item.key}-{side.side}", side.instruction, side.query, side.passage, back, seen)


def _negative(side: Altered, passage: Passage, satisfies: Altered) -> Negative:
    """A negative of a side's kind, with the altered text of the request that it satisfies."""
    query, instruction = (satisfies.query, "") if side.side == QUERY else ("", satisfies.instruction)
    origin = "corpus" if satisfies.side == ORIGINAL else satisfies.origin
    return Negative(passage, side.side, instruction, query, origin)


def _verdicts(outcome: Outcome, draft: Draft, sides: list[str], model: str) -> Iterator[Verdict]:
    ids = {side.side: side.passage.id for side in draft.altered if side.passage}
    for found in draft.judgments:
        if {found.shown, found.under} <= {*sides, "positive", ORIGINAL}:
            yield Verdict(
                ids.get(found.shown, outcome.item.passage.id),
                found.shown,
                found.satisfied,
                found.reason,
                found.confidence,
                ORIGINAL if found.under == ORIGINAL else "poisoned",
                model,
            )
