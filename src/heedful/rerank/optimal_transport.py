"""Entropic optimal transport, many small problems at once, in the log domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
BLUR = 0.05
STEP = 0.7  # by which the regularization falls to its end value, warm-starting the next


def sinkhorn(
    cost: Doubles,
    rows: Doubles,
    columns: Doubles,
    *,
    blur: float = BLUR,
    tolerance: float = 1e-7,
    most: int = 2000,
) -> Doubles:
    """Transport plans (n, q, c) that minimize sum(plan * cost) + blur * KL(plan, rows x columns).

    cost: (n, q, c), at least 0. rows: (n, q), columns: (n, c), each summing to 1 a problem, 0 where padded (a padded
    row or column gets nothing; its costs are never read). blur: the regularization, in units of cost. A problem is done
    when its plan's row sums are within `tolerance` (summed) of `rows`; one that is not after `most` rounds is left as
    it is then; its column sums are exact all the same.
    Source: Cuturi 2013, arXiv:1306.0895; the annealing: Schmitzer 2019, arXiv:1610.06519.
    """
    with np.errstate(divide="ignore"):
        log_rows, log_columns = np.log(rows), np.log(columns)
    used = (rows > 0)[:, :, None] & (columns > 0)[:, None, :]
    cost = np.where(used, cost, 0.0)
    f, g = np.zeros_like(rows), np.zeros_like(columns)
    eps = max(float(cost.max(initial=0.0)), blur)
    while eps > blur:
        f, g = _round(cost, log_rows, log_columns, f, g, eps)
        eps = max(eps * STEP, blur)
    left = np.arange(len(cost))
    for _ in range(-(-most // 10)):
        part = cost[left], log_rows[left], log_columns[left]
        for _ in range(10):
            f[left], g[left] = _round(*part, f[left], g[left], blur)
        plan = _plan(*part, f[left], g[left], blur)
        left = left[np.abs(plan.sum(axis=2) - rows[left]).sum(axis=1) > tolerance]
        if not len(left):
            break
    return _plan(cost, log_rows, log_columns, f, g, blur)


def _round(
    cost: Doubles, log_rows: Doubles, log_columns: Doubles, f: Doubles, g: Doubles, eps: float
) -> tuple[Doubles, Doubles]:
    """One update of both potentials: the plan's column sums are exact after it."""
    f = -eps * _log_sum((g[:, None, :] - cost) / eps + log_columns[:, None, :], axis=2)
    g = -eps * _log_sum((f[:, :, None] - cost) / eps + log_rows[:, :, None], axis=1)
    return f, g


def _plan(cost: Doubles, log_rows: Doubles, log_columns: Doubles, f: Doubles, g: Doubles, eps: float) -> Doubles:
    inside = (f[:, :, None] + g[:, None, :] - cost) / eps + log_rows[:, :, None] + log_columns[:, None, :]
    plan: Doubles = np.exp(inside)
    return plan


def _log_sum(values: Doubles, axis: int) -> Doubles:
    top = values.max(axis=axis, keepdims=True)
    total: Doubles = np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)
    return total
