"""How a sort asks and is answered: a sort is a generator of prompts, so it knows no model, no thread and no clock."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
"""One prompt: (position shown first, position shown second), positions in the first-stage order."""

Vote: TypeAlias = float | None
"""How surely the first shown is the better one, in [0, 1]; 0.5 is a tie; None: no answer came, so no vote."""

Sort: TypeAlias = Generator[Sequence[Pair], Sequence[Vote], list[int]]
"""Yields prompts that may all be in flight at once, is sent one vote a prompt, returns every position, best first."""

Sorter: TypeAlias = Callable[[int, int], Sort]
"""(n candidates in first-stage order, k wanted) -> a sort that has not begun."""

Ask: TypeAlias = Callable[[Sequence[Pair]], Sequence[Vote]]
"""Who answers: one vote a prompt, in order."""


class Stop(Exception):
    """Thrown into a sort when nothing more can be asked; it returns the best order so far."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One prompt with its vote."""

    first: int
    second: int
    vote: Vote


@dataclass(frozen=True, slots=True)
class Sorted:
    """What a sort gave, and its price.

    order: every position once, best first. prompts: how many were asked. rounds: sequential waits, where at most
    `concurrency` prompts are in flight. complete: False where it was stopped before it was done.
    """

    order: tuple[int, ...]
    prompts: int
    rounds: int
    complete: bool
    answers: tuple[Answered, ...]


class Progress:
    """One sort under way; lets many sorts be driven side by side, or one be stopped and read at any time."""

    def __init__(self, sort: Sort, concurrency: int = 64):
        self._sort, self._concurrency = sort, concurrency
        self.answers: list[Answered] = []
        self.rounds = 0
        self.complete = False
        self.order: list[int] | None = None
        self.pending: Sequence[Pair] = ()
        self._advance(lambda: next(sort))

    def _advance(self, step: Callable[[], Sequence[Pair]]) -> None:
        try:
            self.pending = step()
        except StopIteration as done:
            self.order, self.pending, self.complete = done.value, (), True

    def tell(self, votes: Sequence[Vote]) -> None:
        """The votes on `pending`, in order; `pending` then holds the next prompts, or `order` is there."""
        if len(votes) != len(self.pending):
            raise ValueError(f"{len(votes)} votes for {len(self.pending)} prompts")
        pending = self.pending
        self.answers += [Answered(a, b, vote) for (a, b), vote in zip(pending, votes, strict=True)]
        self.rounds += ceil(len(pending) / self._concurrency)
        self._advance(lambda: self._sort.send(votes))

    def stop(self) -> None:
        """End it now; `order` is the best so far."""
        if self.order is None:
            self._advance(lambda: self._sort.throw(Stop()))
            self.complete = False
        if self.order is None:
            raise RuntimeError("a sort must return its best order when it is stopped")

    def result(self) -> Sorted:
        """What it gave; stops it first where it is not done."""
        self.stop()
        assert self.order is not None
        return Sorted(tuple(self.order), len(self.answers), self.rounds, self.complete, tuple(self.answers))


def run_sort(sort: Sort, ask: Ask, *, concurrency: int = 64, budget: int | None = None) -> Sorted:
    """Drive one sort to its end, or to `budget` prompts.

    A batch that the budget does not cover is asked as far as it goes, the rest gets no vote, and the sort is then
    stopped with the best order so far.
    """
    progress = Progress(sort, concurrency)
    while progress.order is None:
        left = len(progress.pending) if budget is None else budget - len(progress.answers)
        if left < len(progress.pending):
            if left > 0:
                asked = progress.pending[:left]
                votes = list(ask(asked))
                total = len(progress.answers) + left
                progress.tell([*votes, *[None] * (len(progress.pending) - left)])
                del progress.answers[total:]
            progress.stop()
            progress.complete = False
            break
        progress.tell(ask(progress.pending))
    return progress.result()


def both_orders(pairs: Sequence[Pair]) -> list[Pair]:
    """Each pair shown as it is and swapped: [(a, b), (b, a), ...]."""
    return [shown for a, b in pairs for shown in ((a, b), (b, a))]


def compare(pairs: Sequence[Pair]) -> Generator[Sequence[Pair], Sequence[Vote], list[float]]:
    """Both orders of each pair, as in PRP: 1 where both prefer its first, 0 where both prefer its second, else 0.5.

    A conflict, a tie and a missing answer are all 0.5. Source: Qin et al. 2023, arXiv:2306.17563.
    """
    votes = yield both_orders(pairs)
    return [verdict(votes[2 * i], votes[2 * i + 1]) for i in range(len(pairs))]


def verdict(shown_first: Vote, shown_second: Vote) -> float:
    """One comparison out of its two orders: 1, 0.5 or 0. shown_second is the vote of the swapped prompt."""
    if shown_first is None or shown_second is None:
        return 0.5
    if shown_first > 0.5 > shown_second:
        return 1.0
    if shown_first < 0.5 < shown_second:
        return 0.0
    return 0.5


def with_rest(top: Sequence[int], n: int) -> list[int]:
    """The top in its order, then everything else in first-stage order."""
    seen = set(top)
    return [*top, *(i for i in range(n) if i not in seen)]
