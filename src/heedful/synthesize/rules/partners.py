"""Two groups that ask alike of two queries lend each other passages: right for the other query, wrong for this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from heedful.synthesize.rules.groups import Group
from heedful.synthesize.rules.neighbours import SAME
from heedful.synthesize.rules.pool import Pool

MARGIN = 0.05


def partners(pool: Pool, groups: Sequence[Group]) -> Iterator[tuple[Group, Group | None]]:
    """Every group, each with its partner or None; partners are mutual, the nearest seeds first."""
    chosen: dict[int, int] = {}
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        alike[group.key()].append(at)
    for members in alike.values():
        for one, other in _nearest_first(pool, [groups[at].seed for at in members]):
            a, b = members[one], members[other]
            if a not in chosen and b not in chosen and _lend(pool, groups[a], groups[b]):
                chosen[a], chosen[b] = b, a
    for at, group in enumerate(groups):
        yield group, groups[chosen[at]] if at in chosen else None


def _nearest_first(pool: Pool, seeds: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of places, those of the nearest seeds first."""
    if len(seeds) < 2:
        return []
    vectors = pool.whole[list(seeds)]
    one, other = np.triu_indices(len(seeds), 1)
    order = np.argsort(-(vectors[one] * vectors[other]).sum(axis=1), kind="stable")
    return [(int(one[at]), int(other[at])) for at in order]


def _lend(pool: Pool, one: Group, other: Group) -> bool:
    """Whether each passage is wrong for the other's query, and no paper stands on both sides."""
    rows = {one.seed, one.first, one.second}, {other.seed, other.first, other.second}
    if rows[0] & rows[1] or float(pool.whole[one.seed] @ pool.whole[other.seed]) >= SAME or other.shown or one.shown:
        return False
    return all(_wrong(pool, mine, theirs, at) for mine, theirs in ((one, other), (other, one)) for at in (0, 1))


def _wrong(pool: Pool, mine: Group, theirs: Group, at: int) -> bool:
    """Whether the other's passage is further from my query than my own, in what the instruction asks."""
    own, lent = ((mine.first, theirs.first), (mine.second, theirs.second))[at]
    if mine.kind == "exclusion":
        has = mine.phrase in pool.phrases.about[lent]
        fits = has if at == 0 else mine.phrase not in pool.phrases.traces[lent]
        return fits and float((pool.whole[own] - pool.whole[lent]) @ pool.whole[mine.seed]) >= MARGIN
    aspect = mine.aspect_second if mine.kind == "aspect" and at else mine.aspect_first
    vectors, seed = pool.dense[aspect], mine.seed
    return float((vectors[own] - vectors[lent]) @ vectors[seed]) >= MARGIN
