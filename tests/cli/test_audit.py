from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.synthesize.made import triplet

from heedful.cli.main import main
from heedful.synthesize.parquet import read_triplets, write_triplets


@pytest.fixture
def made(tmp_path: Path) -> Path:
    write_triplets([triplet(n, split="dev" if n == 1 else "train") for n in range(6)], tmp_path / "set")
    return tmp_path / "set"


def test_audit_leaves_a_report_a_page_and_a_card(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made.parent / "tests").mkdir()
    (made.parent / "tests" / "corpus.jsonl").write_text('{"_id": "1", "title": "", "text": "nothing of the kind"}\n')
    arguments = ["audit", str(made), "--encoder", "none", "--test", str(made.parent / "tests"), "--format", "json"]
    assert main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((made / "audit.json").read_text())
    assert printed["rows"] == 6 and printed["leakage"]["found"] == {} and printed["shortcut_max"] is None
    assert "<article>" in (made / "audit.html").read_text()
    assert "path: data/dev-*.parquet" in (made / "README.md").read_text()
    assert main([*arguments[:4], "--out", str(made.parent / "other")]) == 0
    table = capsys.readouterr().out
    assert "longer passage" in table and "leakage was not looked for" in table
    assert (made.parent / "other" / "audit.html").is_file()


def test_convert_says_what_is_lost(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = made.parent / "x.jsonl"
    assert main(["convert", str(made), str(out), "--to", "inf-ir"]) == 0
    assert "6 rows of inf-ir from 6 triplets" in capsys.readouterr().out
    assert main(["convert", str(out), str(made.parent / "back")]) == 0
    assert len(list(read_triplets(made.parent / "back"))) == 6
    capsys.readouterr()
    assert main(["convert", str(made), str(out), "--to", "inf-ir", "--plain", "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert "provenance" in json.loads(captured.out)["lost"] and "no place for" in captured.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["audit", "none"], 3),
        (["convert", "none", "x.jsonl", "--to", "inf-ir"], 3),
        (["convert", "SET", "x.jsonl", "--to", "csv"], 2),
        (["convert", "SET", "x.docx", "--to", "inf-ir"], 2),
        (["audit", "SET", "--sample", "0", "--encoder", "none"], 2),
        (["audit", "SET", "--test", "none", "--encoder", "none"], 3),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    made: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(made) if one == "SET" else one for one in arguments]) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
