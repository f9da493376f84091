from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import heedful.encode
from heedful.cli.main import main
from heedful.corpus import SCIENCE
from heedful.encode.hashing import HashEncoder


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str | None = None, *, labels: str = "auto", scheme: Any = SCIENCE) -> HashEncoder:
        return HashEncoder(32 if name == "other" else 16, scheme)

    monkeypatch.setattr(heedful.encode, "load_encoder", load, raising=False)


def write_corpus(path: Path, count: int, start: int = 0) -> Path:
    lines = [
        {"_id": f"p{n}", "title": f"On thing {n}", "text": f"We study thing {n}. It works.", "year": 2000 + n}
        for n in range(start, start + count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_indexing_and_info_report_in_json(tmp_path: Path, capsys):
    source, out = write_corpus(tmp_path / "a.jsonl", 5), tmp_path / "index"
    code, said, _ = run(capsys, "index", source, "--out", out, "--format", "json")
    report = json.loads(said)
    assert (code, report["documents"], report["added"], report["read"]["read"]) == (0, 5, 5, 5)
    code, said, _ = run(capsys, "info", out, "--format", "json")
    found = json.loads(said)
    assert code == 0 and found["documents"] == 5 and found["complete"] is True
    assert found["encoder"]["name"] == "hash" and found["columns"] == {"year": "int"}
    assert [source["name"] for source in found["sources"]] == ["a.jsonl"]
    code, said, _ = run(capsys, "info", out)
    assert code == 0 and "hash" in said and "a.jsonl" in said


def test_a_second_run_has_nothing_to_do(tmp_path: Path, capsys):
    source, out = write_corpus(tmp_path / "a.jsonl", 5), tmp_path / "index"
    run(capsys, "index", source, "--out", out)
    code, said, _ = run(capsys, "index", source, "--out", out)
    assert code == 0 and "unchanged; nothing to do" in said


def test_update_and_delete_from_the_command_line(tmp_path: Path, capsys):
    out = tmp_path / "index"
    run(capsys, "index", write_corpus(tmp_path / "a.jsonl", 5), "--out", out)
    more = write_corpus(tmp_path / "b.jsonl", 3, start=4)
    code, _, err = run(capsys, "index", more, "--out", out)
    assert code == 2 and "--update adds and replaces" in err
    code, said, _ = run(capsys, "index", more, "--out", out, "--update", "--delete", "p0", "--format", "json")
    report = json.loads(said)
    assert code == 0
    assert (report["documents"], report["added"], report["deleted"], report["already"]) == (6, 2, 1, 1)
    code, said, _ = run(capsys, "index", "--out", out, "--delete", "p1")
    assert code == 0 and "1 deleted" in said
    code, _, err = run(capsys, "index", "--out", out, "--delete", "p1")
    assert code == 2 and "nearest ids" in err


def test_a_bad_line_stops_the_build_and_can_be_skipped_by_the_next_run(tmp_path: Path, capsys):
    source, out = write_corpus(tmp_path / "a.jsonl", 5), tmp_path / "index"
    with source.open("a", encoding="utf-8") as lines:
        lines.write("{broken\n")
    code, _, err = run(capsys, "index", source, "--out", out)
    assert code == 2 and f"{source}:6" in err and "Traceback" not in err
    code, said, _ = run(capsys, "index", source, "--out", out, "--skip-bad", "--format", "json")
    report = json.loads(said)
    assert code == 0 and report["documents"] == 5 and report["read"]["skipped"] == 1


def test_what_was_skipped_lacks_an_abstract_or_is_not_english_is_said(tmp_path: Path, capsys):
    lines = [
        '{"_id": "a", "title": "Only a title"}',
        "{broken",
        '{"_id": "b", "title": "T", "text": "Die Daten zeigen, dass die Fehler mit dem neuen Verfahren kleiner sind."}',
        '{"_id": "c", "title": "U", "text": "Wir haben die Daten mit einem anderen Verfahren noch einmal gemessen."}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    code, said, err = run(capsys, "index", tmp_path / "a.jsonl", "--out", tmp_path / "index", "--skip-bad")
    assert code == 0 and "3 documents" in said
    assert "1 entries were skipped; the first: " in err and "a.jsonl:2" in err
    assert "1 of 3 documents have no abstract" in err and "not English" in err


def test_another_encoder_is_refused_and_none_means_the_same_one(tmp_path: Path, capsys):
    source, out = write_corpus(tmp_path / "a.jsonl", 5), tmp_path / "index"
    run(capsys, "index", source, "--out", out, "--encoder", "hash")
    more = write_corpus(tmp_path / "b.jsonl", 1, start=9)
    code, _, err = run(capsys, "index", more, "--out", out, "--update", "--encoder", "other")
    assert code == 2 and "made with another encoder" in err
    assert run(capsys, "index", more, "--out", out, "--update")[0] == 0


def test_aspects_from_a_file_are_kept_for_later_runs(tmp_path: Path, capsys):
    scheme = tmp_path / "aspects.toml"
    scheme.write_text(
        '[[aspect]]\nname = "claim"\ndefinition = "What is claimed."\nexamples = ["It works."]\n'
        '[[aspect]]\nname = "proof"\ndefinition = "Why it holds."\nexamples = ["As shown."]\n'
    )
    out = tmp_path / "index"
    run(capsys, "index", write_corpus(tmp_path / "a.jsonl", 5), "--out", out, "--aspects", scheme)
    more = write_corpus(tmp_path / "b.jsonl", 1, start=9)
    assert run(capsys, "index", more, "--out", out, "--update")[0] == 0
    found = json.loads(run(capsys, "info", out, "--format", "json")[1])
    assert found["aspects"] == {"claim": 6, "proof": 6}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["index", "--out", "X"], 2, "no SOURCE"),
        (["index", "nowhere.jsonl", "--out", "X"], 3, "nowhere.jsonl"),
        (["index", "--out", "X", "--delete", "a"], 3, "no index here"),
        (["index", "corpus.jsonl"], 2, "--out"),
        (["index", "corpus.jsonl", "--out", "corpus.jsonl"], 2, "choose another folder"),
        (["info", "X"], 3, "no index here"),
    ],
)
def test_wrong_orders_are_refused(tmp_path: Path, capsys, monkeypatch, arguments, code: int, says: str):
    monkeypatch.chdir(tmp_path)
    write_corpus(tmp_path / "corpus.jsonl", 2)
    found, out, err = run(capsys, *arguments)
    assert found == code and says in err and out == ""


def test_an_empty_source_makes_no_index(tmp_path: Path, capsys):
    source = tmp_path / "empty.jsonl"
    source.write_text("")
    code, _, err = run(capsys, "index", source, "--out", tmp_path / "index")
    assert code == 2 and "empty" in err
    assert run(capsys, "info", tmp_path / "index")[0] == 3
