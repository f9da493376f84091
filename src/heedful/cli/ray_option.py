"""`--ray [ADDRESS]`: an option whose value may be left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from heedful.scale import RayMapper

RayAddress = Annotated[
    str | None,
    typer.Option("--ray", metavar="[ADDRESS]", help="Work by Ray: here, or on the cluster at HOST:PORT (or auto)."),
]
Workers = Annotated[int | None, typer.Option(min=1, metavar="N", help="Ray workers; else one a GPU, or one a CPU.")]


def with_addresses(arguments: Sequence[str]) -> list[str]:
    """The arguments with `local` put in where --ray stands without an address."""
    from heedful.scale.cluster import LOCAL, is_address

    found: list[str] = []
    for at, argument in enumerate(arguments):
        found.append(argument)
        if argument == "--ray" and not (at + 1 < len(arguments) and is_address(arguments[at + 1])):
            found.append(LOCAL)
    return found


@contextmanager
def mapper_of(address: str | None, workers: int | None, **options: Any) -> Iterator[RayMapper | None]:
    """The mapper that was asked for, None where none was. options: of `RayMapper`. BadInput for --workers alone."""
    if address is None:
        if workers is not None:
            from heedful.errors import BadInput

            raise BadInput("--workers is about Ray; give --ray too")
        yield None
        return
    from heedful.cli.output import note
    from heedful.scale import RayMapper

    note(f"connecting to Ray ({address})")
    with RayMapper(address, workers=workers, **options) as mapper:
        note(f"{mapper.workers} Ray workers")
        yield mapper
