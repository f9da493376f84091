"""Paired comparisons of systems."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel

from heedful.errors import BadInput
from heedful.evaluate.significance import compare, compare_all, holm, randomisation


def topics(values) -> dict[str, float]:
    return {f"t{i}": float(v) for i, v in enumerate(values)}


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_exact_randomisation_test_by_hand():
    assert randomisation(np.array([1.0, 1.0, 1.0])) == 2 / 8
    assert randomisation(np.array([0.0, 0.0])) == 1.0


def test_the_drawn_randomisation_test_is_near_the_exact_one(monkeypatch: pytest.MonkeyPatch):
    sums = np.random.default_rng(0).normal(0.5, 1, 12)
    exact = randomisation(sums)
    monkeypatch.setattr("heedful.evaluate.significance.EXACT_UP_TO", 2)
    assert randomisation(sums, 20_000) == pytest.approx(exact, abs=0.01)


def test_without_clusters_the_t_test_is_the_usual_paired_one():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0.1, 1, 40), rng.normal(0, 1, 40)
    assert compare("a", "b", topics(a), topics(b)).p_t == pytest.approx(ttest_rel(a, b).pvalue)


def test_copies_of_a_topic_make_nothing_more_certain():
    rng = np.random.default_rng(3)
    once = rng.normal(0.4, 1, 15)
    twice = np.repeat(once, 2)
    zero = topics(np.zeros(30))
    clusters = {f"t{i}": i // 2 for i in range(30)}
    plain = compare("a", "b", topics(once), topics(np.zeros(15)))
    clustered = compare("a", "b", topics(twice), zero, clusters)
    naive = compare("a", "b", topics(twice), zero)
    assert clustered.p_t == pytest.approx(plain.p_t)
    assert clustered.detectable == pytest.approx(plain.detectable)
    assert naive.p_t < clustered.p_t


def test_a_clear_difference_has_a_winner_and_a_small_one_has_none():
    rng = np.random.default_rng(4)
    base = rng.normal(0.5, 0.1, 30)
    values = {
        "good": topics(base + 0.2 + rng.normal(0, 0.05, 30)),
        "base": topics(base),
        "same": topics(base + rng.normal(0, 0.05, 30)),
    }
    found = {(c.a, c.b): c for c in compare_all(values)}
    assert found["good", "base"].winner == "good" and found["good", "same"].winner == "good"
    assert found["base", "same"].winner is None
    assert abs(found["base", "same"].difference) < found["base", "same"].detectable


def test_the_false_alarms_of_clustered_tests_are_as_rare_as_promised():
    rng = np.random.default_rng(6)
    clusters = {f"t{i}": i // 2 for i in range(32)}
    p_random, p_t = [], []
    for seed in range(300):
        differences = np.repeat(rng.normal(0, 1, 16), 2) + rng.normal(0, 0.5, 32)
        c = compare("a", "b", topics(differences), topics(np.zeros(32)), clusters, draws=500, samples=10, seed=seed)
        p_random.append(c.p_randomisation)
        p_t.append(c.p_t)
    assert 0.02 < np.mean(np.array(p_random) < 0.05) < 0.085
    assert 0.02 < np.mean(np.array(p_t) < 0.05) < 0.085


def test_weights_make_the_mean_of_fold_means():
    c = compare(
        "a", "b", {"x": 1.0, "y": 2.0, "z": 6.0}, dict.fromkeys("xyz", 0.0), weights={"x": 0.75, "y": 0.75, "z": 1.5}
    )
    assert c.difference == pytest.approx((1.5 + 6) / 2)


def test_one_cluster_tells_nothing():
    c = compare("a", "b", {"x": 1.0}, {"x": 0.0})
    assert (c.p_t, c.low, c.winner) == (None, None, None)


def test_other_topics_cannot_be_compared():
    with pytest.raises(BadInput):
        compare("a", "b", {"x": 1.0}, {"y": 1.0})
