"""`heedful synthesize`: a collection to triplets that teach a model to heed instructions."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heedful.cli.output import Format, note, print_json
from heedful.cli.ray_option import RayAddress, Workers, mapper_of

if TYPE_CHECKING:
    from heedful.seams import Mapper
    from heedful.synthesize.asking import Model
    from heedful.synthesize.models import Endpoint
    from heedful.synthesize.pipeline import Progress, Track

_EVERY = 15.0  # seconds between lines where stderr is no terminal


def command(
    source: Annotated[
        Path, typer.Argument(help="Passages (any corpus file), pairs (query and passage), a benchmark or an index.")
    ],
    out: Annotated[Path, typer.Option(help="The set's folder.")] = ...,  # type: ignore[assignment]
    generator: Annotated[str, typer.Option(metavar="MODEL", help="A chat model, or rules.")] = ...,  # type: ignore[assignment]
    validator: Annotated[str, typer.Option(metavar="MODEL", help="A second chat model, one that reasons.")] = "",
    index: Annotated[Path | None, typer.Option(help="Where hard negatives are looked for first.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The generator's address; OpenAI's unless given.")] = None,
    validator_base_url: Annotated[str | None, typer.Option(help="The validator's; the same unless given.")] = None,
    key_env: Annotated[str, typer.Option(help="The variable that holds the generator's key.")] = "OPENAI_API_KEY",
    validator_key_env: Annotated[str | None, typer.Option(help="The validator's; the same unless given.")] = None,
    generator_tokens: Annotated[int, typer.Option(help="Of an answer, at most.")] = 1000,
    validator_tokens: Annotated[int, typer.Option(help="Of an answer, at most, reasoning included.")] = 4000,
    timeout: Annotated[float, typer.Option(help="Seconds that an answer may take.")] = 120.0,
    budget: Annotated[float | None, typer.Option(min=0, metavar="USD", help="What both models may cost.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count calls and price; send nothing.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Passages worked on at once, by each worker.")] = 16,
    ray: RayAddress = None,
    workers: Workers = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Read at most so many passages.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="With rules: how many rows.")] = 100_000,
    seed: Annotated[int, typer.Option(help="With rules: another seed, other rows.")] = 0,
    exclude: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="A test set; nothing of it gets in (repeatable).")
    ] = None,
    views: Annotated[
        str, typer.Option(help="Rows of their own for altered requests: none, polarity, all.")
    ] = "polarity",
    partial: Annotated[bool, typer.Option("--partial", help="Keep rows that lost one poisoned negative.")] = False,
    confidence: Annotated[float, typer.Option(min=0, max=1, help="How sure the validator must be.")] = 0.6,
    candidates: Annotated[int, typer.Option(min=1, max=20, help="Passages looked at for a negative.")] = 5,
    balance: Annotated[float, typer.Option(help="No kind of instruction above so many medians; 0: off.")] = 2.0,
    dev: Annotated[float, typer.Option(min=0, max=1, help="Share of passages in the dev split.")] = 0.05,
    licence: Annotated[str, typer.Option(help="Of the source; carried into every row.")] = "",
    prompts: Annotated[Path | None, typer.Option(metavar="DIR", help="Prompt files in place of ours.")] = None,
    cache: Annotated[Path | None, typer.Option(help="The answer cache; one for all of Heedful unless given.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Count unusable entries and go on.")] = False,
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Make triplets with poisoned negatives. The same command goes on where an earlier one was cut off."""
    from heedful.errors import BadInput, BudgetSpent, Upstream

    if generator == "rules":
        if ray is not None or workers is not None:
            raise BadInput(
                "--ray, --workers: found with --generator rules, which makes rows in one pass; leave them out (they "
                "may have made the index that the rows come from)"
            )
        _by_rules(source, out, rows, seed, list(exclude or ()), dev, licence, format)
        return
    if not validator:
        raise BadInput("--validator: found none; expected a second chat model (or --generator rules, which needs none)")

    from heedful.synthesize.models import Endpoint
    from heedful.synthesize.pipeline import synthesize
    from heedful.synthesize.prepare import prepare

    if generator == validator:
        note(f"warning: {validator} judges what it wrote itself; a second, reasoning model is stricter")
    first = Endpoint(model=generator, base_url=base_url, key_env=key_env, max_tokens=generator_tokens, timeout=timeout)
    second = Endpoint(
        model=validator,
        base_url=validator_base_url or base_url,
        key_env=validator_key_env or key_env,
        max_tokens=validator_tokens,
        timeout=timeout,
    )
    by = (None, None, None) if dry_run else (budget, ray, workers)
    with _hands((first, second), *by, concurrency=concurrency, cache=cache, dry=dry_run) as (both, mapper, done):
        job = prepare(
            source,
            out,
            *both,
            index=index,
            exclude=exclude or (),
            prompts=prompts,
            candidates=candidates,
            partial=partial,
            confidence=confidence,
            views=views,  # type: ignore[arg-type]
            balance=balance,
            dev=dev,
            licence=licence,
            limit=limit,
            skip_bad=skip_bad,
            tokens=(generator_tokens, validator_tokens),
        )
        if dry_run:
            from heedful.cli.estimate import print_estimate
            from heedful.synthesize.estimate import estimate

            found = estimate(job)
            if format is Format.table:
                note(f"{found['passages']['left']:,} of {found['passages']['used']:,} passages are left to do")
            print_estimate(found, budget, format, "prompt")
            return
        with _reporting(lambda: done()["cost"]) as track:
            report = synthesize(job, mapper, track)
        report["this_run"] = done()
    if format is Format.json:
        print_json(report)
    else:
        print_report(report, out)
    if report["stopped"]:
        raise BudgetSpent(f"{report['stopped']} (the rows made so far are in {out})")
    if report["passages"]["unanswered"]:
        count, reason = report["passages"]["unanswered"], report["passages"]["reason"]
        raise Upstream(f"{count} passages got no answer ({reason}); the same command asks again for them alone")


