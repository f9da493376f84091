"""One builder at a time on object storage, where there are no locks.

A builder puts a claim beside the index and then lists the claims; it goes on only where its own is the only living one.
Of two that claim at the same moment, the one whose claim arrived later certainly sees the other's, so never do both go
on (both may be refused). A claim is renewed while its builder lives, and says after how many seconds without a renewal,
by the store's clock, it counts as dead: two and a half minutes, or as long as its builder's patience with the store
makes two renewals take. A dead one of this machine is recognised at once.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from heedful.errors import BadInput, HeedfulError, Mismatch
from heedful.index.objects import ATTEMPTS, ObjectPath, patience

RENEW, DEAD = 15.0, 60.0  # seconds
_log = logging.getLogger("heedful.index")


@contextmanager
def claim(folder: ObjectPath) -> Iterator[Callable[[], None]]:
    """Hold the place for one builder; the value raises Mismatch where the claim was lost meanwhile.

    BadInput where another living builder holds it.
    """
    own = f"{uuid.uuid4().hex}"
    content = f"process {os.getpid()} on {_machine()}\n{_dead_after():.0f}"
    mine = folder / own
    mine.write_bytes(content.encode())
    try:
        _refuse_where_held(folder, own)
        ended = threading.Event()
        renewing = threading.Thread(target=_renew, args=(mine, content, ended), daemon=True)
        renewing.start()

        def check() -> None:
            if not mine.exists():
                raise Mismatch(f"{folder}: another builder took this place over; run the same command again")

        try:
            yield check
        finally:
            ended.set()
            renewing.join(1)
    finally:
        with suppress(HeedfulError):
            mine.unlink()


def _dead_after() -> float:
    """Seconds: a renewal (it looks, and writes) that fails at worst, and one that is late; `DEAD` at least."""
    return max(DEAD, 2 * RENEW + 2 * ATTEMPTS * patience())


def _refuse_where_held(folder: ObjectPath, own: str) -> None:
    claims = {entry.name: entry for entry in folder.walk()}
    if own not in claims:
        raise Mismatch(f"{folder}: another builder took this place over; run the same command again")
    now = claims[own].modified  # the store's clock
    for name, entry in claims.items():
        if name == own:
            continue
        try:
            holder, _, limit = (folder / name).read_bytes().decode("utf-8", "replace").partition("\n")
        except FileNotFoundError:
            continue
        age, dead = now - entry.modified, int(limit) if limit.isdecimal() else DEAD
        if age > timedelta(seconds=dead) or _is_dead_here(holder):
            _log.info("%s: %s built here and is gone; taking over", folder, holder)
            (folder / name).unlink()
            continue
        raise BadInput(
            f"{folder}: {holder} is building this index (last sign of life {max(age.total_seconds(), 0):.0f} s ago); "
            f"wait for it (after {dead:.0f} s without a sign of life it is taken for dead), or build somewhere else"
        )


def _renew(mine: ObjectPath, content: str, ended: threading.Event) -> None:
    while not ended.wait(RENEW):
        try:
            if not mine.exists():  # taken over: do not come back
                return
            mine.write_bytes(content.encode())
        except Exception as error:  # the client raises many kinds; the next renewal may do
            _log.warning("%s: the claim could not be renewed (%s)", mine, error)


def _machine() -> str:
    """The host, and which numbering of processes: containers may share the first and not the second."""
    try:
        return f"{socket.gethostname()} ({os.stat('/proc/self/ns/pid').st_ino})"
    except OSError:
        return socket.gethostname()


def _is_dead_here(holder: str) -> bool:
    """Whether the holder was a process of this machine that no longer lives."""
    word, _, host = holder.partition(" on ")
    pid = word.removeprefix("process ")
    if host != _machine() or not pid.isdigit():
        return False
    return not is_alive(int(pid))


def is_alive(pid: int) -> bool:
    """Whether this machine has such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True
