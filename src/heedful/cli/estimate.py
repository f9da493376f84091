"""What a dry run prints."""

from __future__ import annotations

from typing import Any

from heedful.cli.output import Format, print_json, wide_console


def print_estimate(found: dict[str, Any], budget: float | None, format: Format, first: str = "system") -> None:
    """Calls, tokens and dollars of every system (or what `first` says), and what a budget covers."""
    if format is Format.json:
        print_json(found if budget is None else found | {"budget": budget})
        return
    from heedful.cli.tables import rows_table

    if not found["systems"]:
        wide_console().print("dry run: nothing was sent, and no system here asks a chat model")
        return
    total = found["total"]
    topics = any("topics" in row for row in found["systems"].values())
    rows = {name: _cells(row, topics) for name, row in (found["systems"] | {"total": total}).items()}
    console = wide_console()
    rows_table(console, "dry run: nothing was sent", rows, first)
    if budget is not None and total["cost"] is not None:
        covered = [name for name in ("cost", "cost_at_most") if total[name] <= budget]
        verdict = {0: "does not cover the expected cost", 1: "covers the expected cost", 2: "covers the worst case"}
        console.print(f"a budget of ${budget:.4f} {verdict[len(covered)]}")


def _cells(row: dict[str, Any], topics: bool) -> dict[str, str]:
    def dollars(value: float | None) -> str:
        return "unknown" if value is None else f"${value:.4f}"

    return {
        **({"topics": f"{row['topics']}" if "topics" in row else ""} if topics else {}),
        "calls": f"{row['calls']:,}",
        "at most": f"{row['calls_at_most']:,}",
        "tokens in": f"{row['prompt_tokens']:,}",
        "out": f"{row['completion_tokens']:,}",
        "cost": dollars(row["cost"]),
        "at most ": dollars(row["cost_at_most"]),
    }
