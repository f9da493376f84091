"""Moves, delivery and their words, on rankings that can be checked by hand."""

from __future__ import annotations

import pytest

from heedful.evaluate.diagnosis import Delivery, Estimate, Moves, SystemDiagnosis, VariantResult
from heedful.evaluate.diagnosis_compute import delivery, kendall, moves
from heedful.evaluate.diagnosis_words import verdict
from heedful.evaluate.following import PMRR, Null
from heedful.records import Hit

TEN = [f"d{i}" for i in range(10)]


def hits(ids: list[str]) -> list[Hit]:
    return [Hit(id, float(-rank)) for rank, id in enumerate(ids)]


def test_a_ranking_has_not_moved_from_itself():
    assert moves([(hits(TEN), hits(TEN))]) == Moves(1, 1, 0, 1, 1)


def test_a_reversed_ranking_turns_tau_and_keeps_the_top_ten():
    found = moves([(hits(TEN), hits(TEN[::-1]))])
    assert found.tau == pytest.approx(-1) and found.turnover == 0 and found.same == 0
    assert found.rbo < 0.7


def test_turnover_counts_what_is_new_in_the_top():
    found = moves([(hits([*TEN, "x", "y"]), hits(["x", "y", *TEN[:8], "d8", "d9"]))])
    assert found.turnover == pytest.approx(0.2)


def test_nothing_to_compare_is_nothing():
    assert moves([]) is None and delivery([]) is None


def test_tau_is_over_what_both_rank():
    assert kendall(["a", "b", "c", "x"], ["c", "y", "b", "a"]) == -1
    assert kendall(["a"], ["a", "b"]) == kendall([], []) == 1


def test_delivery_counts_inputs_that_differ():
    assert delivery([(("a",), ("a",)), (("a",), ("b",))]) == Delivery(1, 2)


def test_one_unknown_input_makes_delivery_unknown():
    assert delivery([(("a",), None)]) is None


@pytest.mark.parametrize(
    ("net", "kind", "words"),
    [
        (2.0, "barely followed", "barely follows it: net p-MRR +2.0 [+1.0, +3.0] above its null is 2 %"),
        (9.0, "followed", "Follows the aspect"),
    ],
)
def test_following_that_is_shown_and_small_is_called_barely(net: float, kind: str, words: str):
    found = PMRR(
        value=net, low=net - 1, high=net + 1, net=net, net_low=net - 1, net_high=net + 1, null=Null(0.0, -0.5, 0.5),
        ceiling=80.0, topics=30, documents=200,
    )  # fmt: skip
    base = VariantResult(
        label="base", variant="base", wording=0, about="", relevance={"all": Estimate(0.5)}, following=found,
        following_by={}, between=Moves(0.9, 0.9, 0.1, 0, 30), from_empty=None, from_base=None,
        pairs=Delivery(30, 30), topics=None,
    )  # fmt: skip
    system = SystemDiagnosis(name="s", kind="not judged", verdict="", results={"base": base})
    said = verdict(system, "aspect")
    assert said[0] == kind and words in said[1]
