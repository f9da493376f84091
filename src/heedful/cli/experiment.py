"""`heedful experiment`: published experiments as one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.output import Format, note, print_json, progress


def command(
    name: Annotated[str, typer.Argument(help="baselines, sensitivity, aspects or prp.")],
    data: Annotated[Path, typer.Option(help="A benchmark folder.")],
    system: Annotated[list[str] | None, typer.Option(help="A system, as name or name(option=value, ...).")] = None,
    systems_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Systems and first stage from a TOML file; paper: that of 2601.10936."),
    ] = None,
    first_stage: Annotated[str | None, typer.Option(help="Give systems only the top of this system.")] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="How many the first stage passes on; 200 unless given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where tables, picture, manifest and finished topics go.")] = Path(
        "experiment"
    ),
    measure: Annotated[
        str | None, typer.Option("-m", "--measure", help="The measure of relevance: nDCG@20, ...")
    ] = None,
    split: Annotated[str | None, typer.Option(help="The split that tables lead with: clean, test, dev or all.")] = None,
    pool: Annotated[str | None, typer.Option(help="What is ranked: file, judged or corpus.")] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="What chat models may cost, all systems together.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count calls and price; send nothing.")] = False,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Run an experiment of arXiv 2601.10936 on systems of your own: tables, picture, manifest; resumes."""
    from heedful.benchmarks import load_benchmark
    from heedful.chat import Purse
    from heedful.evaluate.measures import parse_measure
    from heedful.evaluate.report.figures import require_pictures
    from heedful.evaluate.report.write import write_experiment
    from heedful.systems.experiments import Setting, run_experiment
    from heedful.systems.recipes import read_recipes, with_rows
    from heedful.systems.trials import FirstStage

    names = list(system or ())
    recipes = read_recipes(systems_file) if systems_file else None
    if recipes:
        names = [*names, *recipes.rows.values()]
        first_stage, depth = first_stage or recipes.first_stage, depth or recipes.depth
    benchmark = load_benchmark(data).with_options(pool=pool)
    setting = Setting(
        benchmark=benchmark,
        systems=names,
        measure=parse_measure(measure) if measure else None,
        split=split,
        out=out / "rankings",
        track=progress,
        first=FirstStage(first_stage, depth or 200) if first_stage else None,
    )
    if dry_run:
        from heedful.cli.estimate import print_estimate

        print_estimate(setting.estimate(name), budget, format)
        return
    require_pictures()
    with Purse(budget):
        found = run_experiment(name, setting)
    if recipes:
        found = with_rows(found, recipes)
    for path in write_experiment(name, found.as_dict(), found.sentences, found.tables, found.figure, out):
        note(f"wrote {path}")
    if format is Format.json:
        print_json(found.as_dict())
    else:
        from rich.console import Console

        from heedful.cli.tables import print_table

        console = Console(width=None if Console().is_terminal else 160)
        for table in found.tables:
            print_table(console, table)
        for sentence in found.sentences:
            console.print(sentence, markup=False, highlight=False)
    for error in found.failed.values():
        raise error
