"""`heedful convert`: triplets in the formats of other tools, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.output import Format, note, print_json, progress


def command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A set of triplets in any known format.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for heedful, else a .jsonl or .parquet file.")],
    to: Annotated[
        str, typer.Option(help="heedful, inf-ir, promptriever, followir-train or sentence-transformers.")
    ] = "heedful",
    plain: Annotated[
        bool, typer.Option("--plain", help="No column `heedful` with what the format has no place for.")
    ] = False,
    skip_unfit: Annotated[
        bool, typer.Option("--skip-unfit", help="Leave out, and count, what the format cannot say.")
    ] = False,
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.table,
) -> None:
    """Convert triplets between formats; says what is lost."""
    from heedful.synthesize.convert import convert

    report = convert(source, out, to, plain=plain, skip=skip_unfit, track=lambda rows: progress(rows, "converting"))
    if report.lost:
        note(f"warning: {to} has no place for {', '.join(report.lost)}; they are not in {out}")
    for reason, count in report.left_out.items():
        note(f"warning: {count} triplets were left out: {reason}")
    if format is Format.json:
        print_json(report.as_dict() | {"out": str(out)})
    else:
        print(f"{out}: {report.written:,} rows of {to} from {report.rows:,} triplets")
