"""`heedful systems`: what ranks here."""

from __future__ import annotations

from typing import Annotated

import typer

from heedful.cli.output import Format, print_json


def command(format: Annotated[Format, typer.Option(help="table or json.")] = Format.table) -> None:
    """List the systems that rank here, their options, and what each needs."""
    from heedful.systems.listing import listing

    rows = listing()
    if format is Format.json:
        print_json(rows)
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 180)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("system", "what it is", "size", "licence", "GPU", "given", "here"):
        table.add_column(column, overflow="fold")
    for row in rows:
        options = ", ".join(f"{name}={value}" for name, value in row["options"].items())
        table.add_row(
            escape(f"{row['name']}({options})" if options else row["name"]),
            escape(row["summary"]),
            escape(row["size"]),
            escape(row["licence"]),
            escape(row["gpu"]),
            escape(", ".join(row["given"]) or "topic, instruction"),
            "yes" if row["available"] else escape(row["missing"]),
        )
    console.print(table)
