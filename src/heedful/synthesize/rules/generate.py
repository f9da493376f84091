"""Triplets from an index, by rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from heedful.synthesize.rows import Triplet

if TYPE_CHECKING:
    from heedful.index.reading import Index

RULES = "rules"  # the generator's name in a row's provenance


def generate(
    index: Index,
    *,
    count: int,
    seed: int = 0,
    exclude: Collection[str] = (),
    dev: float = 0.05,
    licence: str = "",
) -> Iterator[Triplet]:
    """At most `count` rows, each in its split, the same for the same arguments.

    index: with sentence labels and aspect vectors. exclude: ids that occur nowhere in a row (papers of a test set,
    and near-duplicates of them; see `heedful.synthesize.overlap`). dev: the share of documents kept for the dev split.
    Fewer rows come where the collection yields no more. Raises BadInput for a collection without aspects.
    """
    raise NotImplementedError
    yield  # pragma: no cover
