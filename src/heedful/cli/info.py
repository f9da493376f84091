"""`heedful info`: what an index holds and how it came to be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from heedful.cli.output import Format, print_json


def command(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="A folder that `heedful index` made.")],
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Say what an index holds: documents, encoder, aspects, columns, size, whether it is complete."""
    from heedful.index import describe_index

    found = describe_index(index)
    if format is Format.json:
        print_json(found)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in found.items():
        if value not in (None, {}, []):
            table.add_row(name, _cell(name, value))
    Console(markup=False, highlight=False).print(table)


def _cell(name: str, value: Any) -> str:
    if name == "bytes":
        return f"{value / 1e6:,.1f} MB"
    if name == "sources":
        return "\n".join(f"{source['name']} ({source['size'] / 1e6:,.1f} MB)" for source in value)
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and name != "version" else str(value)
