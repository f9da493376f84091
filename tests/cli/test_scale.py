"""--ray, s3:// and compact on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.index.conftest import contents, make_documents

from heedful.cli.main import main
from heedful.cli.ray_option import with_addresses
from heedful.encode.hashing import HashEncoder
from heedful.index import build_index


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["index", "a.jsonl", "--ray"], ["index", "a.jsonl", "--ray", "local"]),
        (["index", "--ray", "a.jsonl", "--out", "x"], ["index", "--ray", "local", "a.jsonl", "--out", "x"]),
        (["index", "--ray", "--out", "x"], ["index", "--ray", "local", "--out", "x"]),
        (["index", "--ray", "10.0.0.1:6379", "a.jsonl"], ["index", "--ray", "10.0.0.1:6379", "a.jsonl"]),
        (["index", "--ray", "auto", "a.jsonl"], ["index", "--ray", "auto", "a.jsonl"]),
        (["index", "--ray=auto", "a.jsonl"], ["index", "--ray=auto", "a.jsonl"]),
    ],
)
def test_the_address_after_ray_may_be_left_out(given: list[str], expected: list[str]):
    assert with_addresses(given) == expected


def test_an_address_where_no_ray_is_exits_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.jsonl").write_text('{"_id": "a", "title": "On tides", "text": "Tides are old."}\n')
    code = main(["index", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "x"), "--ray", "127.0.0.1:9"])
    assert code == 4
    assert "--ray 127.0.0.1:9: no Ray cluster answers" in capsys.readouterr().err


def test_workers_without_ray_are_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.jsonl").write_text('{"_id": "a", "title": "On tides", "text": "Tides are old."}\n')
    assert main(["index", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "x"), "--workers", "2"]) == 2
    assert "give --ray too" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["info"], ["explore", "--seed", "a"], ["compact"], ["plan", "x", "--index"]])
def test_a_bucket_without_credentials_exits_3(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main([*verb, "s3://bucket/papers"]) == 3
    assert "no credentials" in capsys.readouterr().err


def test_compact_joins_the_pieces_and_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for stop in (5, 10, 15):
        build_index(make_documents(stop), tmp_path / "index", HashEncoder(16), update=True)
    before = contents(tmp_path / "index")
    assert main(["compact", str(tmp_path / "index"), "--format", "json"]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["pieces_before"], report["pieces"], report["documents"]) == (3, 1, 15)
    assert "MB more for a while" in said.err
    assert contents(tmp_path / "index") == before
