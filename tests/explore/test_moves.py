from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heedful.explore.moves import judge, moved, rank_biased_overlap
from heedful.records import Hit

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def ranking(ids: str) -> list[Hit]:
    return [Hit(id, float(len(ids) - i)) for i, id in enumerate(ids)]


def test_overlap_of_equal_rankings_is_one():
    assert rank_biased_overlap("abc", "abc") == pytest.approx(1)


def test_overlap_of_disjoint_rankings_is_zero():
    assert rank_biased_overlap("abc", "def") == 0


def test_a_swap_at_the_top_costs_more_than_one_at_the_bottom():
    assert rank_biased_overlap("bacdef", "abcdef") < rank_biased_overlap("abcdfe", "abcdef")


@given(st.permutations(LETTERS), st.permutations(LETTERS))
def test_overlap_is_symmetric_and_agrees_with_the_plain_sum(first: list[str], second: list[str]):
    p = 0.9
    shared = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, len(first) + 1)]
    plain = (1 - p) / p * sum(p**d * share for d, share in enumerate(shared, start=1)) + shared[-1] * p ** len(first)
    assert rank_biased_overlap(first, second) == pytest.approx(plain)
    assert rank_biased_overlap(first, second) == pytest.approx(rank_biased_overlap(second, first))


def test_places_gained_are_positive_for_what_rose():
    assert moved(ranking("cab"), ranking("abcd")) == {"c": 2, "a": -1, "b": -1}


def test_what_was_not_ranked_before_has_no_move():
    assert moved(ranking("xa"), ranking("a"))["x"] is None


def part(high: str) -> dict[str, float]:
    return {id: 1.0 if id in high else 0.0 for id in LETTERS}


def test_new_hits_that_answer_are_following():
    heed = judge(ranking(LETTERS[::-1]), ranking(LETTERS), part("qrstuvwxyz"), delivered=True)
    assert heed.verdict == "followed"
    assert heed.turnover == 1
    assert heed.gain > 1


def test_motion_that_answers_nothing_is_not_following():
    heed = judge(ranking(LETTERS[::-1]), ranking(LETTERS), part("abcdefghij"), delivered=True)
    assert heed.verdict == "moved, not followed"
    assert heed.gain < 0


def test_the_same_ranking_ignores():
    assert judge(ranking(LETTERS), ranking(LETTERS), part("abc"), delivered=True).verdict == "ignored"


def test_an_empty_plan_was_not_delivered():
    assert judge(ranking(LETTERS[::-1]), ranking(LETTERS), part(""), delivered=False).verdict == "not delivered"


def test_words_that_were_not_understood_are_never_said_to_be_followed():
    heed = judge(ranking(LETTERS[::-1]), ranking(LETTERS), part("qrstuvwxyz"), delivered=True, understood=False)
    assert heed.verdict == "moved, not followed"


def test_no_hits_at_all_is_judged_without_an_error():
    assert judge([], [], {}, delivered=True).verdict == "ignored"
