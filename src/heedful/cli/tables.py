"""Tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heedful.evaluate.report.tables import Table


def rows_table(console: Any, title: str, rows: dict[str, dict[str, str]], first: str = "system") -> None:
    """A table of name -> column -> text. first: what the names are."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for column in next(iter(rows.values())):
        table.add_column(column, justify="right", no_wrap=True)
    for name, cells in rows.items():
        table.add_row(escape(name), *map(escape, cells.values()))
    console.print(table)


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
