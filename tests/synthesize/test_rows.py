from __future__ import annotations

from dataclasses import replace

import pytest
from tests.synthesize.made import triplet

from heedful.errors import BadInput
from heedful.synthesize.rows import Negative, Passage, check, part_of, split_of, with_split


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"positive": Passage("p0", " ")}, "positive.text"),
        ({"id": ""}, "id"),
        ({"query": "", "instruction": ""}, "neither query nor instruction"),
        ({"split": "test"}, "'test'"),
        ({"negatives": (Negative(Passage("n", "x"), "odd"),)}, "'odd'"),
        ({"negatives": (Negative(Passage("n", "")),)}, "negatives[0]"),
        ({"negatives": (Negative(Passage("p0", "other")),)}, "among its negatives"),
    ],
)
def test_a_row_that_cannot_be_trained_on_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match="row 7: found") as error:
        check(triplet(0, **change), "row 7")
    assert said in str(error.value)


def test_documents_are_dealt_into_splits_by_their_ids_alone() -> None:
    parts = [part_of(f"d{n}", 0.2) for n in range(5_000)]
    assert 0.17 < parts.count("dev") / 5_000 < 0.23
    assert part_of("d1", 0) == "train" and part_of("d1", 1) == "dev"


def test_a_row_of_two_splits_is_left_out() -> None:
    dev = next(id for id in map(str, range(99)) if part_of(id, 0.3) == "dev")
    train = next(id for id in map(str, range(99)) if part_of(id, 0.3) == "train")
    assert split_of([dev, dev], 0.3) == "dev" and split_of([dev, train], 0.3) is None
    row = triplet()
    mixed = replace(row, provenance=replace(row.provenance, sources=(dev, train)))
    assert with_split(mixed, 0.3) is None
    moved = with_split(replace(row, provenance=replace(row.provenance, sources=(dev,))), 0.3)
    assert moved is not None and moved.split == "dev"
