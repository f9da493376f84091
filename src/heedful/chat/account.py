"""One budget for clients in several processes: what was paid, what is held for calls in flight, and the cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

COUNTS = ("calls", "cached", "retries", "failed", "cost")


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands after a request to hold some money. held: for calls in flight, at their worst."""

    granted: bool
    spent: float
    held: float
    calls: int


class Account(Protocol):
    """What clients in several processes may spend together. budget: US dollars, None for no cap."""

    budget: float | None

    def take(self, amount: float) -> Standing:
        """Hold so many dollars for a call, if everything spent and held leaves as much."""
        ...

    def settle(self, amount: float, done: Mapping[str, float], *, wait: bool = False) -> None:
        """Hold so much less; add to what was done. done: some of COUNTS. wait: until it is entered."""
        ...

    def tally(self) -> dict[str, float]:
        """What all of them have done, by COUNTS."""
        ...


class LocalAccount:
    """The account itself, for one caller at a time.

    What a process held when it died stays held: its calls may have been paid for, so the cap holds without it.
    """

    def __init__(self, budget: float | None = None):
        self.budget, self.held = budget, 0.0
        self._done: dict[str, float] = dict.fromkeys(COUNTS, 0) | {"cost": 0.0}

    def take(self, amount: float) -> Standing:
        """As the seam says."""
        spent = self._done["cost"]
        granted = self.budget is None or spent + self.held + amount <= self.budget
        self.held += amount if granted else 0.0
        return Standing(granted, spent, self.held, int(self._done["calls"]))

    def settle(self, amount: float, done: Mapping[str, float], *, wait: bool = False) -> None:
        """As the seam says."""
        left = self.held - amount
        self.held = left if left > 1e-12 else 0.0  # nothing, but for rounding
        for name, more in done.items():
            self._done[name] += more

    def tally(self) -> dict[str, float]:
        """As the seam says."""
        return dict(self._done)
