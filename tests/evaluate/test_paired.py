"""Paired accuracy, robustness, SICR and WISE, by hand."""

from __future__ import annotations

import pytest

from heedful.evaluate.paired import paired_accuracy, robustness, robustness_at, sicr, wise, wise_of
from heedful.records import Qrels, Run, ranked


def run(**topics: str) -> Run:
    """Rankings from strings: "abc" ranks a first."""
    return Run(
        {topic: ranked({id: float(len(order) - i) for i, id in enumerate(order)}) for topic, order in topics.items()}
    )


OG, CHANGED = Qrels({"t": {"a": 1, "b": 0, "c": 1}}), Qrels({"t": {"a": 0, "b": 1, "c": 1}})


@pytest.mark.parametrize(("before", "after", "value"), [("abc", "bac", 1.0), ("abc", "abc", 0.0), ("bac", "abc", 0.0)])
def test_a_pair_counts_only_when_both_orders_are_right(before: str, after: str, value: float):
    assert paired_accuracy(run(t=before), run(t=after), OG, CHANGED) == {"t": value}


def test_a_document_that_a_run_lacks_ranks_last():
    assert paired_accuracy(run(t="ac"), run(t="bc"), OG, CHANGED) == {"t": 1.0}


def test_a_topic_without_a_pair_is_left_out():
    assert paired_accuracy(run(t="ab"), run(t="ab"), OG, OG) == {}


def test_a_query_is_as_robust_as_its_worst_instruction():
    assert robustness({"q_1": 0.9, "q_2": 0.4, "r_1": 0.1}, {"q_1": "q", "q_2": "q", "r_1": "r"}) == {"q": 0.4}
    qrels = Qrels({"q_1": {"a": 1}, "q_2": {"b": 1}})
    assert robustness_at(run(q_1="ab", q_2="ba"), qrels, {"q_1": "q", "q_2": "q"}, 1) == {"q": 1.0}
    assert robustness_at(run(q_1="ab", q_2="ab"), qrels, {"q_1": "q", "q_2": "q"}, 1) == {"q": 0.0}


@pytest.mark.parametrize(
    ("og", "instructed", "reversed_", "value"),
    [
        (3, 1, 5, 1.0),  # first, from above the five relevant ones
        (6, 2, 9, (1 - 4 / 20) / 2**0.5),
        (8, 1, 9, 1 - 7 / 20),
        (30, 2, 40, 0.01),
        (2, 4, 9, -0.5),  # fell although asked for
        (4, 2, 2, -0.5),  # rose although the reverse was asked for
        (4, 4, 4, 0.0),
    ],
)
def test_wise_rewards_the_right_moves_and_punishes_the_wrong_ones(og, instructed, reversed_, value):
    assert wise_of(og, instructed, reversed_, 5) == pytest.approx(value)


def test_compliance_needs_both_directions():
    og, instructed = Qrels({"t": {"a": 1, "b": 1}}), Qrels({"t": {"a": 0, "b": 1}})
    start, right = run(t="acb"), run(t="bac")
    down = Run({"t": ranked({"a": 3.0, "c": 2.0})})  # b is gone: one past the end is rank 3, as before
    assert sicr(start, right, down, og, instructed) == {"t": 0.0}
    longer = Run({"t": ranked({"a": 3.0, "c": 2.0, "d": 1.5, "b": 0.5})})
    assert sicr(start, right, longer, og, instructed) == {"t": 1.0}
    assert sicr(start, start, longer, og, instructed) == {"t": 0.0}
    assert wise(start, right, longer, og, instructed) == {"t": pytest.approx(1 - 2 / 20)}
