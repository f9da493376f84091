"""`heedful plan`: what an instruction is understood as."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heedful.cli.output import Format, json_text, print_json

if TYPE_CHECKING:
    from heedful.records import Plan


def command(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="The instruction.", show_default=False)] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", help="Instructions, a line each (text, or JSON with 'instruction' or 'text'); - is stdin."
        ),
    ] = None,
    index: Annotated[Path | None, typer.Option(help="A collection, for its aspects and its columns.")] = None,
    aspects: Annotated[
        Path | None, typer.Option(help="A TOML file of aspects instead of the ones for science.")
    ] = None,
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Say what an instruction is understood as. With --file: one JSON plan a line, in the order of the lines."""
    from datetime import date

    from heedful.corpus.aspects import SCIENCE, AspectScheme
    from heedful.errors import BadInput
    from heedful.explore.planning import make_plan, plan_to_dict

    if (text is None) == (file is None):
        raise BadInput("plan: found " + ("neither" if text is None else "both") + " TEXT and --file; give one of them")
    if index is not None and aspects is not None:
        raise BadInput(
            "plan: found both --index and --aspects; an index brings its own aspects, so leave out --aspects"
        )
    columns = None
    scheme = SCIENCE if aspects is None else AspectScheme.from_toml(aspects)
    if index is not None:
        from heedful.index import Index

        opened = Index.open(index)
        columns, scheme = dict(opened.columns), opened.scheme

    def planned(instruction: str) -> Plan:
        return make_plan(instruction, scheme=scheme, columns=columns, today=date.today().year)

    if text is not None:
        plan = plan_to_dict(planned(text))
        if format is Format.json:
            print_json(plan)
        else:
            _print_table(plan)
        return
    for instruction in _instructions(file):
        sys.stdout.write(json_text(plan_to_dict(planned(instruction))) + "\n")


def _instructions(path: Path | None) -> Iterator[str]:
    """The instruction of each line; an empty line is the empty instruction, so that lines keep their places."""
    from heedful.errors import BadInput, BadRecord, Missing

    try:
        raw = sys.stdin.buffer.read() if str(path) == "-" else Path(path or "-").read_bytes()
    except FileNotFoundError:
        raise Missing(f"--file: {path}: no such file; give a text file with an instruction a line") from None
    except OSError as error:
        raise BadInput(f"--file: {path}: cannot be read ({error.strerror}); give a text file") from None
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise BadRecord(path, number, "bytes that are not UTF-8", "UTF-8 text") from None
        yield _from_json(text, path, number) if text.startswith("{") else text


def _from_json(line: str, path: Path | None, number: int) -> str:
    from heedful.errors import BadRecord

    expected = "text, or a JSON object with 'instruction' or 'text'"
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise BadRecord(path, number, f"broken JSON ({error})", expected) from None
    found = value.get("instruction", value.get("text"))
    if not isinstance(found, str):
        raise BadRecord(path, number, f"keys {', '.join(value) or 'none'}", expected)
    return found


def _print_table(plan: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    meant = len(set(plan["aspects"].values())) > 1
    for name, weight in plan["aspects"].items():
        said = "alike" if weight > 0 else "different" if weight < 0 else "does not count"
        table.add_row(name, f"{weight:+.1f}  {said}" if meant else "-")
    for key in ("wanted", "avoided"):
        for clause in plan[key]:
            table.add_row(key, f"{clause['text']}  ({clause['weight']:g})")
    for key in ("where", "task"):
        if plan[key]:
            table.add_row(key, plan[key])
    table.add_row("steer", f"{plan['steer']:g}")
    for text in plan["not_understood"]:
        table.add_row("not understood", text)
    Console(markup=False, highlight=False).print(table)
