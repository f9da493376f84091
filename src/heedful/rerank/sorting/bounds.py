"""How many prompts a sort can need at most, and a voter to suppose where none is asked."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from zlib import crc32

import numpy as np

from heedful.rerank.sorting.active import Active, default_prompts
from heedful.rerank.sorting.protocol import Pair, Sorter
from heedful.rerank.sorting.published import heapsort, sliding

TRUST = 0.4  # how the supposed voter's order correlates with the first stage's


def most_prompts(sorter: Sorter, n: int, k: int) -> int:
    """Prompts that no voter makes the sort exceed; n (n - 1), every pair in both orders, for a sort not known here."""
    k = min(k, n)
    if n < 2 or k < 1:
        return 0
    if isinstance(sorter, Active):
        return min(n * (n - 1), default_prompts(n, k, 0.0) if sorter.prompts is None else sorter.prompts)
    if sorter is heapsort:
        built = sum(_sifted(n, root, 2) for root in range(n // 2 + 1))
        return 2 * (built + sum(_sifted(n - done, 0, 2) for done in range(1, k)))
    if sorter is sliding:
        return 2 * sum(n - 1 - done for done in range(k))
    return n * (n - 1)


def most_sets(n: int, k: int, children: int) -> int:
    """Prompts of a heap of which a node and its children are one prompt, at most."""
    if n < 2 or k < 1:
        return 0
    built = sum(_height(n, root, children) for root in range((n - 2) // children + 1))
    return built + sum(_height(n - done, 0, children) for done in range(1, min(k, n)))


def _height(size: int, root: int, children: int) -> int:
    """Levels below a node; the first child's path is the longest."""
    levels = 0
    while (root := children * root + 1) < size:
        levels += 1
    return levels


def _sifted(size: int, root: int, children: int) -> int:
    """Comparisons of a child with the largest so far on the longest way down."""
    below = range(children * root + 1, min(children * root + 1 + children, size))
    return len(below) + max((_sifted(size, node, children) for node in below), default=0)


class Supposed:
    """A voter for dry runs, always the same for n candidates of one question.

    Its own order correlates with the first stage's by `TRUST`, and it never errs: those that err are asked less.
    """

    def __init__(self, n: int, question: str):
        rng = np.random.default_rng([n, crc32(question.encode())])
        prior = [NormalDist().inv_cdf(1 - (place + 0.5) / n) for place in range(n)]
        self.strength = TRUST * np.array(prior) + (1 - TRUST**2) ** 0.5 * rng.standard_normal(n)

    def vote(self, pair: Pair) -> float:
        """1 where the first shown is said to be the better one, else 0."""
        a, b = pair
        return float(self.strength[a] > self.strength[b])

    def best(self, shown: list[int]) -> int:
        """The place of the best within a set."""
        return int(np.argmax(self.strength[shown]))


@lru_cache(maxsize=4)
def supposed(n: int, question: str) -> Supposed:
    """The supposed voter on a question's n candidates."""
    return Supposed(n, question)
