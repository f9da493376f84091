"""A parallel top-k: ask many comparisons at once, where an answer would move the top of the ranking most.

The first stage's order is the prior, votes with unknown error rates and position bias make the posterior
(`posterior.py`), and each batch asks the pairs whose order is both uncertain and worth most at the discount of nDCG.
One prompt a pair is the rule: documents take turns at being shown first, and position bias is estimated. A document
that makes the voter answer by position whatever it stands beside ("answer A") is found by that, and not heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from heedful.rerank.sorting.posterior import (
    Array,
    Posterior,
    Rates,
    Votes,
    discounted,
    fit,
    fit_rates,
    fit_steering,
    fit_trust,
    prior_of,
)
from heedful.rerank.sorting.protocol import Pair, Sort, Stop, Vote


@dataclass(frozen=True, slots=True)
class Active:
    """The settings of the parallel top-k; an instance is a `Sorter`.

    prompts: at most this many; None leaves it to `default_prompts`. batch: prompts in flight at once; smaller is more
    frugal in prompts, larger in waiting. settled: stop where the expected loss, as a share of the ideal discounted
    gain, falls below it; 0 never stops early. trust: expected correlation of the first stage with the truth, before
    the first answer. draws: posterior samples a batch. seed: of these and of the order in which pairs are shown.
    """

    prompts: int | None = None
    batch: int = 16
    settled: float = 0.002
    trust: float = 0.4
    draws: int = 32
    seed: int = 0

    def __call__(self, n: int, k: int) -> Sort:
        """A sort of n candidates for the best k, not begun."""
        return _active(self, n, min(k, n))


def default_prompts(n: int, k: int, error: float = 0.5) -> int:
    """Prompts of the parallel top-k unless told; a voter that errs rarely is asked up to half as many more.

    error: the mean estimated error rate. The constants keep it below 0.6 of what published heapsort asks in both
    orders, for n of 100 and 200, k of 10 and 20 and every error rate (heapsort asks less of a bad voter: it gives up).
    """
    return min(n * (n - 1), round((1.55 * n + 5.0 * k) * (1 + 0.5 * max(0.0, 1 - error / 0.08))))


def _active(settings: Active, n: int, k: int) -> Sort:
    if n < 2 or k < 1:
        return list(range(n))
    rng = np.random.default_rng(settings.seed)
    belief = Belief(n, settings.trust)
    asked = 0
    try:
        while True:
            left = _left(settings, n, k, asked, belief.error)
            if left <= 0:
                break
            strengths = belief.draw(settings.draws, rng)
            if expected_loss(strengths, belief.posterior.mean, k) < settings.settled:
                break
            pairs = choose(worth(belief, strengths, k), belief.asked, min(settings.batch, left), rng)
            if not pairs:
                break
            votes = yield pairs
            asked += len(pairs)
            belief.hear(pairs, votes)
    except Stop:
        pass
    return belief.order()


def _left(settings: Active, n: int, k: int, asked: int, error: float) -> int:
    """How many prompts may still be asked; a voter that errs rarely is asked whole batches, as they wait no longer."""
    if settings.prompts is not None:
        return settings.prompts - asked
    limit, least = default_prompts(n, k, error), default_prompts(n, k)
    return (default_prompts(n, k, 0.0) if asked < limit > least else limit) - asked


STEP = 16  # votes an update of the error rates; a large batch is worth several, or they would lag behind


class Belief:
    """What has been asked, and what is believed after it."""

    posterior: Posterior

    def __init__(self, n: int, trust: float):
        self.n, self.trust = n, trust
        self.asked = np.zeros((n, n), dtype=np.bool_)  # [first, second]
        self.rates = Rates()
        self._first, self._second, self._value = list[int](), list[int](), list[float]()
        self._update(None)

    @property
    def error(self) -> float:
        """The mean of the two estimated error rates."""
        return (self.rates.first + self.rates.second) / 2

    def hear(self, pairs: Sequence[Pair], votes: Sequence[Vote]) -> None:
        """Take the votes in; a missing one only marks its prompt as asked."""
        for (a, b), vote in zip(pairs, votes, strict=True):
            self.asked[a, b] = True
            if vote is not None:
                self._first.append(a)
                self._second.append(b)
                self._value.append(vote)
        for _ in range(max(1, len(pairs) // STEP)):
            self._update(self.posterior)

    def _update(self, start: Posterior | None) -> None:
        votes = Votes(np.array(self._first, np.int64), np.array(self._second, np.int64), np.array(self._value, float))
        self.steering = fit_steering(self.n, votes)
        votes = discounted(votes, self.steering)
        mean, variance = prior_of(self.n, fit_trust(self.n, votes, self.rates, prior=self.trust))
        self.posterior = fit(mean, variance, votes, self.rates, start)
        self.rates = fit_rates(self.posterior, votes, self.rates)

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """(draws, n) strengths from the posterior."""
        p = self.posterior
        root = np.linalg.cholesky(p.covariance + 1e-9 * np.eye(self.n))
        return np.asarray(p.mean + rng.standard_normal((draws, self.n)) @ root.T)

    def order(self) -> list[int]:
        """Every position, best first; equal means keep the first-stage order."""
        return [int(i) for i in np.argsort(-self.posterior.mean, kind="stable")]


def discounts(strengths: Array, k: int) -> Array:
    """(draws, n) nDCG's discount of each document at its rank within the draw; 0 below rank k."""
    ranks = np.argsort(np.argsort(-strengths, axis=1), axis=1)
    return np.where(ranks < k, 1.0 / np.log2(ranks + 2.0), 0.0)


