"""`heedful audit`: what a set of triplets teaches besides what it should."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heedful.cli.output import Format, note, print_json, progress

if TYPE_CHECKING:
    from heedful.synthesize.audit import Audit


def command(
    data: Annotated[Path, typer.Argument(help="A set of triplets, in any format that `convert` reads.")],
    test: Annotated[list[Path] | None, typer.Option(help="A test folder that must not be in the set.")] = None,
    sample: Annotated[int, typer.Option(help="About so many rows are probed and encoded.")] = 1_000,
    encoder: Annotated[str | None, typer.Option(help="The encoder of the probes; the default one, or none.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where audit.json and audit.html go; else beside the set.")] = None,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Audit triplets: shortcuts, leakage, duplicates, variety, acceptance and cost; with rows to read as a page."""
    import json

    from heedful.encode.load import load_encoder
    from heedful.synthesize.audit import audit, to_page
    from heedful.synthesize.convert import read_set
    from heedful.synthesize.overlap import read_test_sets

    tests = read_test_sets(test) if test else None
    found = audit(
        data,
        lambda: read_set(data),
        encoder=None if encoder == "none" else load_encoder(encoder),
        tests=tests,
        sample=sample,
        track=lambda rows: progress(rows, "reading"),
    )
    folder = out or (data if data.is_dir() else data.parent)
    for name, text in (
        ("audit.json", json.dumps(found.as_dict(), indent=1, ensure_ascii=False)),
        ("audit.html", to_page(found)),
    ):
        note(f"wrote {_written(folder / name, text)}")
    if (data / "data").is_dir():
        from heedful.synthesize.card import write_card

        note(f"wrote {write_card(data, found.counts, found.findings, _checked(found))}")
    if format is Format.json:
        print_json(found.as_dict())
    else:
        _print(found)


def _checked(found: Audit) -> str:
    """The audit in a sentence or two, for the card."""
    leaks = found.counts["leakage"]
    sentences = []
    if found.shortcut_max is not None:
        sentences.append(
            f"Shortcut probes on {found.sampled:,} rows: no part of a row alone tells positives from negatives in more "
            f"than {100 * found.shortcut_max:.1f} % of the pairs, or fewer than {100 - 100 * found.shortcut_max:.1f} %."
        )
    if leaks is not None:
        count = sum(leaks["found"].values())
        sentences.append(
            f"{leaks['checked']:,} texts were compared with {leaks['test_texts']:,} of test sets; {count} overlap."
        )
    return " ".join(sentences)


def _written(path: Path, text: str) -> Path:
    from heedful.errors import Unwritable

    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(temporary, path)
    except OSError as error:
        raise Unwritable(f"{path}: found {error.strerror}; expected a folder that can be written") from None
    return path


def _print(found: Audit) -> None:
    from rich.markup import escape

    from heedful.cli.output import wide_console
    from heedful.cli.tables import rows_table

    console = wide_console()
    counts, worst = found.counts, found.shortcut_max
    probes = {
        f"{probe.name} ({probe.kind})": {
            "accuracy": f"{probe.accuracy:.3f}",
            "95 %": f"{probe.low:.3f} to {probe.high:.3f}",
            "pairs": f"{probe.pairs:,}",
            "": probe.why,
        }
        for probe in found.probes
    }
    rows_table(console, f"shortcut probes, {found.sampled:,} rows", probes, "probe")
    for name in ("splits", "kinds", "aspects", "negatives", "licences"):
        console.print(
            f"{name}: " + escape(", ".join(f"{key} {count:,}" for key, count in counts[name].items()) or "none")
        )
    console.print(
        "variety: "
        + ", ".join(f"{key.replace('_', ' ')} {_figure(value)}" for key, value in counts["diversity"].items())
    )
    for stage in found.making.get("stages", []):
        reasons = "; ".join(f"{reason} {count:,}" for reason, count in stage["reasons"].items())
        console.print(escape(f"{stage['stage']}: {stage['passed']:,} of {stage['reached']:,} kept; {reasons}"))
    console.print(f"cost: ${counts['cost_usd']:.4f}, ${counts['cost_usd_per_row']:.6f} a row")
    leaks = counts["leakage"]
    if leaks is not None:
        what = ", ".join(f"{reason} {count}" for reason, count in leaks["found"].items()) or "nothing"
        console.print(f"leakage: {leaks['checked']:,} texts against {leaks['test_texts']:,} of the tests: {what}")
    console.print("shortcut max: " + ("no probe counts" if worst is None else f"{worst:.3f}"))
    for sentence in found.findings:
        console.print(escape(f"- {sentence}"))


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
