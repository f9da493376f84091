"""A stream in, the same stream out, and length-sorted batches between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int, weight: Callable[[T], int] = lambda _: 0, most: int = 1) -> Iterator[list[T]]:
    """Lists of up to `size` items, in order, drawn only when asked for; a list ends early once it weighs `most`."""
    chunk: list[T] = []
    total = 0
    for item in items:
        chunk.append(item)
        total += weight(item)
        if len(chunk) == size or total >= most:
            yield chunk
            chunk, total = [], 0
    if chunk:
        yield chunk


def by_length(lengths: Sequence[int], budget: int, width: Callable[[int], int] = lambda n: n) -> list[list[int]]:
    """Positions in batches of like length, longest first.

    budget: most padded tokens a batch, passed only by a single item longer than it. width: the padded length of an
    item of that length. Equal lengths keep their order.
    """
    batches: list[list[int]] = []
    room = 0
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if room == 0:
            batches.append([])
            room = max(1, budget // max(1, width(lengths[position])))
        batches[-1].append(position)
        room -= 1
    return batches