def expected_loss(strengths: Array, mean: Array, k: int) -> float:
    """Share of the ideal gain that the order by `mean` is expected to lose, in [0, 1], over (draws, n) strengths.

    Grades are unknown, so a document's gain is taken to fall with its true rank as the discount does.
    """
    gains = discounts(strengths, k)
    ideal = 1.0 / np.log2(np.arange(k) + 2.0)
    top = np.argsort(-mean, kind="stable")[:k]
    return float(1.0 - (gains[:, top] * ideal).sum(axis=1).mean() / (ideal**2).sum())


def worth(belief: Belief, strengths: Array, k: int) -> Array:
    """(n, n) what an answer on each pair is worth; symmetric, zero on the diagonal.

    The expected change of discount if the pair stands the wrong way round now, times the information of one vote per
    chance that it does.
    """
    gap, spread = belief.posterior.gaps()
    better = ndtr(gap / spread)
    rates = belief.rates
    told = _entropy(rates.first + rates.slope * better)
    noise = better * _entropy(np.array(1 - rates.second)) + (1 - better) * _entropy(np.array(rates.first))
    information = np.maximum(told - noise, 0.0)
    discount = discounts(strengths, k)
    top = np.flatnonzero(discount.any(axis=0))  # a pair that never touches the top has nothing at stake
    wrong = (strengths[:, top, None] > strengths[:, None, :]) != (gap[top] > 0)
    stake = np.zeros_like(gap)
    stake[top] = (wrong * np.abs(discount[:, top, None] - discount[:, None, :])).mean(axis=0)
    stake[:, top] = stake[top].T
    value = stake * information / np.maximum(np.minimum(better, 1 - better), 1e-3)
    value *= np.outer(1 - belief.steering, 1 - belief.steering)
    np.fill_diagonal(value, 0.0)
    return np.asarray(value)


def _entropy(p: Array) -> Array:
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


CROWDING = 0.5  # what a pair is still worth for each pair of the same batch that shares a document with it


def choose(value: Array, asked: NDArray[np.bool_], size: int, rng: np.random.Generator) -> list[Pair]:
    """Up to `size` prompts, the most valuable first, each pair once, spread over the documents.

    The order shown is the one that was not asked yet; else the document that was shown first less often, among its
    own prompts, goes first; else it is drawn. A pair asked both ways is left alone.
    """
    value = np.triu(np.where(asked & asked.T, 0.0, value), 1)
    lead = asked.sum(axis=1) - asked.sum(axis=0)  # turns at being first, less turns at being second
    pairs: list[Pair] = []
    for _ in range(size):
        i, j = divmod(int(value.argmax()), len(value))
        if value[i, j] <= 0:
            break
        swap = bool(asked[i, j]) or (not asked[j, i] and lead[i] - lead[j] + rng.uniform(-0.5, 0.5) > 0)
        pairs.append((j, i) if swap else (i, j))
        lead[pairs[-1][0]] += 1
        lead[pairs[-1][1]] -= 1
        value[i, j] = 0.0
        for at in (i, j):
            value[at, :] *= CROWDING
            value[:, at] *= CROWDING
    return pairs
