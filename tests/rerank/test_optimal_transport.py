from __future__ import annotations

import numpy as np
import pytest

from heedful.rerank.optimal_transport import sinkhorn


def problem(n: int, q: int, c: int, scale: float = 2.0, seed: int = 0):
    draw = np.random.default_rng(seed)
    return draw.random((n, q, c)) * scale, draw.dirichlet(np.ones(q), n), draw.dirichlet(np.ones(c), n)


@pytest.mark.parametrize(("scale", "blur"), [(2.0, 0.05), (2.0, 0.5), (8.0, 0.05), (0.01, 0.05)])
def test_plans_are_those_of_pot(scale: float, blur: float):
    ot = pytest.importorskip("ot")
    cost, rows, columns = problem(5, 6, 9, scale)
    plans = sinkhorn(cost, rows, columns, blur=blur)
    for one in range(5):
        theirs = ot.sinkhorn(
            rows[one], columns[one], cost[one], blur, method="sinkhorn_log", numItermax=100_000, stopThr=1e-10
        )
        assert abs(plans[one] - theirs).max() < 1e-5
        assert plans[one].max() > 0.01


def test_marginals_are_kept():
    cost, rows, columns = problem(30, 4, 7)
    plans = sinkhorn(cost, rows, columns)
    assert abs(plans.sum(axis=2) - rows).max() < 1e-6
    assert abs(plans.sum(axis=1) - columns).max() < 1e-9


def test_padding_changes_nothing_whatever_stands_in_it():
    cost, rows, columns = problem(3, 4, 5)
    wide = np.full((3, 6, 8), np.nan)
    wide[:, :4, :5] = cost
    plans = sinkhorn(wide, np.pad(rows, ((0, 0), (0, 2))), np.pad(columns, ((0, 0), (0, 3))))
    assert np.allclose(plans[:, :4, :5], sinkhorn(cost, rows, columns), atol=1e-7)
    assert plans[:, 4:].sum() == 0 and plans[:, :, 5:].sum() == 0


def test_one_sentence_against_one_carries_everything():
    assert sinkhorn(np.array([[[3.0]]]), np.ones((1, 1)), np.ones((1, 1)))[0, 0, 0] == pytest.approx(1)


def test_no_problems_give_no_plans():
    assert sinkhorn(np.zeros((0, 2, 3)), np.zeros((0, 2)), np.zeros((0, 3))).shape == (0, 2, 3)


def test_a_small_blur_finds_the_cheapest_assignment():
    scipy = pytest.importorskip("scipy.optimize")
    cost, _, _ = problem(1, 6, 6, seed=3)
    even = np.full((1, 6), 1 / 6)
    plan = sinkhorn(cost, even, even, blur=0.005, most=20_000)
    rows, columns = scipy.linear_sum_assignment(cost[0])
    assert (plan[0].argmax(axis=1)[rows] == columns).all()
    assert (plan * cost).sum() == pytest.approx(cost[0][rows, columns].mean(), abs=1e-3)
