"""An audit: one pass over all rows, probes on a sample of whole groups."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heedful.errors import BadInput
from heedful.seams import DocumentEncoder
from heedful.synthesize.audit.counting import Counts
from heedful.synthesize.audit.probes import Probe, digest, group_of, probe_rows, shortcut_max, solved
from heedful.synthesize.overlap import TestSets
from heedful.synthesize.rows import Triplet

SAMPLE = 1_000
SHOWN = 30  # rows to read
BOUND = 0.60  # above it a probe has found a shortcut
_log = logging.getLogger("heedful.synthesize")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    counts: as `Counts.as_dict`. solved: part -> share of rows it solves. making: the maker's own report. sample: rows
    to read.
    """

    source: str
    counts: Mapping[str, Any]
    probes: tuple[Probe, ...]
    solved: Mapping[str, float]
    sampled: int
    making: Mapping[str, Any]
    sample: tuple[Triplet, ...]

    @property
    def shortcut_max(self) -> float | None:
        """The worst of the probes that count."""
        return shortcut_max(self.probes)

    @property
    def findings(self) -> list[str]:
        """What someone should know before training on it, a sentence each; empty where nothing was found."""
        counts, found = self.counts, []
        for probe in self.probes:
            if probe.counts and probe.shortcut > BOUND:
                way = "right" if probe.accuracy > 0.5 else "wrong"
                share = 100 * probe.shortcut
                found.append(f"{probe.name} is {way} about {probe.kind} negatives in {share:.0f} % of the pairs")
        leaks = counts["leakage"]
        if leaks is None:
            found.append("no test folder was given: leakage was not looked for")
        elif leaks["found"]:
            found.append(f"{sum(leaks['found'].values())} texts overlap a test set: {', '.join(leaks['examples'])}")
        found += [f"{count} {what}" for what, count in counts["duplicates"].items() if "text of another id" not in what]
        if counts["passages_in_both_splits"]:
            found.append(f"{counts['passages_in_both_splits']} passages stand in both splits")
        if counts["rows_without_negatives"]:
            found.append(f"{counts['rows_without_negatives']} rows have no negative")
        if "unstated" in counts["licences"]:
            found.append(f"{counts['licences']['unstated']} rows do not state a licence")
        return found

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "source": self.source,
            "shortcut_max": self.shortcut_max,
            "bound": BOUND,
            "sampled_rows": self.sampled,
            "probes": [probe.as_dict() for probe in self.probes],
            "solved_rows": dict(self.solved),
            **self.counts,
            "stages": self.making.get("stages", []),
            "costs": self.making.get("costs", []),
            "findings": self.findings,
        }


def audit(
    source: Path,
    rows: Callable[[], Iterable[Triplet]],
    *,
    encoder: DocumentEncoder | None = None,
    tests: TestSets | None = None,
    sample: int = SAMPLE,
    track: Callable[[Iterable[Triplet]], Iterator[Triplet]] = iter,
) -> Audit:
    """Audit a set.

    rows: gives all of them, each time it is called. sample: about so many rows are probed, whole groups. encoder: for
    the probes of similarity; without one only lengths and words are probed. Raises BadInput for a set without rows
    and a sample below 1.
    """
    if sample < 1:
        raise BadInput(f"a sample of {sample} rows; ask for at least 1")
    counts = Counts(tests)
    for row in track(rows()):
        counts.add(row)
    if not counts.rows:
        raise BadInput(f"{source}: found no rows; expected at least one triplet")
    share = min(1.0, sample / counts.rows)
    chosen = [row for row in rows() if digest(group_of(row)) < share * 2**64]
    chosen = chosen or [next(iter(rows()))]
    _log.info("probing %d of %d rows", len(chosen), counts.rows)
    probes = probe_rows(chosen, encoder)
    return Audit(
        str(source),
        counts.as_dict(),
        tuple(probes),
        solved(chosen, encoder) if encoder else {},
        len(chosen),
        _making(source),
        tuple(sorted(chosen, key=lambda row: digest(row.id))[:SHOWN]),
    )


def _making(source: Path) -> Mapping[str, Any]:
    """What the maker of the set reported: acceptance by stage and reason, costs."""
    path = source / "report.json"
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: found a report that cannot be read ({error}); expected JSON, or no file") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path}: found no JSON object; expected one, or no file")
    return value
