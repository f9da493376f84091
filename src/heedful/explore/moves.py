"""How the ranking moved because of what was asked, and whether that was following."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heedful.records import Hit

Verdict = Literal["followed", "moved, not followed", "ignored", "not delivered"]

FOLLOWED_FROM = 0.25  # candidate standard deviations of the plan part
TOP = 10


@dataclass(frozen=True, slots=True)
class Heed:
    """Whether a ranking answered its instruction.

    rbo: rank-biased overlap with the uninstructed ranking, in [0, 1], 1 = the same. turnover: share of the top ten
    that is new, in [0, 1]. gain: mean plan part of the top ten minus that of the uninstructed top ten, in candidate
    standard deviations. Motion alone proves nothing: only gain makes it `followed`.
    """

    rbo: float
    turnover: float
    gain: float
    verdict: Verdict

    def to_dict(self) -> dict[str, float | str]:
        """The JSON form."""
        return {
            "rbo": round(self.rbo, 4),
            "turnover@10": round(self.turnover, 4),
            "gain": round(self.gain, 4),
            "verdict": self.verdict,
        }


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = 0.9) -> float:
    """Extrapolated rank-biased overlap of two rankings cut to the same depth, in [0, 1].

    p: persistence in (0, 1); 0.9 puts 86 % of the weight on the top ten. Source: Webber, Moffat, Zobel 2010, "A
    similarity measure for indefinite rankings", equation 32 (equal lengths).
    """
    depth = min(len(first), len(second))
    if depth == 0:
        return 1.0
    seen_first: set[str] = set()
    seen_second: set[str] = set()
    overlap, total = 0, 0.0
    for rank, (a, b) in enumerate(zip(first[:depth], second[:depth], strict=True), start=1):
        if a == b:
            overlap += 1
        else:
            overlap += (a in seen_second) + (b in seen_first)
        seen_first.add(a)
        seen_second.add(b)
        total += p**rank * overlap / rank
    return overlap / depth * p**depth + (1 - p) / p * total


def moved(instructed: Sequence[Hit], uninstructed: Sequence[Hit]) -> dict[str, int | None]:
    """Places that each document of the instructed ranking gained: above 0 it rose; None where it was not ranked."""
    before = {hit.id: rank for rank, hit in enumerate(uninstructed, start=1)}
    return {hit.id: before[hit.id] - rank if hit.id in before else None for rank, hit in enumerate(instructed, start=1)}


def judge(
    instructed: Sequence[Hit],
    uninstructed: Sequence[Hit],
    plan_part: Mapping[str, float],
    *,
    delivered: bool,
    understood: bool = True,
) -> Heed:
    """The verdict on one ranking.

    plan_part: document id -> what the plan adds to its score, for all candidates of both rankings. delivered: whether
    the instruction gave a plan that differs from that of no instruction. understood: whether it gave more than words
    that fitted nothing; nobody can say that those were followed.
    """
    new, old = [hit.id for hit in instructed], [hit.id for hit in uninstructed]
    overlap = rank_biased_overlap(new, old)
    kept = set(new[:TOP]) & set(old[:TOP])
    turnover = 1 - len(kept) / len(new[:TOP]) if new else 0.0
    values = np.array(list(plan_part.values()))
    spread = float(values.std()) if len(values) else 0.0
    gain = 0.0
    if spread > 1e-9 and new and old:
        gain = float(np.mean([plan_part[id] for id in new[:TOP]]) - np.mean([plan_part[id] for id in old[:TOP]]))
        gain /= spread
    return Heed(overlap, turnover, gain, _verdict(new, old, gain, delivered, understood))


def _verdict(new: Sequence[str], old: Sequence[str], gain: float, delivered: bool, understood: bool) -> Verdict:
    if not delivered:
        return "not delivered"
    if new[:TOP] == old[:TOP]:
        return "ignored"
    return "followed" if understood and gain >= FOLLOWED_FROM else "moved, not followed"
