"""plan on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.cli.main import main


def test_json_stands_alone_on_stdout(capsys):
    assert main(["plan", "similar method, no surveys, since 2019", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    plan = json.loads(out)
    assert plan["aspects"] == {"background": 0.0, "method": 1.0, "result": 0.0} and plan["where"] == "year >= 2019"
    assert plan["avoided"] == [{"text": "surveys", "weight": 1.0}] and not err


def test_the_table_shows_every_part(capsys):
    assert main(["plan", "You are a judge. Similar method, on speech, no surveys, since 2019. Good ones."]) == 0
    text = capsys.readouterr().out
    assert all(part in text for part in ("alike", "speech", "surveys", "year >= 2019", "judge", "not understood"))


def test_an_empty_instruction_is_fine(capsys):
    assert main(["plan", "", "--format", "json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["aspects"].values()) == {0.0}


def test_lines_of_a_file_keep_their_places(tmp_path: Path, capsys):
    file = tmp_path / "asked.txt"
    file.write_text('similar method\n\n{"instruction": "no surveys"}\r\n{"text": "since 2019", "x": 1}\n')
    assert main(["plan", "--file", str(file)]) == 0
    plans = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(plans) == 4
    assert plans[0]["aspects"]["method"] == 1 and not any(plans[1]["aspects"].values())
    assert plans[2]["avoided"][0]["text"] == "surveys" and plans[3]["where"] == "year >= 2019"


def test_aspects_come_from_a_toml_file(tmp_path: Path, capsys):
    scheme = tmp_path / "aspects.toml"
    scheme.write_text('[[aspect]]\nname = "plot"\ndefinition = "What happens."\nexamples = ["She leaves."]\n')
    assert main(["plan", "a different plot", "--aspects", str(scheme), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["aspects"] == {"plot": -1.0}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "neither TEXT and --file"),
        (["x", "--file", "y"], 2, "both TEXT and --file"),
        (["--file", "/no/such/file"], 3, "no such file"),
        (["--file", "/"], 2, "cannot be read"),
    ],
)
def test_bad_use_is_said(arguments: list[str], code: int, said: str, capsys):
    assert main(["plan", *arguments]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("line", "said"), [(b'{"a"', "broken JSON"), (b'{"a": 1}', "keys a"), (b"\xff", "UTF-8")])
def test_a_bad_line_is_named(line: bytes, said: str, tmp_path: Path, capsys):
    file = tmp_path / "asked.txt"
    file.write_bytes(b"fine\n" + line + b"\n")
    assert main(["plan", "--file", str(file)]) == 2
    err = capsys.readouterr().err
    assert f"{file}:2" in err and said in err
