"""`heedful diagnose`: does a system heed its instruction, and where does it not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heedful.cli.output import Format, note, print_json, progress

if TYPE_CHECKING:
    from heedful.evaluate.diagnosis import Diagnosis


def command(
    folder: Annotated[Path, typer.Argument(help="A benchmark folder.")],
    system: Annotated[list[str] | None, typer.Option(help="A system, as name or name(option=value, ...).")] = None,
    out: Annotated[Path, typer.Option(help="Where the report, and finished topics, are kept.")] = Path("diagnosis"),
    measure: Annotated[
        str | None, typer.Option("-m", "--measure", help="The measure of relevance: nDCG@20, ...")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="The split that verdicts are about: clean, test, dev or all.")
    ] = None,
    pool: Annotated[str | None, typer.Option(help="What is ranked: file, judged or corpus.")] = None,
    paraphrases: Annotated[bool, typer.Option(help="Try every variant in other words too.")] = True,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="What chat models may cost, all systems together.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count calls and price; send nothing.")] = False,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Diagnose systems: was the instruction delivered, was it followed, what went the wrong way; as a report."""
    from heedful.benchmarks import load_benchmark
    from heedful.chat import Purse
    from heedful.evaluate.diagnosis_compute import topic_name
    from heedful.evaluate.measures import parse_measure
    from heedful.evaluate.report.figures import require_pictures
    from heedful.evaluate.report.write import write_report
    from heedful.systems.diagnose import delivery_lines, diagnose, estimate_diagnosis

    benchmark = load_benchmark(folder).with_options(pool=pool)
    kept = out / "rankings"
    if dry_run:
        from heedful.cli.estimate import print_estimate

        counted = estimate_diagnosis(benchmark, system or (), paraphrases=paraphrases, out=kept, track=progress)
        print_estimate(counted, budget, format)
        return
    require_pictures()
    with Purse(budget):
        found, trials = diagnose(
            benchmark,
            system or (),
            measure=parse_measure(measure) if measure else None,
            split=split,
            paraphrases=paraphrases,
            out=kept,
            track=progress,
        )
    names = {id: topic_name(topic, benchmark.documents) for id, topic in benchmark.topics.items()}
    for path in write_report(found, out, names, delivery_lines(trials)):
        note(f"wrote {path}")
    if format is Format.json:
        print_json(found.as_dict())
    else:
        _print(found)
    for one in trials:
        if one.error:
            raise one.error


def _print(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.markup import escape

    from heedful.cli.tables import print_table
    from heedful.evaluate.report.views import summary_table

    console = Console(width=None if Console().is_terminal else 160)
    print_table(console, summary_table(diagnosis))
    for system in diagnosis.systems:
        console.print(
            f"[bold]{escape(system.name)}[/]: {escape(system.kind)}. {escape(system.verdict)}", highlight=False
        )
        for sentence in system.findings:
            console.print(f"  - {escape(sentence)}", highlight=False)
