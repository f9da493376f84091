"""Intervals of means over clustered topics."""

from __future__ import annotations

import numpy as np
import pytest

from heedful.evaluate.intervals import mean_interval


@pytest.mark.parametrize("shape", ["normal", "skewed", "bounded"])
def test_the_interval_covers_the_truth_as_often_as_it_says_with_sixteen_seeds(shape: str):
    rng = np.random.default_rng(5)
    hits, trials = 0, 600
    for trial in range(trials):
        clusters = np.repeat(np.arange(16), np.where(rng.random(16) < 0.15, 1, 2))
        if shape == "normal":
            values, truth = rng.normal(0, 15, 16)[clusters] + rng.normal(0, 20, len(clusters)), 0.0
        elif shape == "skewed":
            values, truth = rng.exponential(15, 16)[clusters] + rng.exponential(20, len(clusters)), 35.0
        else:
            values = 100 * (rng.beta(2, 1, 16)[clusters] + rng.beta(2, 1, len(clusters))) - 100
            truth = 100 / 3
        low, high = mean_interval(values.tolist(), clusters.tolist(), samples=600, seed=trial)
        hits += low <= truth <= high
    assert 0.92 <= hits / trials <= 0.98  # .93 to .97, and the error of 600 trials


def test_one_cluster_has_no_interval():
    assert mean_interval([1.0, 2.0, 3.0], ["a", "a", "a"]) is None


def test_equal_values_have_an_interval_of_width_nought():
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)


def test_the_interval_stays_inside_the_bounds():
    low, high = mean_interval([100.0, 100.0, 40.0], bounds=(-100, 100))
    assert -100 <= low <= 80 <= high <= 100


def test_a_handful_of_clusters_gets_the_interval_of_students_t():
    values = [3.0, 5.0, 10.0, 6.0]
    low, high = mean_interval(values)
    reach = 3.182446305284263 * np.std(values, ddof=1) / 2  # t of .975 with three degrees of freedom
    assert (low, high) == pytest.approx((6 - reach, 6 + reach))
