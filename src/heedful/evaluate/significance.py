"""Which differences between systems these topics can show: paired tests that know that topics come in clusters."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heedful.errors import BadInput
from heedful.evaluate.intervals import clustered, mean_interval, standard_error

EXACT_UP_TO = 14  # clusters; 2**14 sign flips are all tried


@dataclass(frozen=True, slots=True)
class Comparison:
    """System a against system b on the same topics.

    difference: mean of a minus b, low and high its 95 % interval (clusters resampled). p_randomisation: share of sign
    flips, whole clusters at a time, that differ at least as much. p_t: two-sided, from the cluster-robust error with
    clusters - 1 degrees of freedom. p_holm: p_randomisation after Holm over all pairs that were tested together.
    effect: difference in standard deviations of the topics' differences. detectable: the smallest true difference that
    a test at .05 would show in 4 of 5 such samples. None where there are too few clusters to say.
    """

    a: str
    b: str
    difference: float
    low: float | None
    high: float | None
    p_randomisation: float | None
    p_t: float | None
    p_holm: float | None
    effect: float | None
    detectable: float | None
    topics: int
    clusters: int

    @property
    def winner(self) -> str | None:
        """Who beats whom at .05 after Holm; None where these topics do not show it."""
        if self.p_holm is None or self.p_holm >= 0.05:
            return None
        return self.a if self.difference > 0 else self.b

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"winner": self.winner}


def compare(
    a: str,
    b: str,
    values_a: Mapping[str, float],
    values_b: Mapping[str, float],
    clusters: Mapping[str, Hashable] | None = None,
    weights: Mapping[str, float] | None = None,
    *,
    draws: int = 10_000,
    samples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """One pair of systems over the same topics. Raises BadInput where the topics differ or there are none.

    clusters: topic -> what it shares with others; each topic its own otherwise. weights: topic -> its weight in the
    mean, 1 on average (fold means weigh topics of a smaller fold more).
    """
    if values_a.keys() != values_b.keys() or not values_a:
        raise BadInput(f"{a} and {b} have no common set of topics to compare; expected the same topics for both")
    topics = sorted(values_a)
    differences = np.array([(values_a[t] - values_b[t]) * (weights[t] if weights else 1) for t in topics])
    groups = [clusters.get(t, t) if clusters else t for t in topics]
    sums, counts = clustered(differences.tolist(), groups)
    centre = float(differences.mean())
    base = Comparison(a, b, centre, None, None, None, None, None, None, None, len(topics), len(sums))
    if len(sums) < 2:
        return base
    interval = mean_interval(differences.tolist(), groups, samples=samples, seed=seed)
    error = standard_error(sums, counts)
    spread = float(differences.std(ddof=1))
    p_t, detectable = _by_t(centre, error, len(sums))
    p = randomisation(sums, draws, seed)
    return replace(
        base,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        p_randomisation=p,
        p_t=p_t,
        p_holm=p,
        effect=centre / spread if spread > 0 else None,
        detectable=detectable,
    )


def compare_all(
    values: Mapping[str, Mapping[str, float]],
    clusters: Mapping[str, Hashable] | None = None,
    weights: Mapping[str, float] | None = None,
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> list[Comparison]:
    """Every pair of systems (name -> topic -> value), p_holm corrected over all of them."""
    found = [
        compare(a, b, values[a], values[b], clusters, weights, draws=draws, seed=seed)
        for a, b in combinations(values, 2)
    ]
    tested = [i for i, one in enumerate(found) if one.p_randomisation is not None]
    for i, p in zip(tested, holm([found[i].p_randomisation or 0.0 for i in tested]), strict=True):
        found[i] = replace(found[i], p_holm=p)
    return found


def randomisation(sums: NDArray[np.float64], draws: int = 10_000, seed: int = 0) -> float:
    """Two-sided p of the paired randomisation test: the sums of clusters keep or change their sign, in (0, 1].

    Exact (every assignment) up to EXACT_UP_TO clusters, else drawn, counting the observed one. Source: Fisher 1935;
    Smucker, Allan, Carterette 2007.
    """
    groups = len(sums)
    observed = abs(sums.sum())
    slack = 1e-12 * max(1.0, float(np.abs(sums).sum()))
    if groups <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**groups)[:, None] >> np.arange(groups)) & 1)
        return float((np.abs(signs @ sums) >= observed - slack).mean())
    rng = np.random.default_rng(seed)
    hits = 0
    step = max(1, 2_000_000 // groups)
    for start in range(0, draws, step):
        flips = rng.integers(0, 2, size=(min(step, draws - start), groups)) * 2.0 - 1
        hits += int((np.abs(flips @ sums) >= observed - slack).sum())
    return (hits + 1) / (draws + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction, in the given order, each at most 1. Source: Holm 1979."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, running = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = running
    return corrected


def _by_t(centre: float, error: float, clusters: int) -> tuple[float, float]:
    """Two-sided p of the t test, and the difference detectable at .05 with power .8."""
    from scipy.stats import t

    freedom = clusters - 1
    detectable = float((t.ppf(0.975, freedom) + t.ppf(0.8, freedom)) * error)
    if error == 0:
        return (1.0 if centre == 0 else 0.0), detectable
    return float(2 * t.sf(abs(centre) / error, freedom)), detectable
