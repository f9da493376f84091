"""`heedful follow`: whether a ranking heeded a changed instruction."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.output import Format, print_json


def command(
    og_run: Annotated[Path, typer.Argument(metavar="OG.run", help="The run under the original instruction.")],
    changed_run: Annotated[Path, typer.Argument(metavar="CHANGED.run", help="The run under the changed one.")],
    og_qrels: Annotated[Path, typer.Argument(metavar="OG.qrels", help="Judgments under the original instruction.")],
    changed_qrels: Annotated[Path, typer.Argument(metavar="CHANGED.qrels", help="Judgments under the changed one.")],
    measure: Annotated[list[str] | None, typer.Option("-m", "--measure", help="nDCG@20 unless asked.")] = None,
    relevant_from: Annotated[int, typer.Option(min=1, help="The lowest grade that is relevant.")] = 1,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """p-MRR between two runs, with its null, ceiling and interval, and the relevance of both."""
    from heedful.evaluate.files import follow_files
    from heedful.evaluate.measures import parse_measure

    measures = [parse_measure(m) for m in measure or ("nDCG@20",)]
    found = follow_files(og_run, changed_run, og_qrels, changed_qrels, measures, relevant_from)
    if format is Format.json:
        print_json(found)
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    interval = "" if found["low"] is None else f"  95 % [{found['low']:+.1f}, {found['high']:+.1f}]"
    null = found["null"]
    console.print(f"p-MRR    {found['p-MRR']:+.1f}{interval}   (above 0: what became non-relevant sank)")
    console.print(f"null     {null['mean']:+.1f}  95 % [{null['low']:+.1f}, {null['high']:+.1f}]")
    console.print(f"net      {found['net']:+.1f}   {found['verdict']}")
    console.print(f"ceiling  {found['ceiling']:.1f}")
    console.print(f"{found['topics']} topics, {found['documents']} documents; {found['left_out']} topics left out")
    for name, sides in found["measures"].items():
        console.print(f"{name:<8} og {sides['og']:.4f}   changed {sides['changed']:.4f}")
