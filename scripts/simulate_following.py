"""Simulations with known truth: how often the interval covers it, and whether the null is unbiased.

Intervals: means over 16 seeds with one or two pairs each, whose values share a part. Null: systems whose second ranking
moves without listening; the changed documents are drawn by quality plus noise, so they stand high and among others.
Figures go into docs/experiments.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from heedful.evaluate.following import p_mrr
from heedful.evaluate.intervals import mean_interval

Draw = Callable[[np.random.Generator, int], np.ndarray]
SHAPES: dict[str, tuple[Draw, float]] = {  # a part's draw, and the truth: the mean of two parts' sum
    "normal": (lambda rng, n: rng.normal(0, 15, n), 0.0),
    "skewed": (lambda rng, n: rng.exponential(15, n), 30.0),
    "bounded": (lambda rng, n: 50 * rng.beta(2, 1, n), 200 / 3),
    "heavy tails": (lambda rng, n: 10 * rng.standard_t(4, n), 0.0),
    "shifts, most of them 0": (lambda rng, n: rng.choice([0, 0, 0, -30, 45], n), 6.0),
}


def coverage(draw: Draw, truth: float, trials: int, seeds: int = 16) -> float:
    """The share of 95 % intervals that hold the truth."""
    rng, hits = np.random.default_rng(17), 0
    for trial in range(trials):
        clusters = np.repeat(np.arange(seeds), np.where(rng.random(seeds) < 0.15, 1, 2))
        values = draw(rng, seeds)[clusters] + draw(rng, len(clusters))
        found = mean_interval(values.tolist(), clusters.tolist(), samples=1000, seed=trial)
        hits += found is not None and found[0] <= truth <= found[1]
    return hits / trials


def deaf(noise: float, replaced: float, trials: int, topics: int = 16, documents: int = 100) -> tuple[float, ...]:
    """Mean p-MRR, mean net and its standard error, of rankings that move by noise or are replaced by it."""
    rng, values, nets, covered = np.random.default_rng(23), [], [], 0
    for trial in range(trials):
        og: dict[str, dict[str, float]] = {}
        changed: dict[str, dict[str, float]] = {}
        asked: dict[str, list[str]] = {}
        for topic in map(str, range(topics)):
            quality = rng.normal(size=documents)
            second = np.where(rng.random() < replaced, 0, quality) + noise * rng.normal(size=documents)
            og[topic] = {f"d{i}": float(x) for i, x in enumerate(quality)}
            changed[topic] = {f"d{i}": float(x) for i, x in enumerate(second)}
            asked[topic] = [f"d{i}" for i in np.argsort(-quality + 2 * rng.normal(size=documents))[:6]]
        found = p_mrr(og, changed, documents=asked, draws=200, samples=400, seed=trial)
        values.append(found.value)
        nets.append(found.net)
        covered += found.net_low is not None and found.net_high is not None and found.net_low <= 0 <= found.net_high
    return float(np.mean(values)), float(np.mean(nets)), float(np.std(nets) / np.sqrt(trials)), covered / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1500)
    trials = parser.parse_args().trials
    print("| values | coverage of the 95 % interval, 16 seeds |\n|---|---|")
    for name, (draw, truth) in SHAPES.items():
        print(f"| {name} | {coverage(draw, truth, trials):.3f} |")
    print("\n| the second ranking | p-MRR | net | its standard error | net's interval holds 0 |\n|---|---|---|---|---|")
    for name, noise, replaced in (
        ("a little noise", 0.3, 0.0),
        ("as much noise as quality", 1.0, 0.0),
        ("noise alone", 1.0, 1.0),
        ("noise alone in half of the topics", 1.0, 0.5),
    ):
        value, net, error, covered = deaf(noise, replaced, trials // 5)
        print(f"| {name} | {value:+.1f} | {net:+.2f} | {error:.2f} | {covered:.3f} |")


if __name__ == "__main__":
    main()
