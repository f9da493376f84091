"""`heedful compare`: one start under several instructions, side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from heedful.cli.explore import (
    Aspect,
    Avoid,
    IndexPath,
    K,
    Query,
    SeedFile,
    Seeds,
    SeedText,
    Steer,
    Unlike,
    Where,
    print_comparison,
    read_text,
)
from heedful.cli.output import Format, note, print_json


def command(
    index: IndexPath,
    instruction: Annotated[list[str], typer.Option("--instruction", "-i", help="Give at least two; '' is none.")],
    seed: Seeds = None,
    seed_text: SeedText = None,
    seed_file: SeedFile = None,
    query: Query = None,
    unlike: Unlike = None,
    aspect: Aspect = None,
    avoid: Avoid = None,
    where: Where = None,
    steer: Steer = None,
    k: K = 10,
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """See how the ranking moves between instructions."""
    from heedful.explore import open as open_index

    comparison = open_index(index).compare(
        seed or None,
        instruction,
        text=read_text(seed_text, seed_file),
        query=query,
        unlike=unlike or (),
        aspect=aspect,
        avoid=avoid or (),
        where=where,
        steer=steer,
        k=k,
    )
    for warning in dict.fromkeys(warning for each in comparison.explorations for warning in each.warnings):
        note(f"warning: {warning}")
    if format is Format.json:
        print_json(comparison.to_dict())
    else:
        print_comparison(comparison)
