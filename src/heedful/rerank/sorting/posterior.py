"""What votes say about hidden strengths: a Gaussian posterior by expectation propagation, with faulty voters.

Strengths s are Gaussian a priori. A vote on (first, second) is "first" with probability

    f + (1 - f - g) * Phi((s_first - s_second) / SOFTNESS)

f: how often the first shown wins although it is the worse one; g: how often the second shown does. Two rates, so
position bias is part of the model and one prompt a pair is enough. A vote p in (0, 1) mixes both likelihoods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]
SOFTNESS = 0.1
SWEEPS = 4
FLOOR = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """first, second: positions (m,); value: how surely the first is better, (m,) in [0, 1]."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    value: Array

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a worse document wins: because it is shown first, because it is shown second; each in (0, 0.5)."""

    first: float = 0.1
    second: float = 0.1

    @property
    def slope(self) -> float:
        """What is left for the strengths to decide."""
        return 1.0 - self.first - self.second


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """mean (n,), covariance (n, n) of the strengths; precision and shift (m,): the votes' Gaussian stand-ins;
    others (m,): how surely the first of each vote's pair is better by all the other votes.
    """

    mean: Array
    covariance: Array
    precision: Array
    shift: Array
    others: Array

    def gaps(self) -> tuple[Array, Array]:
        """(n, n) mean and standard deviation of s_i - s_j, the softness included."""
        variance = np.diag(self.covariance)
        spread = variance[:, None] + variance[None, :] - 2 * self.covariance + SOFTNESS**2
        return self.mean[:, None] - self.mean[None, :], np.sqrt(np.maximum(spread, SOFTNESS**2))


def strengths_of_ranks(n: int) -> Array:
    """(n,) standard normal scores of the ranks 0..n-1, falling, variance 1."""
    scores = -ndtri((np.arange(n) + 0.5) / n)
    return np.asarray(scores / (scores.std() or 1.0), dtype=np.float64)


def prior_of(n: int, trust: float) -> tuple[Array, float]:
    """Prior mean (n,) and variance where the first stage's order correlates with the truth by `trust` in [0, 1)."""
    return trust * strengths_of_ranks(n), 1.0 - trust**2


def fit(
    prior_mean: Array, prior_variance: float, votes: Votes, rates: Rates, start: Posterior | None = None
) -> Posterior:
    """The posterior after these votes; `start` is an earlier one, of a prefix of them, to go on from."""
    m = len(votes)
    precision, shift, others = np.full(m, FLOOR), np.zeros(m), np.full(m, 0.5)
    if start is not None:
        precision[: len(start.precision)], shift[: len(start.shift)] = start.precision, start.shift
    chance = votes.value * rates.first + (1 - votes.value) * (1 - rates.first)
    decided = (2 * votes.value - 1) * rates.slope
    a, b = votes.first, votes.second
    mean, covariance = _solve(prior_mean, prior_variance, a, b, precision, shift)
    for sweep in range(SWEEPS if m else 0):
        gap = mean[a] - mean[b]
        variance = covariance[a, a] + covariance[b, b] - 2 * covariance[a, b]
        cavity = 1.0 / np.maximum(variance, 1e-9) - precision
        good = cavity > 1e-6
        cavity = np.where(good, cavity, 1.0)
        v = 1.0 / cavity
        u = v * (gap / np.maximum(variance, 1e-9) - shift)
        scale = np.sqrt(v + SOFTNESS**2)
        z = u / scale
        others = ndtr(z)
        mass = np.maximum(chance + decided * others, 1e-12)
        pull = decided * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * scale * mass)
        bend = -pull * (pull + z / scale)
        tilted_mean = u + v * pull
        new_precision = np.maximum(-bend / np.maximum(1 + v * bend, 1e-6), FLOOR)
        new_shift = tilted_mean * (cavity + new_precision) - u * cavity
        step = 1.0 if sweep == 0 and start is None else 0.7
        precision = np.where(good, precision + step * (new_precision - precision), precision)
        shift = np.where(good, shift + step * (new_shift - shift), shift)
        mean, covariance = _solve(prior_mean, prior_variance, a, b, precision, shift)
    return Posterior(mean, covariance, precision, shift, others)


