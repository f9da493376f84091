"""Ranks, held against the plain version."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from heedful.errors import BadInput
from heedful.evaluate.ranks import NEAREST, Ranking, ideal_ranks, nearest, plain_ranks
from heedful.records import Hit


@pytest.mark.parametrize("values", [3, 10_000])  # ties everywhere, ties nowhere
def test_ranks_are_those_of_the_plain_version(values: int):
    draw = random.Random(values)
    for _ in range(50):
        ids = draw.sample([f"d{i}" for i in range(60)], 30)
        scores = {id: float(score) for id, score in zip(ids, draw.sample(range(values * 30), 30), strict=True)}
        scores = {id: score % values for id, score in scores.items()}
        plain = plain_ranks(scores)
        ranking = Ranking(scores)
        asked = [f"d{i}" for i in range(60)]
        assert ranking.ranks(asked).tolist() == [plain.get(id, 31) for id in asked]
        assert ranking.order == list(plain)


@pytest.mark.parametrize("scores", [[2.0, float("nan"), 1.0], [float("nan")], [1.0, float("nan")]])
def test_a_score_that_is_nan_is_refused_wherever_it_stands(scores: list[float]):
    with pytest.raises(BadInput, match="'t' has a score that is NaN"):
        Ranking([Hit(f"d{i}", score) for i, score in enumerate(scores)], "t")


def test_infinite_scores_and_none_at_all_are_ranked():
    assert Ranking({"a": -math.inf, "b": math.inf, "c": 0.0}).order == ["b", "c", "a"]
    assert Ranking(()).ranks(["a"]).tolist() == [1]


def test_in_single_precision_near_scores_are_ties():
    ranking = Ranking({"a": 1 + 1e-12, "b": 1.0})
    assert ranking.order == ["a", "b"]
    assert ranking.in_single_precision().order == ["b", "a"]


def test_ideal_ranks_are_those_of_grades_as_scores():
    draw = random.Random(2)
    candidates = sorted(f"d{i}" for i in range(40))
    grades = {id: draw.choice([0, 1, 2, -1]) for id in draw.sample(candidates, 25)} | {"elsewhere": 2, "a": 1}
    plain = plain_ranks({id: float(grades.get(id, 0)) for id in candidates})
    assert ideal_ranks(grades, candidates, candidates).tolist() == [plain[id] for id in candidates]


def test_the_nearest_are_those_that_a_full_sort_finds():
    draw = random.Random(4)
    for size in (0, 1, 3, 4, 9, 30):
        ranks = np.array(sorted(draw.sample(range(1, 60), size)), dtype=np.int64)
        to = np.array([r for r in range(1, 61) if r not in ranks.tolist()][:20], dtype=np.int64)
        at, exist = nearest(ranks, to)
        for row, there, rank in zip(at, exist, to, strict=True):
            plain = sorted(ranks.tolist(), key=lambda r: (abs(r - rank), r))[:NEAREST]
            assert ranks[row[there]].tolist() == plain
