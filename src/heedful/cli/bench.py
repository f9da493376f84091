"""`heedful bench`: measure systems on a benchmark folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heedful.cli.output import Format, note, print_json, progress

if TYPE_CHECKING:
    from heedful.records import Run


def command(
    folder: Annotated[Path, typer.Argument(help="A benchmark folder.")],
    system: Annotated[list[str] | None, typer.Option(help="A system, as name or name(option=value, ...).")] = None,
    run: Annotated[list[str] | None, typer.Option(help="NAME=PATH: a TREC run file, or a folder of them.")] = None,
    first_stage: Annotated[str | None, typer.Option(help="Give systems only the top of this system.")] = None,
    depth: Annotated[int, typer.Option(min=1, help="How many documents the first stage passes on.")] = 200,
    pool: Annotated[str | None, typer.Option(help="What is ranked: file, judged or corpus.")] = None,
    measure: Annotated[list[str] | None, typer.Option("-m", "--measure", help="nDCG@20, AP, ...")] = None,
    convention: Annotated[str | None, typer.Option(help="trec or csfcube.")] = None,
    variant: Annotated[list[str] | None, typer.Option(help="Instruct in this other way as well.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep finished topics, runs and the report here.")] = None,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Measure systems on a benchmark: relevance, and following (p-MRR with its null), per split and aspect."""
    from heedful.benchmarks import load_benchmark
    from heedful.evaluate.measures import parse_measure
    from heedful.systems.suite import bench

    measures = [parse_measure(text) for text in measure or ()]
    benchmark = load_benchmark(folder).with_options(pool=pool, convention=convention)
    report = bench(
        benchmark,
        system or (),
        _runs(run or ()),
        measures,
        variants=variant or (),
        first_stage=first_stage,
        depth=depth,
        out=out,
        track=progress,
    )
    if format is Format.json:
        print_json(report)
    else:
        _print(report)


def _runs(given: list[str] | tuple[str, ...]) -> dict[str, Run]:
    from heedful.errors import BadInput
    from heedful.evaluate.trec import read_run

    runs: dict[str, Run] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise BadInput(f"--run: found {text!r}; expected NAME=PATH")
        if name in runs:
            raise BadInput(f"--run: found the name {name!r} twice; expected each system once")
        runs[name] = read_run(Path(path))
    return runs


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(width=None if Console().is_terminal else 160)
    console.print(
        f"[bold]{escape(report['benchmark'])}[/]  {report['topics']} topics, {report['documents']} documents, "
        f"pool {report['pool']}\nconvention {escape(report['stated'])}"
    )
    if report["without_judgments"]:
        note(f"{report['without_judgments']} queries have no judgments and were left out")
    systems = report["systems"]
    splits = list(next(iter(systems.values())))
    for split in splits:
        values = {name: found[split] for name, found in systems.items()}
        relevance = {
            f"{name}{' ' * bool(side)}{side}": row for name, v in values.items() for side, row in _relevance(v)
        }
        title = f"split {split}: " if len(splits) > 1 else ""
        _table(console, f"{title}relevance", relevance)
        measure, groups = next(iter(next(iter(values.values()))["measures"].items()))
        if len(groups) > 1 and "all" in groups:
            rows = {name: _cells(found["measures"][measure]) for name, found in values.items()}
            _table(console, f"{title}{measure} by aspect", rows)
        if any(found["p-MRR"] for found in values.values()):
            rows = {name: _following(found["p-MRR"]) for name, found in values.items()}
            _table(console, f"{title}following (p-MRR x100: above 0, what became non-relevant sank)", rows)
        others = {name: _cells(found["following"]) for name, found in values.items() if found.get("following")}
        if others:
            _table(console, f"{title}other measures of following", others)
        for what in (measure, "p-MRR net"):
            rows = {
                f"{c['a']} - {c['b']}": _compared(c) for c in report.get("comparisons", {}).get(split, {}).get(what, ())
            }
            if rows:
                _table(console, f"{title}{what}: who beats whom (Holm over all pairs)", rows, "pair")


def _table(console: Any, title: str, rows: dict[str, dict[str, str]], first: str = "system") -> None:
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


def _cells(values: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.4f}" for name, value in values.items()}


def _relevance(found: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """(side, measure -> cell): one row, or one of og and one of changed."""
    groups = next(iter(found["measures"].values()))
    sides = ("all",) if "all" in groups else tuple(groups)
    return [
        (
            "" if side == "all" else side,
            _cells({measure: groups[side] for measure, groups in found["measures"].items()}),
        )
        for side in sides
    ]


def _following(pmrr: dict[str, Any] | None) -> dict[str, str]:
    if not pmrr:
        return dict.fromkeys(("p-MRR", "95 %", "null", "high", "net", "of net", "ceiling", "pairs", "verdict"), "-")
    return {
        "p-MRR": f"{pmrr['value']:+.1f}",
        "95 %": "-" if pmrr["low"] is None else f"[{pmrr['low']:+.1f}, {pmrr['high']:+.1f}]",
        "null": f"{pmrr['null']['mean']:+.1f}",
        "high": f"{pmrr['null']['high']:+.1f}",
        "net": f"{pmrr['net']:+.1f}",
        "of net": "-" if pmrr["net_low"] is None else f"[{pmrr['net_low']:+.1f}, {pmrr['net_high']:+.1f}]",
        "ceiling": "-" if pmrr["ceiling"] is None else f"{pmrr['ceiling']:.1f}",
        "pairs": str(pmrr["pairs"]),
        "verdict": pmrr["verdict"],
    }


def _compared(c: dict[str, Any]) -> dict[str, str]:
    def number(value: float | None, form: str = "+.4g") -> str:
        return "-" if value is None else f"{value:{form}}"

    return {
        "difference": number(c["difference"]),
        "95 %": "-" if c["low"] is None else f"[{c['low']:+.3g}, {c['high']:+.3g}]",
        "p": number(c["p_randomisation"], ".4f"),
        "p Holm": number(c["p_holm"], ".4f"),
        "effect": number(c["effect"], "+.2f"),
        "detectable": number(c["detectable"], ".3g"),
        "better": c["winner"] or "not shown",
    }
