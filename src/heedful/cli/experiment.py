"""`heedful experiment`: published experiments as one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.output import Format, note, print_json, progress


def command(
    name: Annotated[str, typer.Argument(help="baselines, sensitivity or aspects.")],
    data: Annotated[Path, typer.Option(help="A benchmark folder.")],
    system: Annotated[list[str] | None, typer.Option(help="A system, as name or name(option=value, ...).")] = None,
    out: Annotated[Path, typer.Option(help="Where tables, picture, manifest and finished topics go.")] = Path(
        "experiment"
    ),
    measure: Annotated[
        str | None, typer.Option("-m", "--measure", help="The measure of relevance: nDCG@20, ...")
    ] = None,
    split: Annotated[str | None, typer.Option(help="The split that tables lead with: clean, test, dev or all.")] = None,
    pool: Annotated[str | None, typer.Option(help="What is ranked: file, judged or corpus.")] = None,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Run an experiment of arXiv 2601.10936 on systems of your own: tables, picture, manifest; resumes."""
    from heedful.benchmarks import load_benchmark
    from heedful.evaluate.measures import parse_measure
    from heedful.evaluate.report.figures import require_pictures
    from heedful.evaluate.report.write import write_experiment
    from heedful.systems.experiments import Setting, run_experiment

    require_pictures()
    found = run_experiment(
        name,
        Setting(
            benchmark=load_benchmark(data).with_options(pool=pool),
            systems=system or (),
            measure=parse_measure(measure) if measure else None,
            split=split,
            out=out / "rankings",
            track=progress,
        ),
    )
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
