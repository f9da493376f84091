"""The encoder keeps to itself."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs the extra openvino")
def test_openvino_starts_no_process_and_reports_nothing():
    code = (
        "import os, sys; os.fork = os.posix_spawn = None\n"
        "from heedful.encode import load_encoder\n"
        "encoder = load_encoder(labels='data', backend='openvino')\n"
        "assert encoder.encode_queries(['reefs']).shape == (1, 384)\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs the extra openvino")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: there is nothing to choose")
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc, which this system lacks")
def test_openvino_uses_as_many_threads_as_it_is_told(monkeypatch: pytest.MonkeyPatch):
    code = (
        "import os; from heedful.encode import load_encoder\n"
        "encoder = load_encoder(labels='data', backend='openvino')\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "encoder.encode_queries(['reefs'])\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )

    def started(threads: str) -> int:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert started("1") < started("2")
