"""The command line as a whole."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "heedful", *arguments], capture_output=True, text=True)


def test_help_imports_nothing_heavy():
    code = (
        "import sys, heedful.cli.main as m; code = m.main(['--help']);"
        "heavy = {'torch', 'lancedb', 'transformers', 'numpy', 'pyarrow', 'ray', 'openai'} & set(sys.modules);"
        "assert code == 0 and not heavy, heavy"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_an_unknown_verb_is_bad_input():
    answer = run("explode")
    assert answer.returncode == 2
    assert "explode" in answer.stderr


def test_a_reader_that_goes_away_is_no_failure():
    with subprocess.Popen(
        [sys.executable, "-m", "heedful", "systems", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_memory_that_ends_is_no_puzzle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    from heedful.cli import main as edge

    def no_room(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(edge, "app", no_room)
    assert edge.main(["systems"]) == 4
    assert capsys.readouterr().err.startswith("error: found no memory left")
