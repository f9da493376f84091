"""`heedful explore`: from a seed and an instruction to explained hits."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heedful.cli.output import note, print_json, wide_console

if TYPE_CHECKING:
    from heedful.explore import Comparison, Exploration


class Export(StrEnum):
    """How hits are printed."""

    table = "table"
    json = "json"
    bibtex = "bibtex"
    ris = "ris"
    csv = "csv"
    trec = "trec"


IndexPath = Annotated[Path, typer.Argument(metavar="INDEX", help="A folder that `heedful index` made.")]
Seeds = Annotated[list[str] | None, typer.Option("--seed", metavar="ID", help="Start here; several make one start.")]
SeedText = Annotated[str | None, typer.Option(help="Start from this text (an abstract, say).")]
SeedFile = Annotated[Path | None, typer.Option(help="Start from the text in this file (UTF-8; - for stdin).")]
Query = Annotated[str | None, typer.Option(help="Start from a query, without a seed.")]
Unlike = Annotated[list[str] | None, typer.Option("--unlike", metavar="ID", help="Be far from this document.")]
Aspect = Annotated[str | None, typer.Option(help="Match along this aspect, whatever the instruction says.")]
Avoid = Annotated[list[str] | None, typer.Option("--avoid", metavar="TEXT", help="Be far from this text.")]
Where = Annotated[str | None, typer.Option(metavar="SQL", help='Keep only these, e.g. "year >= 2019".')]
Steer = Annotated[float | None, typer.Option(help="0: as if nothing was asked; 1: only what was asked.")]
K = Annotated[int, typer.Option("-k", metavar="N", help="How many hits.")]


def command(
    index: IndexPath,
    seed: Seeds = None,
    seed_text: SeedText = None,
    seed_file: SeedFile = None,
    query: Query = None,
    unlike: Unlike = None,
    instruction: Annotated[str, typer.Option("--instruction", "-i", help="What to look for, in plain words.")] = "",
    aspect: Aspect = None,
    avoid: Avoid = None,
    where: Where = None,
    steer: Steer = None,
    plan: Annotated[str | None, typer.Option(metavar="JSON", help="Use this plan; `heedful plan` prints one.")] = None,
    rerank: Annotated[str | None, typer.Option(metavar="SYSTEM", help="Order the candidates by this system.")] = None,
    k: K = 10,
    format: Annotated[Export, typer.Option(help="How hits are printed.")] = Export.table,
) -> None:
    """Find documents like a seed along what you ask for, and see why each is there and how it moved."""
    import json

    from heedful.errors import BadPlan
    from heedful.explore import open as open_index
    from heedful.explore.export import EXPORTS
    from heedful.explore.planning import plan_from_dict

    given = None
    if plan is not None:
        try:
            given = plan_from_dict(json.loads(plan))
        except json.JSONDecodeError as error:
            raise BadPlan(
                f"--plan: found no JSON ({error}); expected what `heedful plan --format json` prints"
            ) from error
    explorer = open_index(index)
    reranker = None
    if rerank is not None:
        from heedful.systems import open_reranker

        reranker = open_reranker(rerank, explorer.index)
    exploration = explorer.explore(
        seed or None,
        instruction,
        text=read_text(seed_text, seed_file),
        query=query,
        unlike=unlike or (),
        aspect=aspect,
        avoid=avoid or (),
        where=where,
        steer=steer,
        plan=given,
        k=k,
        rerank=reranker,
        system=rerank or "heedful",
    )
    for warning in exploration.warnings:
        note(f"warning: {warning}")
    if len(exploration.hits) < k:
        note(f"note: asked for {k} hits, found {len(exploration.hits)} in a collection of {len(explorer.index)}")
    if format is Export.json:
        print_json(exploration.to_dict())
    elif format is Export.table:
        print_exploration(exploration)
    else:
        sys.stdout.write(EXPORTS[format](exploration))


def read_text(text: str | None, file: Path | None) -> str | None:
    """The text of one of the two options."""
    from heedful.errors import BadInput, Missing

    if text is not None and file is not None:
        raise BadInput("found --seed-text and --seed-file; give one of them")
    if file is None:
        return text
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"--seed-file {file}: found bytes that are not UTF-8 at offset {error.start}") from error
    except FileNotFoundError as error:
        raise Missing(f"--seed-file {file}: no such file") from error
    except OSError as error:
        raise BadInput(f"--seed-file {file}: cannot be read ({error.strerror}); give a text file") from error


def print_exploration(exploration: Exploration) -> None:
    """A table for eyes."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from heedful.explore.results import arrow

    console = wide_console()
    console.print(f"[bold]{escape(exploration.instruction or 'no instruction')}[/]  {_plan_line(exploration)}")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("moved", justify="right")
    table.add_column("document", ratio=2)
    table.add_column("why: what the seed says ↔ what this says", ratio=3)
    for hit in exploration.hits:
        year = hit.document.metadata.get("year")
        same = f" [dim](+{len(hit.duplicates)} with this title)[/]" if hit.duplicates else ""
        name = f"{escape(hit.document.id)} {year or ''}"
        title = f"{escape(hit.document.title or hit.document.text[:80])}{same}\n[dim]{name}[/]"
        pairs = "\n".join(
            f"[cyan]{escape(pair.aspect or 'text')}[/] {pair.similarity:.2f} {escape(_cut(pair.seed_sentence))} ↔ "
            f"{escape(_cut(pair.sentence))}"
            for pair in hit.evidence[:2]
        )
        table.add_row(str(hit.rank), arrow(hit.moved), title, pairs)
    console.print(table)


def print_comparison(comparison: Comparison) -> None:
    """The documents of all instructions with their rank under each."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    console = wide_console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, exploration in enumerate(comparison.explorations, start=1):
        console.print(
            f"({number}) [bold]{escape(exploration.instruction or 'no instruction')}[/]  {_plan_line(exploration)}"
        )
        table.add_column(f"({number})", justify="right")
    table.add_column("document")
    for document, ranks in comparison.rows():
        cells = ["[dim]·[/]" if rank is None else str(rank) for rank in ranks]
        table.add_row(*cells, f"{escape(document.title)} [dim]{escape(document.id)}[/]")
    console.print(table)


def _plan_line(exploration: Exploration) -> str:
    from rich.markup import escape

    plan = exploration.plan
    words = [f"{aspect} {weight:+.1f}" for aspect, weight in plan.aspects.items() if weight]
    if len(set(plan.aspects.values())) <= 1:
        words = []
    words += [f"wants “{clause.text}”" for clause in plan.wanted]
    words += [f"avoids “{clause.text}”" for clause in plan.avoided]
    words += [plan.where] if plan.where else []
    words += [f"not understood: “{text}”" for text in plan.not_understood]
    verdict = f" → {exploration.heed.verdict}, gain {exploration.heed.gain:+.2f}" if exploration.heed else ""
    return f"[dim]{escape('; '.join(words) or 'plain similarity')}{escape(verdict)}[/]"


def _cut(text: str, most: int = 110) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"
