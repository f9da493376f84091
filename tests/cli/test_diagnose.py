"""`heedful diagnose` and `heedful experiment` at the edge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.known import write_collection

from heedful.cli.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "known", seeds=4)


def test_diagnose_writes_its_report_and_prints_json_alone(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    out = tmp_path / "out"
    arguments = ["diagnose", str(folder), "--system", "random", "--system", "oracle", "--out", str(out)]
    assert main([*arguments, "--no-paraphrases", "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads((out / "report.json").read_text())
    assert "report.html" in printed.err and (out / "report.html").is_file()
    assert main([*arguments, "--no-paraphrases"]) == 0
    assert "oracle" in capsys.readouterr().out


def test_experiment_writes_and_prints(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    out = tmp_path / "out"
    assert main(["experiment", "aspects", "--data", str(folder), "--system", "random", "--out", str(out)]) == 0
    assert "Difficulty by aspect" in capsys.readouterr().out
    assert (out / "aspects.csv").is_file() and (out / "rankings" / "random" / "base" / "topics.jsonl").is_file()


def test_bad_input_ends_with_2_and_says_what_would_do(folder: Path, capsys: pytest.CaptureFixture):
    assert main(["diagnose", str(folder)]) == 2
    assert "--system" in capsys.readouterr().err
    assert main(["experiment", "astrology", "--data", str(folder), "--system", "random"]) == 2
    assert "baselines" in capsys.readouterr().err
    assert main(["diagnose", str(folder / "nowhere"), "--system", "random"]) == 3


def test_a_system_that_fails_is_in_the_report_and_in_the_exit_code(folder: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    lacking = f"run(path={tmp_path / 'none.run'})"
    assert main(["diagnose", str(folder), "--system", lacking, "--system", "random", "--out", str(out)]) == 3
    found = json.loads((out / "report.json").read_text())["systems"]
    assert found[lacking]["verdict"]["kind"] == "failed" and found["random"]["error"] is None
    assert "none.run" in capsys.readouterr().err
