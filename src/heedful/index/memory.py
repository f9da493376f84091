"""Memory that is given back while an index is finished."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM, _MAP = -1, -3  # of mallopt
_SMALL = (128 * 2**10, 128 * 2**10)
_USUAL = (64 * 2**20, 32 * 2**20)  # what the allocator comes to by itself where large blocks are freed


@contextmanager
def giving_back() -> Iterator[None]:
    """Inside, a freed block of 128 kB or more goes back to the system at once, instead of being kept for the next one.

    The engine's threads otherwise keep several times what they use. Only where the allocator is glibc's; elsewhere
    nothing changes. The whole process is meant, whatever other threads allocate meanwhile.
    """
    _limits(*_SMALL)
    try:
        yield
    finally:
        _limits(*_USUAL)


def _limits(trim: int, mapped: int) -> None:
    try:
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        libc.mallopt(_TRIM, trim)
        libc.mallopt(_MAP, mapped)
    except (OSError, AttributeError, TypeError):  # another system, another allocator
        return
