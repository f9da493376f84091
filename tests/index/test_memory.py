"""Memory is given back while an index is finished."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from heedful.index.memory import giving_back

SCRIPT = """
import sys
from contextlib import nullcontext
import numpy as np
from heedful.index.memory import giving_back

def resident():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("RssAnon"))

large = np.ones(31 * 2**20, np.uint8)
del large  # from now on glibc keeps blocks of up to this size
if sys.argv[1] == "after":
    with giving_back():
        pass
with giving_back() if sys.argv[1] == "back" else nullcontext():
    before = resident()
    blocks = [np.ones(256 * 2**10, np.uint8) for _ in range(400)]
    blocks = blocks[-1:]  # the last one lies on top of the others
    print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's")
def test_freed_blocks_leave_the_process_inside_and_are_kept_outside() -> None:
    def kept(how: str) -> float:
        return float(subprocess.run([sys.executable, "-c", SCRIPT, how], check=True, capture_output=True).stdout)

    assert kept("back") < 20
    assert kept("usual") > 80
    assert kept("after") > 80


def test_an_error_inside_comes_through() -> None:
    with pytest.raises(KeyError), giving_back():
        raise KeyError("x")