@contextmanager
def _hands(
    ends: tuple[Endpoint, Endpoint],
    budget: float | None,
    ray: str | None,
    workers: int | None,
    *,
    concurrency: int,
    cache: Path | None,
    dry: bool,
) -> Iterator[tuple[tuple[Model, Model], Mapper, Callable[[], dict[str, float]]]]:
    """The two models, who does the work, and what to call for what this run has done so far (by `COUNTS`)."""
    from heedful.chat import Purse
    from heedful.chat.account import COUNTS
    from heedful.synthesize.models import opened, travelling
    from heedful.synthesize.workers import ThreadMapper

    with mapper_of(ray, workers, threads=concurrency, gpus=False) as mapper:
        if mapper is not None:
            from heedful.scale import RayAccount

            account = RayAccount(budget)
            yield travelling(*ends, account, concurrency=concurrency, cache=cache), mapper, account.tally
            return
        with Purse(budget), opened(*ends, concurrency=concurrency, cache=cache, dry=dry) as both:
            spendings = [model.chat.spending for model in both]  # type: ignore[attr-defined]

            def done() -> dict[str, float]:
                return {name: sum(getattr(spending, name) for spending in spendings) for name in COUNTS}

            yield both, ThreadMapper(concurrency), done


def print_report(report: dict[str, Any], out: Path) -> None:
    """Acceptance by stage and reason, cost by prompt, and what came of it."""
    from heedful.cli.output import wide_console
    from heedful.cli.tables import rows_table

    console = wide_console()
    stages = {
        row["stage"]: {
            "reached": f"{row['reached']:,}",
            "passed": f"{row['passed']:,}",
            "share": f"{100 * row['passed'] / row['reached']:.1f} %",
        }
        for row in report["stages"]
    }
    rows_table(console, "acceptance", stages, "stage")
    dropped = {
        f"{row['stage']}: {reason}": {"how many": f"{count:,}"}
        for row in report["stages"]
        for reason, count in row["reasons"].items()
    }
    if dropped:
        rows_table(console, "dropped", dropped, "stage and reason")
    if report["costs"]:
        rows_table(
            console, "cost, kept answers included", {row["prompt"]: _cost(row) for row in report["costs"]}, "prompt"
        )
    total, passages, run = sum(report["rows"].values()), report["passages"], report["this_run"]
    split = ", ".join(f"{name} {count:,}" for name, count in report["rows"].items())
    console.print(f"{out}: {total:,} rows ({split}) of {report['groups']:,} passages; {passages['used']:,} were usable")
    origins = report["negatives"]
    if sum(origins.values()):
        share = 100 * origins.get("corpus", 0) / sum(origins.values())
        console.print(f"{share:.0f} % of the negatives are passages of the collection, the others were written")
    each = "" if report["cost_per_row"] is None else f", ${report['cost_per_row']:.5f} a row"
    cost = "of unknown cost" if report["cost"] is None else f"${report['cost']:.4f}{each}"
    console.print(
        f"all calls: {cost}; this run sent {run['calls']:,}, found {run['cached']:,} kept, paid ${run['cost']:.4f}"
    )


