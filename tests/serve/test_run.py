from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from tests.serve.conftest import SEED, eventually

from heedful.cli.main import main
from heedful.errors import BadInput
from heedful.serve.run import is_loopback, listen, secured
from heedful.serve.settings import Settings

SERVER = """
import sys, time
import heedful.encode.load
from heedful.encode import HashEncoder
heedful.encode.load.load_encoder = heedful.encode.load_encoder = lambda *a, **k: HashEncoder(dim=64)
import heedful.serve.answers as answers
plainly = answers.planned
def planned(collection, asked):
    time.sleep(1.5 if asked.instruction == "slow" else 0)
    return plainly(collection, asked)
answers.planned = planned
from heedful.serve.run import listen, serve
from heedful.serve.settings import Settings
if __name__ == "__main__":
    bound = listen("127.0.0.1", 0)
    print(bound.getsockname()[1], flush=True)
    serve(sys.argv[1], Settings(concurrent=2), bound)
"""


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.9.1", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.1.4", "papers.example.org", "localhost.evil.example")),
    ],
)
def test_only_loopback_is_this_machine_alone(host: str, own: bool):
    assert is_loopback(host) is own


def test_others_come_in_with_a_key_or_where_somebody_said_so():
    with pytest.raises(BadInput, match="HEEDFUL_API_KEY"):
        secured(Settings(), "0.0.0.0", (), anonymous=False)
    assert secured(Settings(), "0.0.0.0", (), anonymous=True).hosts == ()
    assert secured(Settings(api_key="k"), "0.0.0.0", ("Papers.example",), anonymous=False).hosts == ("papers.example",)
    assert set(secured(Settings(), "127.0.0.1", ("x.example",), anonymous=False).hosts) == {
        "127.0.0.1",
        "localhost",
        "[::1]",
        "x.example",
    }


def test_a_port_in_use_is_said(index: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="--port 0 for any"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(BadInput, match="cannot listen"):
        listen("no.such.host.invalid", 80)


def test_the_commands_say_what_is_missing(tmp_path: Path, index: Path, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.delenv("HEEDFUL_API_KEY", raising=False)
    assert main(["serve", str(tmp_path / "nothing")]) == 3
    assert main(["mcp", str(tmp_path / "nothing")]) == 3
    assert main(["serve", str(index), "--host", "0.0.0.0"]) == 2
    assert main(["mcp", str(index), "--http", "--host", "::"]) == 2
    assert main(["serve", str(index), "--rerank", "nosuch"]) == 2
    said = capsys.readouterr().err
    assert said.count("no index here") == 2 and said.count("--allow-anonymous") == 2 and "nosuch" in said


def test_the_key_is_not_in_what_workers_are_told():
    assert "sesame" not in repr(Settings(api_key="sesame"))


@pytest.fixture
def server(index: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(index)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = f"http://127.0.0.1:{int(process.stdout.readline())}"

    def ready() -> bool:
        try:
            return httpx.get(f"{address}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            assert process.poll() is None
            return False

    eventually(ready, 90)
    yield process, address
    process.kill()
    process.communicate()


def test_a_stop_finishes_what_was_begun_and_takes_nothing_new(server):
    process, address = server
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            httpx.post(f"{address}/api/plan", json={"instruction": "slow"}, timeout=30).status_code
        )
    )
    asking.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{address}/api/explore", json={"seeds": [SEED]}, timeout=1)
    asking.join()
    assert process.wait(30) == 0
    assert answers == [200]
    lines = process.stderr.read().splitlines()
    assert lines and all(line.startswith("{") for line in lines), lines
