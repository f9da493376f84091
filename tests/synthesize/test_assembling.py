from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthesize.pretended import maker, passage

from heedful.errors import BadInput
from heedful.synthesize.assembling import Assembly, Funnel, assemble, rows_of
from heedful.synthesize.drafts import Outcome
from heedful.synthesize.judging import stands
from heedful.synthesize.ledger import Ledger
from heedful.synthesize.parquet import read_triplets
from heedful.synthesize.rows import Triplet, check, part_of
from heedful.synthesize.sources import Item

HOW = Assembly(dev=0.0, models=("gen", "val"), licence="CC0-1.0")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "work" / "ledger.sqlite", {})
    yield opened
    opened.close()


def outcome(number: int, kind: str = "content") -> Outcome:
    made = maker()(Item(number, passage(number)))
    assert made.draft is not None
    return replace(made, draft=replace(made.draft, manner={"kinds": kind, "lengths": "short", "styles": "plain"}))


def reasons(funnel: Funnel) -> dict[str, dict[str, int]]:
    return {str(row["stage"]): row["reasons"] for row in funnel.stages() if row["reasons"]}  # type: ignore[misc]


def made(ledger: Ledger, out: Path, how: Assembly = HOW) -> tuple[list[Triplet], Funnel]:
    funnel = Funnel()
    counts = assemble(ledger, out, how, funnel)
    rows = list(read_triplets(out)) if sum(counts.values()) else []
    assert len(rows) == sum(counts.values())
    return rows, funnel


@pytest.mark.parametrize(
    ("views", "extra"),
    [("none", []), ("polarity", ["polarity"]), ("all", ["poisoned-instruction", "poisoned-query", "polarity"])],
)
def test_views_turn_a_negative_into_a_positive_of_its_own_request(views: str, extra: list[str]) -> None:
    one = outcome(0)
    assert one.draft is not None
    rows = list(rows_of(one, stands(one.draft, 0.6), replace(HOW, views=views)))  # type: ignore[arg-type]
    main, *others = [check(row, row.id) for row in rows]
    assert [negative.kind for negative in main.negatives] == ["poisoned-instruction", "poisoned-query", "polarity"]
    assert [row.provenance.details["view"] for row in others] == extra
    for row, kind in zip(others, extra, strict=True):
        negative = main.first(kind)
        assert negative is not None
        assert row.positive == negative.passage
        (back,) = row.negatives
        assert back.passage == main.positive
        assert (row.query, row.instruction) == (negative.query or main.query, negative.instruction or main.instruction)
        assert (back.query or row.query, back.instruction or row.instruction) == (main.query, main.instruction)


def test_a_row_says_where_it_came_from_and_what_was_said_of_it() -> None:
    one = outcome(0)
    assert one.draft is not None
    main, view = rows_of(one, stands(one.draft, 0.6), HOW)
    source = main.provenance
    assert (source.generator, source.validator, source.licence) == ("gen", "val", "CC0-1.0")
    assert source.sources == ("p000",)  # generated passages are no documents of the collection
    assert len(source.verdicts) == 10
    assert {(v.side, v.against, v.satisfied) for v in source.verdicts} == {
        ("positive", "original", True),
        ("positive", "poisoned", False),
        *(
            (side, against, against == "poisoned")
            for side in ("poisoned-instruction", "poisoned-query", "polarity")
            for against in ("original", "poisoned")
        ),
    }
    assert source.cost_usd > 0
    assert view.provenance.cost_usd == 0.0  # counted once a group
    assert view.provenance.group == source.group


def test_rows_that_say_the_same_again_are_left_out(tmp_path: Path, ledger: Ledger) -> None:
    first, second = outcome(0), outcome(1)
    assert first.draft is not None and second.draft is not None
    same = replace(
        second, draft=replace(second.draft, query=first.draft.query, instruction=first.draft.instruction.upper())
    )
    for one in (first, same):
        ledger.add(one)
    rows, funnel = made(ledger, tmp_path)
    assert {row.provenance.group for row in rows} == {first.item.key}
    assert reasons(funnel) == {"near-duplicate": {"said before": 1}}


def test_whatever_overlaps_a_test_set_takes_its_row_along(tmp_path: Path, ledger: Ledger) -> None:
    first, second = outcome(0), outcome(1)
    assert second.draft is not None
    for one in (first, second):
        ledger.add(one)
    secret = second.draft.altered[1].query  # not even the text of a poisoned query
    rows, funnel = made(ledger, tmp_path, replace(HOW, overlaps=lambda passage: secret in passage.text))
    assert {row.provenance.group for row in rows} == {first.item.key}
    assert reasons(funnel) == {"overlap": {"overlaps a test set": 1}}


def test_a_kind_with_many_is_cut_and_always_by_the_same_rows(tmp_path: Path, ledger: Ledger) -> None:
    kinds = ["content"] * 8 + ["result"] * 2 + ["method"] * 2
    for number, kind in enumerate(kinds):
        ledger.add(outcome(number, kind))
    rows, funnel = made(ledger, tmp_path)
    groups = {row.provenance.group: row.provenance.kind for row in rows}
    assert sorted(groups.values()) == ["content"] * 4 + ["method"] * 2 + ["result"] * 2
    assert reasons(funnel) == {"balance": {"a kind with many": 4}}
    again, _ = made(ledger, tmp_path)
    assert again == rows
    everything, _ = made(ledger, tmp_path, replace(HOW, balance=0))
    assert len({row.provenance.group for row in everything}) == 12


def test_rows_go_to_the_split_of_their_passage_with_all_their_views(tmp_path: Path, ledger: Ledger) -> None:
    for number in range(8):
        ledger.add(outcome(number))
    rows, _ = made(ledger, tmp_path, replace(HOW, dev=0.5, balance=0))
    assert {row.split for row in rows} == {"train", "dev"}
    assert all(row.split == part_of(row.provenance.sources[0], 0.5) for row in rows)


def test_nothing_at_all_makes_an_empty_set(tmp_path: Path, ledger: Ledger) -> None:
    rows, funnel = made(ledger, tmp_path)
    assert rows == []
    assert funnel.stages() == []


@pytest.mark.parametrize(
    ("options", "told"),
    [({"views": "some"}, "--views"), ({"balance": 0.5}, "--balance"), ({"likeness": 0}, "--likeness")],
)
def test_options_out_of_range_are_told(options: dict, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        Assembly(**options)
