"""From options to a job: which prompts, which index, which recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from heedful.seams import DocumentEncoder
from heedful.synthesize.asking import Model
from heedful.synthesize.assembling import Assembly, Views
from heedful.synthesize.candidates import IndexNeighbours, Neighbours, NoNeighbours
from heedful.synthesize.overlap import TestSets, read_overlap_list, read_test_sets
from heedful.synthesize.pipeline import Job, recipe_of
from heedful.synthesize.prompting import load_prompts
from heedful.synthesize.sources import is_index
from heedful.synthesize.stages import Maker


def prepare(
    source: Path,
    out: Path,
    generator: Model,
    validator: Model,
    *,
    index: Path | None = None,
    encoder: DocumentEncoder | None = None,
    exclude: Sequence[Path] = (),
    prompts: Path | None = None,
    candidates: int = 5,
    partial: bool = False,
    confidence: float = 0.6,
    views: Views = "polarity",
    balance: float = 2.0,
    dev: float = 0.05,
    licence: str = "",
    limit: int | None = None,
    skip_bad: bool = False,
    tokens: tuple[int, int] = (0, 0),
) -> Job:
    """The job of these options; docs/synthesize.md says what they mean.

    index: where negatives are looked for; the source where that is one. encoder: the index's, loaded by name unless
    given. exclude: test folders. tokens: the models' limits, for the recipe. Raises BadInput, Missing, Mismatch.
    """
    asked = load_prompts(prompts)
    overlaps = overlaps_of(source, exclude)
    searched = index or (source if is_index(source) else None)
    near: Neighbours = NoNeighbours()
    recipe: dict[str, object] = {"index": "", "exclude": sorted(folder.resolve().name for folder in exclude)}
    if searched is not None:
        near = IndexNeighbours(searched, dev=dev, encoder=encoder, overlaps=overlaps)
        recipe["index"] = near.index.manifest.digest
    assembly = Assembly(
        views=views,
        balance=balance,
        dev=dev,
        licence=licence,
        models=(generator.name, validator.name),
        templates=tuple(f"{name}:{hash}" for name, hash in asked.hashes().items()),
        confidence=confidence,
        overlaps=overlaps,
    )
    maker = Maker(generator, validator, asked, near, candidates=candidates, partial=partial, confidence=confidence)
    return Job(
        source=source,
        out=out,
        maker=maker,
        recipe=recipe_of(maker, assembly, tokens=list(tokens), **recipe),
        assembly=assembly,
        limit=limit,
        skip_bad=skip_bad,
        overlaps=overlaps,
    )


def overlaps_of(source: Path, folders: Sequence[Path]) -> TestSets | None:
    """Whether a passage is of a test set: of these folders, or by the source's own list of ids to leave out."""
    listed = read_overlap_list(source if source.is_dir() else source.parent)
    return read_test_sets(folders, listed) if folders or listed else None