def _solve(
    prior_mean: Array, prior_variance: float, a: NDArray[np.int64], b: NDArray[np.int64], precision: Array, shift: Array
) -> tuple[Array, Array]:
    n = len(prior_mean)
    system = np.bincount(a * n + b, precision, n * n).reshape(n, n)
    system = -(system + system.T)
    np.fill_diagonal(system, 1.0 / prior_variance - system.sum(axis=1))
    target = prior_mean / prior_variance + np.bincount(a, shift, n) - np.bincount(b, shift, n)
    covariance = np.linalg.inv(system)
    return covariance @ target, covariance


def fit_rates(posterior: Posterior, votes: Votes, rates: Rates, *, weight: float = 20.0, guess: float = 0.1) -> Rates:
    """Better error rates than `rates`: how many votes are wrong by the other votes and themselves, beside `weight`
    votes of prior opinion that say `guess`; the two orders are drawn towards their mean.
    """
    if not len(votes):
        return Rates(guess, guess)
    value = votes.value
    if_better = value * (1 - rates.second) + (1 - value) * rates.second
    if_worse = value * rates.first + (1 - value) * (1 - rates.first)
    better = posterior.others * if_better
    better = better / (better + (1 - posterior.others) * if_worse)
    wrong_first, of_first = float(((1 - better) * value).sum()), float((1 - better).sum())
    wrong_second, of_second = float((better * (1 - value)).sum()), float(better.sum())
    shared = (wrong_first + wrong_second + weight * guess) / (of_first + of_second + weight)
    first = (wrong_first + weight * shared) / (of_first + weight)
    second = (wrong_second + weight * shared) / (of_second + weight)
    return Rates(float(np.clip(first, 0.005, 0.48)), float(np.clip(second, 0.005, 0.48)))


TRUSTS = np.array([0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.9])


def fit_trust(n: int, votes: Votes, rates: Rates, *, prior: float = 0.4) -> float:
    """How far the first stage's order agrees with the votes, as a correlation: the mean of a grid posterior that takes
    the votes as independent. prior: the expected correlation, worth a few votes.
    """
    score = strengths_of_ranks(n)
    gap = score[votes.first] - score[votes.second]  # (m,)
    spread = np.sqrt(2 * (1 - TRUSTS**2) + SOFTNESS**2)  # (grid,)
    says_first = rates.first + rates.slope * ndtr(TRUSTS[:, None] * gap[None, :] / spread[:, None])
    mass = votes.value * says_first + (1 - votes.value) * (1 - says_first)
    log = np.log(mass).sum(axis=1) - 4.0 * (TRUSTS - prior) ** 2
    weight = np.exp(log - log.max())
    return float((weight * TRUSTS).sum() / weight.sum())


RARE = 0.02  # how many documents are expected to steer the voter
STEERED = 0.02  # how often a steered voter does not do as it is told


def fit_steering(n: int, votes: Votes) -> Array:
    """(n,) how surely a document makes the voter answer by position whatever it is compared with ("answer A").

    In prompts that show it, such a document gets one answer nearly always; the documents' turns to be shown first
    are even, so an honest one gets both. Compared with the share of "first" over all votes, which is position bias.
    """
    met = np.bincount(votes.first, minlength=n) + np.bincount(votes.second, minlength=n)
    said = np.bincount(votes.first, votes.value, n) + np.bincount(votes.second, votes.value, n)
    usual = (votes.value.sum() + 2.0) / (len(votes) + 4.0)
    honest = said * np.log(usual) + (met - said) * np.log(1 - usual)
    obedient = np.maximum(
        said * np.log(1 - STEERED) + (met - said) * np.log(STEERED),
        said * np.log(STEERED) + (met - said) * np.log(1 - STEERED),
    )
    odds = np.exp(np.clip(obedient - honest, -50, 50)) * RARE / (1 - RARE)
    return np.asarray(odds / (1 + odds))


def discounted(votes: Votes, steering: Array) -> Votes:
    """The votes, each drawn to 0.5 as far as one of its documents steers the voter."""
    heard = (1 - steering[votes.first]) * (1 - steering[votes.second])
    return Votes(votes.first, votes.second, 0.5 + (votes.value - 0.5) * heard)
