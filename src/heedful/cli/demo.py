"""`heedful demo`: the sample collection, one seed, three instructions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.explore import print_comparison, print_exploration
from heedful.cli.output import Format, note, print_json, progress


def command(
    out: Annotated[Path | None, typer.Option(help="Keep the index here; without it the cache is used.")] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="ID", help="Another document of the sample to start from.")
    ] = None,
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Index the sample collection and look at one seed under three instructions, with evidence and moves."""
    from heedful import sample
    from heedful.cache import cache_folder
    from heedful.corpus import read_documents
    from heedful.encode import load_encoder
    from heedful.explore import Explorer
    from heedful.index import Index, build_index

    path = out or cache_folder() / "demo"
    encoder = load_encoder()
    documents = progress(read_documents([sample.folder()]), "encoding the sample collection")
    report = build_index(documents, path, encoder)
    explorer = Explorer(Index.open(path), encoder)
    note(f"{len(explorer.index)} abstracts indexed in {path} ({report.seconds:.0f} s)")
    comparison = explorer.compare(seed or sample.SEED, list(sample.INSTRUCTIONS), k=5)
    if format is Format.json:
        print_json(comparison.to_dict())
        return
    (document,) = explorer.index.documents([seed or sample.SEED])
    print(f"\nSeed {document.id}: {document.title}\n\n{document.text}\n")
    for exploration in comparison.explorations:
        print_exploration(exploration)
    print("The same side by side: each document's rank under each instruction.\n")
    print_comparison(comparison)
    print(f'Next:  heedful explore {path} --seed {document.id} --instruction "a different method, same topic"')
