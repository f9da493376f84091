"""What the answers say about the voter: position bias, agreement with itself, intransitive triples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from heedful.rerank.sorting.protocol import Answered


@dataclass(frozen=True, slots=True)
class Consistency:
    """How far a voter can be believed.

    prompts: asked. missing: those without an answer. ties: answers of exactly 0.5. first_rate: share of the decided
    votes for the document shown first, 0.5 without position bias (exact where both orders were asked, else in
    expectation over the drawn order). pairs_both_orders: pairs decided in both orders; agreement: the share of them
    where both orders prefer the same document. triples: sets of three documents of which all three pairs are
    decided; intransitive: the share of them that go round in a circle. A value that nothing speaks for is None.
    """

    prompts: int
    missing: int
    ties: int
    first_rate: float | None
    pairs_both_orders: int
    agreement: float | None
    triples: int
    intransitive: float | None


def consistency(answers: Iterable[Answered]) -> Consistency:
    """Read the answers of one topic's sort. Repeated prompts count once, by their last answer."""
    answers = list(answers)
    last = {(a.first, a.second): a.vote for a in answers}
    votes = [vote for vote in last.values() if vote is not None and vote != 0.5]
    both = [(vote, last[b, a]) for (a, b), vote in last.items() if a < b and (b, a) in last]
    decided = [(x, y) for x, y in both if x is not None and y is not None and x != 0.5 and y != 0.5]
    agreeing = sum((x > 0.5) != (y > 0.5) for x, y in decided)
    triples, circles = _triples(last)
    return Consistency(
        prompts=len(answers),
        missing=sum(a.vote is None for a in answers),
        ties=sum(a.vote == 0.5 for a in answers),
        first_rate=sum(v > 0.5 for v in votes) / len(votes) if votes else None,
        pairs_both_orders=len(decided),
        agreement=agreeing / len(decided) if decided else None,
        triples=triples,
        intransitive=circles / triples if triples else None,
    )


def pooled(parts: Iterable[Consistency]) -> Consistency:
    """Several topics as one: counts add up, shares are weighted by what they were shares of."""
    parts = list(parts)

    def share(name: str, weight: str) -> float | None:
        known = [(getattr(p, name), getattr(p, weight)) for p in parts if getattr(p, name) is not None]
        total = sum(w for _, w in known)
        return sum(x * w for x, w in known) / total if total else None

    return Consistency(
        prompts=sum(p.prompts for p in parts),
        missing=sum(p.missing for p in parts),
        ties=sum(p.ties for p in parts),
        first_rate=share("first_rate", "prompts"),
        pairs_both_orders=sum(p.pairs_both_orders for p in parts),
        agreement=share("agreement", "pairs_both_orders"),
        triples=sum(p.triples for p in parts),
        intransitive=share("intransitive", "triples"),
    )


def _triples(last: dict[tuple[int, int], float | None]) -> tuple[int, int]:
    """Decided triples and how many are circles. A pair's verdict is the mean of its votes; 0.5 decides nothing."""
    votes: dict[tuple[int, int], list[float]] = defaultdict(list)
    for (a, b), vote in last.items():
        if vote is not None:
            votes[min(a, b), max(a, b)].append(vote if a < b else 1 - vote)
    n = 1 + max((b for _, b in votes), default=-1)
    beats = np.zeros((n, n))
    for (a, b), values in votes.items():
        mean = sum(values) / len(values)
        if mean != 0.5:
            beats[(a, b) if mean > 0.5 else (b, a)] = 1.0
    met = beats + beats.T
    all_three = round(float(np.einsum("ij,ji->", met @ met, met))) // 6
    circles = round(float(np.einsum("ij,ji->", beats @ beats, beats))) // 3
    return all_three, circles
