"""A report's table on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heedful.evaluate.report.tables import Table


def print_table(console: Any, table: Table) -> None:
    """Title, columns, rows, note."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table as Grid

    grid = Grid(
        title=escape(table.title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in table.columns:
        grid.add_column(escape(column.name), justify="left" if column.kind == "text" else "right", overflow="fold")
    for row in table.texts():
        grid.add_row(*(escape(" ".join(filter(None, cell))) for cell in row))
    console.print(grid)
    if table.note:
        console.print(f"[dim]{escape(table.note)}[/]\n", highlight=False)
