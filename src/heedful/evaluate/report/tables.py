"""Tables as values, and as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from heedful.evaluate.diagnosis import Estimate

Cell: TypeAlias = str | int | float | Estimate | None
Kind = Literal["text", "figure", "percent", "points", "size", "share", "p", "count"]
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    kind: text; figure (text that stands right); percent (in [0, 1], shown x100); points (signed) and size (unsigned,
    one decimal); share (two decimals); p (four); count.
    """

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table. name: for file names. note: what a reader of the columns needs to know."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    @property
    def wide(self) -> bool:
        """Whether its intervals would not fit beside their values."""
        return sum(any(isinstance(row[i], Estimate) for row in self.rows) for i in range(len(self.columns))) > 4

    def texts(self) -> list[list[tuple[str, str]]]:
        """Rows of (value, interval) as people read them; the interval is empty where there is none."""
        return [[shown(cell, column.kind) for cell, column in zip(row, self.columns, strict=True)] for row in self.rows]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, numbers unrounded."""
        names = [column.name for column in self.columns]
        rows = [
            {n: c.as_dict() if isinstance(c, Estimate) else c for n, c in zip(names, row, strict=True)}
            for row in self.rows
        ]
        return {"name": self.name, "title": self.title, "note": self.note, "columns": names, "rows": rows}


def shown(cell: Cell, kind: Kind) -> tuple[str, str]:
    """A cell as (value, interval)."""
    if isinstance(cell, Estimate):
        if cell.low is None or cell.high is None:
            return _number(cell.value, kind), ""
        return _number(cell.value, kind), f"[{_number(cell.low, kind)}, {_number(cell.high, kind)}]"
    if cell is None:
        return NOTHING, ""
    return (cell if isinstance(cell, str) else _number(cell, kind)), ""


def _number(value: float, kind: Kind) -> str:
    if kind == "percent":
        return f"{100 * value:.1f}"
    if kind == "points":
        text = f"{value:+.1f}"
        return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")
    form = {"share": ".2f", "p": ".4f", "size": ".1f"}.get(kind, "g")
    return f"{value:{form}}".replace("-", "−")


def to_csv(table: Table) -> str:
    """Comma-separated, numbers unrounded; an estimate becomes three columns. No text starts a spreadsheet formula."""
    wide = [any(isinstance(row[i], Estimate) for row in table.rows) for i in range(len(table.columns))]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header: list[str] = []
    for column, three in zip(table.columns, wide, strict=True):
        header += [column.name, f"{column.name} low", f"{column.name} high"] if three else [column.name]
    writer.writerow(header)
    for row in table.rows:
        cells: list[Any] = []
        for cell, three in zip(row, wide, strict=True):
            if isinstance(cell, Estimate):
                cells += [cell.value, cell.low, cell.high]
            else:
                cells += [_inert(cell), None, None] if three else [_inert(cell)]
        writer.writerow(cells)
    return out.getvalue()


def _inert(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def to_markdown(table: Table) -> str:
    """A Markdown table under its title, its note below."""
    lines = [f"### {markdown_text(table.title)}", ""]
    lines.append("| " + " | ".join(markdown_text(column.name) for column in table.columns) + " |")
    lines.append("|" + "|".join("---" if column.kind == "text" else "---:" for column in table.columns) + "|")
    for row in table.texts():
        lines.append("| " + " | ".join(markdown_text(" ".join(filter(None, cell))) for cell in row) + " |")
    if table.note:
        lines += ["", markdown_text(table.note)]
    return "\n".join(lines) + "\n"


def markdown_text(text: str) -> str:
    """Text of others in Markdown: no markup, no HTML, one line."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_|#])", r"\\\1", text).replace("](", "]\\(")


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
}


def latex_text(text: str) -> str:
    """Text that LaTeX sets as it stands."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


def to_latex(table: Table) -> str:
    """A table for the package booktabs."""
    spec = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    lines = [r"\begin{table}", r"\centering", r"\small", rf"\begin{{tabular}}{{{spec}}}", r"\toprule"]
    lines.append(" & ".join(latex_text(column.name) for column in table.columns) + r" \\")
    lines.append(r"\midrule")
    for row in table.texts():
        cells = [
            latex_text(value) + (rf" {{\scriptsize {latex_text(interval)}}}" if interval else "")
            for value, interval in row
        ]
        lines.append(" & ".join(cells) + r" \\")
    caption = latex_text(table.title + (". " + table.note if table.note else ""))
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}"]
    lines += [rf"\label{{tab:{re.sub(r'[^a-z0-9-]+', '-', table.name.lower())}}}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def files_of(tables: Sequence[Table]) -> dict[str, str]:
    """Suffix -> text: `.md` and `.tex` with all tables, `-NAME.csv` one a table."""
    names = [re.sub(r"[^A-Za-z0-9]+", "-", table.name).strip("-")[:60] for table in tables]
    suffixes = [f"-{name}" + (f"-{i}" if name in names[:i] else "") for i, name in enumerate(names)]
    return {
        ".md": "\n".join(to_markdown(table) for table in tables),
        ".tex": "\n".join(to_latex(table) for table in tables),
        **{(f"{s}.csv" if len(tables) > 1 else ".csv"): to_csv(t) for s, t in zip(suffixes, tables, strict=True)},
    }
