"""`heedful bench`: measure systems on a benchmark folder."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heedful.cli.output import Format, note, print_json, progress
from heedful.cli.ray_option import RayAddress, Workers, mapper_of

if TYPE_CHECKING:
    from heedful.records import Run
    from heedful.scale import RayMapper


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
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="What chat models may cost, all systems together.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count calls and price; send nothing.")] = False,
    ray: RayAddress = None,
    workers: Workers = None,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Measure systems on a benchmark: relevance, and following (p-MRR with its null), per split and aspect."""
    from heedful.benchmarks import load_benchmark
    from heedful.errors import BudgetSpent
    from heedful.evaluate.measures import parse_measure
    from heedful.systems.suite import bench

    measures = [parse_measure(text) for text in measure or ()]
    benchmark = load_benchmark(folder).with_options(pool=pool, convention=convention)
    if dry_run:
        from heedful.cli.estimate import print_estimate
        from heedful.systems.estimate import estimate
        from heedful.systems.suite import jobs

        made = jobs(benchmark, system or (), variant or (), first_stage, depth)
        print_estimate(estimate(benchmark, made, out=out, track=progress), budget, format)
        return
    with mapper_of(ray, workers) as mapper, _encoding_by(mapper):
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
            budget=budget,
        )
    if format is Format.json:
        print_json(report)
    else:
        _print(report)
    partial = report.get("partial", {})
    if partial:
        left = f"{out} keeps the finished topics" if out else "--out DIR would keep the finished topics"
        why = "; ".join(f"{p['finished']} of {p['topics']} topics of {p['why']}" for p in partial.values())
        raise BudgetSpent(f"partial result: {why}; {left}")


def _encoding_by(mapper: RayMapper | None) -> AbstractContextManager[None]:
    if mapper is None:
        return nullcontext()
    from heedful.corpus import SCIENCE
    from heedful.scale import MappedEncoder
    from heedful.systems.collection import documents_encoded_by

    return documents_encoded_by(lambda encoder: MappedEncoder(encoder, SCIENCE, mapper))


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

    from heedful.cli.tables import rows_table

    console = Console(width=None if Console().is_terminal else 160)
    console.print(
        f"[bold]{escape(report['benchmark'])}[/]  {report['topics']} topics, {report['documents']} documents, "
        f"pool {report['pool']}\nconvention {escape(report['stated'])}"
    )
    if report["without_judgments"]:
        note(f"{report['without_judgments']} queries have no judgments and were left out")
    marks = {p["key"]: p for p in report.get("partial", {}).values()}

    def marked(name: str, split: str) -> str:
        count = marks[name]["splits"][split] if name in marks else None
        return f"{name} (partial: {count['finished']} of {count['topics']} topics)" if count else name

    systems = report["systems"]
    splits = list(dict.fromkeys(split for found in systems.values() for split in found))
    for split in splits:
        values = {marked(name, split): found[split] for name, found in systems.items() if split in found}
        relevance = {
            f"{name}{' ' * bool(side)}{side}": row for name, v in values.items() for side, row in _relevance(v)
        }
        title = f"split {split}: " if len(splits) > 1 else ""
        rows_table(console, f"{title}relevance", relevance)
        measure = next(iter(next(iter(values.values()))["measures"]))
        groups = dict.fromkeys(group for found in values.values() for group in found["measures"][measure])
        if len(groups) > 1 and "all" in groups:
            rows = {name: _cells(found["measures"][measure], groups) for name, found in values.items()}
            rows_table(console, f"{title}{measure} by aspect", rows)
        if any(found["p-MRR"] for found in values.values()):
            rows = {name: _following(found["p-MRR"]) for name, found in values.items()}
            rows_table(console, f"{title}following (p-MRR x100: above 0, what became non-relevant sank)", rows)
        others = {name: _cells(found["following"]) for name, found in values.items() if found.get("following")}
        if others:
            rows_table(console, f"{title}other measures of following", others)
        for what in (measure, "p-MRR net"):
            rows = {
                f"{c['a']} - {c['b']}": _compared(c) for c in report.get("comparisons", {}).get(split, {}).get(what, ())
            }
            if rows:
                rows_table(console, f"{title}{what}: who beats whom (Holm over all pairs)", rows, "pair")
    if report.get("chat"):
        rows_table(console, "chat models", {name: _chat_cells(tally) for name, tally in report["chat"].items()})
    for name, where in report.get("partial", {}).items():
        told = f"{where['finished']} of {where['topics']} topics"
        told += f" of {where['stopped_in']}" if where["stopped_in"] != name else ""
        said = f"[bold]partial[/]: {escape(name)}: the budget ended after {escape(told)}"
        console.print(said, highlight=False, soft_wrap=True)


def _chat_cells(tally: dict[str, Any]) -> dict[str, str]:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f} %"

    return {
        "topics": f"{tally['topics']}",
        "prompts": f"{tally['prompts']:,}",
        "kept": f"{tally['cached']:,}",
        "malformed": f"{tally['malformed']}",
        "failed": f"{tally['failed']}",
        "shortened": f"{tally['shortened']}",
        "tokens in": f"{tally['prompt_tokens']:,}",
        "out": f"{tally['completion_tokens']:,}",
        "cost": "unknown" if tally["cost"] is None else f"${tally['cost']:.4f}",
        "first shown wins": share(tally["position_bias"]),
        "agreement": share(tally["agreement"]),
        "intransitive": share(tally["intransitive"]),
    }


def _cells(values: dict[str, float], names: Iterable[str] | None = None) -> dict[str, str]:
    return {name: f"{values[name]:.4f}" if name in values else "-" for name in names or values}


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
