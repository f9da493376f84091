"""What a benchmark run would ask of chat models, and its price, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from heedful.benchmarks import Benchmark
from heedful.chat import Purse
from heedful.errors import BadInput
from heedful.systems.protocol import shown
from heedful.systems.ranking import Track, Work, finished_in


def estimate(
    benchmark: Benchmark, jobs: Iterable[Work], *, out: Path | None = None, track: Track | None = None
) -> dict[str, Any]:
    """Calls, tokens and dollars of every chat system, JSON-ready; nothing is sent and nothing is written to `out`.

    The expected figures suppose a model that never errs, which the sorts ask most, and whose order correlates with
    the first stage's by 0.4 (`sorting.Supposed`), four bytes a token and answers as long as allowed. No run asks more
    than `calls_at_most`, or pays more than `cost_at_most`, in which a token is one byte of the longest prompt (failed
    attempts that a server bills all the same are not known). Topics that `out` has finished and answers that are kept
    cost nothing.
    """
    rows: dict[str, dict[str, Any]] = {}
    seen = False
    with Purse(dry=True) as purse:
        for job in jobs:
            seen = True
            if getattr(getattr(job.system, "needs", None), "extra", "") == "llm":
                rows[job.label] = _row(benchmark, job, purse, out, track)
    if not seen:
        raise BadInput("found no system whose calls could be counted; expected --system NAME")
    total = {name: _sum(row[name] for row in rows.values()) for name in _FIGURES}
    return {"benchmark": benchmark.name, "dry_run": True, "systems": rows, "total": total}


_FIGURES = ("calls", "calls_at_most", "cached", "prompt_tokens", "completion_tokens", "cost", "cost_at_most")


def _row(benchmark: Benchmark, job: Work, purse: Purse, out: Path | None, track: Track | None) -> dict[str, Any]:
    done = finished_in(out / job.folder, job.recipe) if out else frozenset()
    left = [id for id in job.topics if id not in done]
    pool = job.candidates or benchmark.candidates
    clients, before = len(purse.spendings), _counted(purse)
    for id in track(left, job.label, len(left)) if track else left:
        job.ranker.rank(shown(job.topics[id], job.system.given), pool(id))
    after = _counted(purse)
    bounds = getattr(getattr(job.ranker, "ranker", None), "bounds", {})
    at_most = [bounds.get(shown(job.topics[id], job.system.given).id, (0, 0.0)) for id in left]
    known = all(spending.price is not None for _, spending in purse.spendings[clients:] or purse.spendings)
    return {
        "topics": len(left),
        "finished": len(done),
        "calls": after[0] - before[0],
        "calls_at_most": sum(prompts for prompts, _ in at_most),
        "cached": after[1] - before[1],
        "prompt_tokens": after[2] - before[2],
        "completion_tokens": after[3] - before[3],
        "cost": after[4] - before[4] if known else None,
        "cost_at_most": sum(dollars for _, dollars in at_most) if known else None,
    }


def _counted(purse: Purse) -> tuple[int, int, int, int, float]:
    accounts = [spending for _, spending in purse.spendings]
    return (
        sum(a.calls for a in accounts),
        sum(a.cached for a in accounts),
        sum(a.prompt_tokens for a in accounts),
        sum(a.completion_tokens for a in accounts),
        purse.cost,
    )


def _sum(values: Any) -> Any:
    values = list(values)
    return None if any(value is None for value in values) else sum(values)
