"""An audit as one HTML file: nothing loaded, nothing run, every text of the set as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from heedful.synthesize.audit.run import BOUND, Audit
from heedful.synthesize.rows import Triplet

_LONGEST = 2_000
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8885; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
article { border: 1px solid #8885; border-radius: .4rem; padding: .5rem 1rem; margin: 1rem 0; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; margin: .2rem 0 .6rem; }
.label { font-weight: 600; } .bad { color: #b3261e; } summary { cursor: pointer; }
@media (prefers-color-scheme: dark) { .bad { color: #ff8a80; } }
"""


def to_page(audit: Audit) -> str:
    """The page."""
    counts = audit.counts
    worst = audit.shortcut_max
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Audit of {_text(audit.source)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>Audit of {_text(audit.source)}</h1>",
        f"<p>{counts['rows']:,} rows, {counts['diversity']['passages']:,} passages; "
        + (f"the worst probe is at {worst:.3f} (at most {BOUND:.2f} is asked for)." if worst else "no probe counts.")
        + "</p>",
        "<h2>Findings</h2>",
        _list(audit.findings) if audit.findings else "<p>Nothing was found.</p>",
        f"<h2>Shortcut probes, on {audit.sampled:,} rows</h2>",
        _table(
            ("negative", "probe", "accuracy", "95 %", "pairs", ""),
            [
                (
                    probe.kind,
                    probe.name,
                    f"{probe.accuracy:.3f}",
                    f"{probe.low:.3f} to {probe.high:.3f}",
                    f"{probe.pairs:,}",
                    probe.why or ("above the bound" if probe.shortcut > BOUND else ""),
                )
                for probe in audit.probes
            ],
        ),
        "<h2>What it holds</h2>",
        *(
            _table((name, "rows"), [(key, f"{count:,}") for key, count in counts[key_of].items()])
            for name, key_of in (
                ("split", "splits"),
                ("kind", "kinds"),
                ("negative", "negatives"),
                ("licence", "licences"),
            )
        ),
        _stages(audit),
        f"<h2>{len(audit.sample)} rows to read</h2>",
        *(_row(row) for row in audit.sample),
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _row(row: Triplet) -> str:
    source = row.provenance
    about = ", ".join(
        filter(None, (row.split, source.kind, source.aspect, f"group {source.group}" if source.group else "", row.id))
    )
    lines = [
        "<article>",
        f"<p>{_text(about)}</p>",
        _field("Instruction", row.instruction),
        _field("Query", row.query),
        _field(f"Positive {row.positive.id}", row.positive.full),
    ]
    for negative in row.negatives:
        lines.append(_field(f"Negative ({negative.kind}) {negative.passage.id}", negative.passage.full, bad=True))
        if negative.instruction and negative.instruction != row.instruction:
            lines.append(_field("... is right for the instruction", negative.instruction))
        if negative.query and negative.query != row.query:
            lines.append(_field("... is right for the query", negative.query))
    if source.verdicts:
        lines.append(
            _list(
                f"{one.model}: {one.side} {'satisfies' if one.satisfied else 'does not satisfy'} the {one.against} "
                f"({one.confidence:.2f}): {one.reason}"
                for one in source.verdicts
            )
        )
    return "\n".join([*lines, "</article>"])


def _field(label: str, text: str, *, bad: bool = False) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [... {len(text):,} characters]"
    style = "label bad" if bad else "label"
    return f'<div class="{style}">{_text(label)}</div><div class="text" dir="auto">{_text(shown)}</div>'


def _stages(audit: Audit) -> str:
    stages = audit.making.get("stages", [])
    if not isinstance(stages, list) or not stages:
        return ""
    rows = [
        (
            str(one.get("stage")),
            f"{one.get('reached', 0):,}",
            f"{one.get('passed', 0):,}",
            _reasons(one.get("reasons", {})),
        )
        for one in stages
    ]
    cost = audit.counts["cost_usd_per_row"]
    return (
        "<h2>Acceptance</h2>"
        + _table(("stage", "reached", "passed", "why not"), rows)
        + (f"<p>${cost:.5f} a row</p>" if cost else "")
    )


def _reasons(reasons: object) -> str:
    return "; ".join(f"{reason} {count}" for reason, count in reasons.items()) if isinstance(reasons, dict) else ""


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f'<li dir="auto">{_text(line)}</li>' for line in lines) + "</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    """Text as text: escaped; marks that turn the direction of writing, and what is no character, as boxes."""
    return escape(
        "".join(one if one.isprintable() or one in "\n\t" else "\N{WHITE VERTICAL RECTANGLE}" for one in text)
    )
