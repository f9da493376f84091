from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heedful.encode.hashing import HashEncoder
from heedful.synthesize.audit.probes import ENOUGH, probe_rows, shortcut_max, solved
from heedful.synthesize.rows import Negative, Passage, Provenance, Triplet

ENCODER = HashEncoder(64)
WORDS = np.array([f"w{n}" for n in range(400)])


def text(rng: np.random.Generator, words: int = 20) -> str:
    return " ".join(rng.choice(WORDS, words))


def balanced(groups: int) -> list[Triplet]:
    """Two passages, each right under one instruction."""
    rng = np.random.default_rng(0)
    rows = []
    for group in range(groups):
        query, sides = text(rng), [Passage(f"{group}{side}", text(rng, 10 + 20 * (side == "a"))) for side in "ab"]
        for at in (0, 1):
            rows.append(
                Triplet(
                    f"{group}-{at}",
                    text(rng, 5),
                    query,
                    sides[at],
                    (Negative(sides[1 - at], "poisoned-instruction"),),
                    Provenance(group=str(group)),
                )
            )
    return rows


def test_a_balanced_set_has_no_shortcut() -> None:
    probes = probe_rows(balanced(300), ENCODER)
    exact = {"longer passage", "similarity to the query", "classifier on the passage", "order of ids"}
    assert {probe.name for probe in probes} >= exact
    for probe in probes:
        assert probe.counts and probe.pairs == 600
        assert probe.low <= 0.5 <= probe.high
        if probe.name in exact:
            assert probe.accuracy == pytest.approx(0.5, abs=1e-9)
    assert (worst := shortcut_max(probes)) is not None and worst < 0.58


def test_a_passage_that_gives_itself_away_is_found_by_its_probe_alone() -> None:
    rows = [
        replace(
            row, positive=Passage(f"p{row.id}", f"therefore {row.positive.text}"), provenance=Provenance(group=row.id)
        )
        for row in balanced(300)
    ]
    found = {probe.name: probe for probe in probe_rows(rows, ENCODER)}
    assert found["classifier on the passage"].accuracy > 0.75
    assert found["similarity to the instruction"].shortcut < 0.6


def test_a_probe_that_is_always_wrong_is_a_shortcut() -> None:
    rows = [row for row in balanced(300) if row.id.endswith("-1")]  # the shorter passage is right, always
    found = {probe.name: probe for probe in probe_rows(rows, None)}
    assert found["longer passage"].accuracy == 0 and found["longer passage"].shortcut == 1
    assert shortcut_max(list(found.values())) == 1


def test_what_a_negative_is_about_is_no_shortcut_to_it() -> None:
    rows = [
        replace(row, negatives=(replace(row.negatives[0], kind="poisoned-query"),), query=row.positive.text)
        for row in balanced(150)
    ]
    found = {probe.name: probe for probe in probe_rows(rows, ENCODER)}
    assert found["similarity to the query"].accuracy > 0.95
    assert not found["similarity to the query"].counts and found["similarity to the query"].why
    assert found["longer passage"].counts


def test_few_pairs_prove_nothing() -> None:
    probes = probe_rows(balanced(ENOUGH // 4), ENCODER)
    assert probes and shortcut_max(probes) is None


def test_rows_that_one_part_solves_are_counted() -> None:
    rows = [replace(row, query=row.positive.text) for row in balanced(50)]
    assert solved(rows, ENCODER)["query"] == 1.0
    assert 0.3 < solved(rows, ENCODER)["instruction"] < 0.7
