"""How much the rules made of a collection, and why not more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Filled while rows are drawn. A reason counts what was left out at its stage."""

    documents: int = 0
    excluded: int = 0
    seeds: int = 0
    unfit: int = 0
    barren: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    worn: int = 0

    def stages(self) -> list[dict[str, Any]]:
        """Reached, passed and reasons a stage, JSON-ready, as reports have them."""
        found = self.groups.total() + self.worn
        return [
            _stage("documents", self.documents, {"overlaps a test set, or excluded": self.excluded}),
            _stage("seeds", self.seeds, {"too short, too long": self.unfit, "nothing found": self.barren}),
            _stage("groups", found, {"a passage was shown often enough": self.worn}),
        ]


def _stage(name: str, reached: int, reasons: dict[str, int]) -> dict[str, Any]:
    return {
        "stage": name,
        "reached": reached,
        "passed": reached - sum(reasons.values()),
        "reasons": {reason: count for reason, count in reasons.items() if count},
    }
