"""The encoder keeps to itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

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
