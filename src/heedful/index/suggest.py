"""Ids that look like one that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from heapq import nlargest, nsmallest

_NEAR = 200


def nearest_ids(id: str, ids: Sequence[str], count: int = 3) -> list[str]:
    """Up to `count` ids most like this one, of those that begin or end alike; its neighbours where none is like."""
    backward = _around([other[::-1] for other in ids], id[::-1])
    near = [*_around(ids, id), *(other[::-1] for other in backward)]
    near = list(dict.fromkeys(near))
    return get_close_matches(id[:200], near, n=count, cutoff=0.5) or near[:count]


def _around(ids: Sequence[str], id: str) -> list[str]:
    """The ids just before and just after this one, in order; without sorting all of them."""
    before = nlargest(_NEAR, (other for other in ids if other < id))
    return before[::-1] + nsmallest(_NEAR, (other for other in ids if other >= id))
