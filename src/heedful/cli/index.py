"""`heedful index`: files of documents to a searchable collection."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heedful.cli.output import Format, note, print_json
from heedful.cli.ray_option import RayAddress, Workers, mapper_of

if TYPE_CHECKING:
    from heedful.index import BuildReport

_EVERY = 15.0  # seconds between lines where stderr is no terminal


class Labels(StrEnum):
    """Where the sentences' aspects come from."""

    auto = "auto"
    data = "data"
    predicted = "predicted"


def command(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SOURCE...", help="JSONL, CSV, TSV, BibTeX or RIS (.gz too), or a benchmark folder."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The index's folder, or s3://BUCKET/NAME.")] = ...,  # type: ignore[assignment]
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help="A model's name or folder.")] = None,
    labels: Annotated[
        Labels | None, typer.Option(help="Sentence aspects: the data's, predicted, or as there are.")
    ] = None,
    aspects: Annotated[Path | None, typer.Option(metavar="TOML", help="Aspects of another kind of text.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Add documents, replace those that changed.")] = False,
    delete: Annotated[list[str] | None, typer.Option(metavar="ID", help="Remove a document (repeatable).")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Count unusable entries and go on.")] = False,
    ray: RayAddress = None,
    workers: Workers = None,
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Index documents. Run it again after an interruption: it goes on where it was."""
    from dataclasses import asdict

    from heedful.corpus import SCIENCE, AspectScheme, CorpusFiles, ReadReport
    from heedful.encode import load_encoder
    from heedful.errors import BadInput, Missing
    from heedful.index import build_index, describe_sources, read_manifest
    from heedful.index.objects import locate

    if not sources and not delete:
        raise BadInput("no SOURCE: name a file of documents (or --delete ID to remove some)")
    files = [Path(source) for source in sources or []]
    place = locate(out)
    read = CorpusFiles(files, skip_bad=skip_bad) if files else None
    documents = read() if read else ()
    scheme = AspectScheme.from_toml(aspects) if aspects else None
    name: Any = encoder
    source: Any = labels.value if labels else None
    try:  # what was not said is as it is there
        there = read_manifest(place)
        scheme = scheme or AspectScheme.from_json(there.recipe["scheme"])
        name, source = name or there.encoder["name"], source or there.encoder["labels"]
    except Missing:
        scheme = scheme or SCIENCE
    model = load_encoder(name, labels=source or "auto", scheme=scheme)
    changing = update or bool(delete)
    kept: dict[str, Any] = {"sources": describe_sources(files), "scheme": scheme}
    with mapper_of(ray, workers) as mapper, _progress() as tell:
        if mapper is None:
            report = build_index(
                documents, str(place), model, update=changing, delete=delete or (), progress=tell, **kept
            )
        elif changing:
            from heedful.scale import MappedEncoder

            mapped = MappedEncoder(model, scheme, mapper)
            report = build_index(documents, str(place), mapped, update=True, delete=delete or (), progress=tell, **kept)
        elif read:  # as there always is where nothing is to be deleted
            from heedful.scale import build_in_shards

            with _reading_told():
                report = build_in_shards(read, str(place), model, mapper, progress=tell, **kept)
    found = read.report if read else ReadReport()
    for warning in found.warnings():
        note(f"warning: {warning}")
    if format is Format.json:
        print_json({"index": str(place), **asdict(report), "read": found.as_json()})
    else:
        print(_summary(str(place), report))


@contextmanager
def _reading_told() -> Iterator[None]:
    """While it lasts, a line says at times how many documents have been read."""
    from heedful.seams import LISTENER

    last = time.monotonic()

    def listen(what: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            note(f"{done:,} {what}")

    token = LISTENER.set(listen)
    try:
        yield
    finally:
        LISTENER.reset(token)


def _summary(out: str, report: BuildReport) -> str:
    if report.unchanged:
        return f"{out}: {report.documents} documents, complete and unchanged; nothing to do"
    parts = [f"{report.added} added"]
    parts += [f"{report.replaced} replaced"] if report.replaced else []
    parts += [f"{report.deleted} deleted"] if report.deleted else []
    if report.already:
        parts.append(f"{report.already} were already there" + (" (resumed)" if report.resumed else ""))
    done = report.added + report.replaced
    rate = f", {done / report.seconds:.0f} a second" if done and report.seconds else ""
    return f"{out}: {report.documents} documents ({', '.join(parts)}) in {report.seconds:.1f} s{rate}"


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """What to call with (documents encoded, documents already there): a bar on a terminal, else a line at times."""
    started = time.monotonic()
    if not sys.stderr.isatty():
        yield _lines(started)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("encoding"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, said="")

        def tell(done: int, already: int) -> None:
            bar.update(task, said=_said(done, already, time.monotonic() - started))

        yield tell


def _lines(started: float) -> Callable[[int, int], None]:
    last, said_already = started, False

    def tell(done: int, already: int) -> None:
        nonlocal last, said_already
        now = time.monotonic()
        if now - last >= _EVERY or (already and done and not said_already):
            last, said_already = now, said_already or bool(already)
            note(_said(done, already, now - started))

    return tell


def _said(done: int, already: int, seconds: float) -> str:
    there = f"{already:,} already there, " if already else ""
    return f"{there}{done:,} documents encoded, {done / max(seconds, 1e-9):.0f} a second"
