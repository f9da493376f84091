"""`heedful compact`: join the pieces of an index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.output import Format, note, print_json


def command(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="A folder that `heedful index` made, or s3://...")],
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Join the pieces that many updates leave; needs free space for one more copy of the table."""
    from dataclasses import asdict

    from heedful.index.compact import compact_index, space_needed
    from heedful.index.manifest import read_manifest
    from heedful.index.objects import locate
    from heedful.index.store import Store

    place = locate(index)
    needed = space_needed(place, Store.open(place, read_manifest(place).version))
    note(f"{place}: compacting; it may take {needed / 1e6:,.1f} MB more for a while")
    report = compact_index(str(place))
    if format is Format.json:
        print_json({"index": str(place), **asdict(report)})
    else:
        print(
            f"{place}: {report.pieces_before} pieces are now {report.pieces}; the table takes "
            f"{report.bytes / 1e6:,.1f} MB ({report.bytes_before / 1e6:,.1f} before)"
        )
