"""Ids that look like one that is missing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from difflib import get_close_matches

_NEAR = 200


def nearest_ids(id: str, ids: Sequence[str], count: int = 3) -> list[str]:
    """Up to `count` ids most like this one, of those that begin or end alike; its neighbours where none is like."""
    forward = sorted(ids)
    backward = sorted(other[::-1] for other in ids)
    near = [*_around(forward, id), *(other[::-1] for other in _around(backward, id[::-1]))]
    near = list(dict.fromkeys(near))
    return get_close_matches(id[:200], near, n=count, cutoff=0.5) or near[:count]


def _around(ordered: list[str], id: str) -> list[str]:
    at = bisect_left(ordered, id)
    return ordered[max(0, at - _NEAR) : at + _NEAR]