def _cost(row: dict[str, Any]) -> dict[str, str]:
    return {
        "model": row["model"],
        "calls": f"{row['calls']:,}",
        "repaired": f"{row['repairs'] - row['malformed']:,} of {row['repairs']:,}",
        "tokens in": f"{row['prompt_tokens']:,}",
        "out": f"{row['completion_tokens']:,}",
        "cost": "unknown" if row["cost"] is None else f"${row['cost']:.4f}",
    }


@contextmanager
def _reporting(spent: Callable[[], float]) -> Iterator[Track]:
    """What to call as passages get done: one line that is rewritten on a terminal, else a line at times."""
    terminal = sys.stderr.isatty()
    every, last = (0.5 if terminal else _EVERY), time.monotonic() - (0 if terminal else _EVERY - 3)

    def tell(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last < every:
            return
        last = time.monotonic()
        text = said(progress, spent())
        if terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        else:
            note(text)

    try:
        yield tell
    finally:
        if terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def said(progress: Progress, spent: float) -> str:
    """Progress as a line: how far, rate, time left, accepted, dollars."""
    new = progress.done - progress.found
    left = progress.seconds_left
    parts = [f"{progress.done:,} of {progress.total:,} passages", f"{progress.rate:.1f} a second"]
    parts.append("" if left is None else f"{_span(left)} left")
    parts.append(f"{100 * progress.made / new:.0f} % judged sound" if new else "")
    parts.append(f"{progress.unanswered} without an answer" if progress.unanswered else "")
    return ", ".join(filter(None, parts)) + f", ${spent:.4f} spent"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _by_rules(
    source: Path, out: Path, rows: int, seed: int, exclude: list[Path], dev: float, licence: str, format: Format
) -> None:
    from heedful.cli.output import progress
    from heedful.errors import BadInput
    from heedful.index import Index
    from heedful.synthesize.overlap import overlapping, read_test_sets
    from heedful.synthesize.parquet import write_triplets
    from heedful.synthesize.pipeline import REPORT, write_json
    from heedful.synthesize.rules import Tally, generate
    from heedful.synthesize.sources import is_index

    if not is_index(source):
        raise BadInput(f"{source}: found no index; --generator rules needs one (heedful index {source} --out FOLDER)")
    index = Index.open(source)
    left_out: dict[str, str] = {}
    if exclude:
        from heedful.synthesize.sources import indexed

        documents = progress(indexed(index), "comparing with the test sets", len(index))
        left_out = overlapping(documents, read_test_sets(exclude))
    tally = Tally()
    made = generate(index, count=rows, seed=seed, exclude=left_out, dev=dev, licence=licence, tally=tally)
    counts = write_triplets(progress(made, "making rows", rows), out)
    report = {
        "source": str(source),
        "generator": "rules",
        "rows": dict(counts),
        "left_out": len(left_out),
        "seed": seed,
        "stages": tally.stages(),
    }
    write_json(out / REPORT, report)
    if format is Format.json:
        print_json(report)
    else:
        split = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        print(f"{out}: {sum(counts.values()):,} rows ({split}); {len(left_out):,} documents overlap a test set")
