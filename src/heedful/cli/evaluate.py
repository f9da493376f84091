"""`heedful evaluate`: measures of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.output import Format, print_json


def command(
    run: Annotated[Path, typer.Argument(help="A TREC run file, or a folder of them.")],
    qrels: Annotated[Path, typer.Argument(help="TREC qrels, or three columns below a header.")],
    measure: Annotated[list[str] | None, typer.Option("-m", "--measure", help="nDCG@20, AP, ...")] = None,
    convention: Annotated[str, typer.Option(help="trec or csfcube.")] = "trec",
    missing: Annotated[
        str, typer.Option(help="Topics that run or qrels lack: error, zero (the run's count 0) or skip.")
    ] = "error",
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Measure a run against qrels, topic by topic and on average."""
    from heedful.evaluate.files import evaluate_files
    from heedful.evaluate.measures import STATED, parse_measure

    values = evaluate_files(run, qrels, [parse_measure(m) for m in measure or ()], convention, missing)
    if format is Format.json:
        print_json(values)
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{values['topics']} topics; convention {STATED[convention]}")
    table = Table("measure", "mean", box=None)
    for name, value in values["measures"].items():
        table.add_row(name, f"{value:.4f}")
    console.print(table)
