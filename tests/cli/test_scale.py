"""--ray, s3:// and compact on the command line."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.index.conftest import contents, make_documents

import heedful.cli.index
import heedful.encode
from heedful.cli.main import main
from heedful.cli.ray_option import with_addresses
from heedful.encode.hashing import HashEncoder
from heedful.index import build_index
from heedful.seams import LocalMapper


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


@pytest.mark.parametrize("name", ["plain.jsonl", "cut-off.jsonl.gz"])
def test_a_bad_source_exits_2_or_is_counted_and_the_rest_is_done(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(heedful.encode, "load_encoder", lambda name, *, scheme, **given: HashEncoder(16, scheme))
    monkeypatch.setattr(heedful.cli.index, "mapper_of", lambda *given: nullcontext(LocalMapper()))
    rows: list[Any] = [
        json.dumps({"_id": f"d{n}", "title": "On tides", "text": f"Tide {n} is old."}) for n in range(30)
    ]
    path = tmp_path / name
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress("\n".join(rows).encode(), 0)[:-200])
    else:
        path.write_text("\n".join([*rows[:25], "{half", *rows[26:]]))
    order = ["index", str(path), "--out", str(tmp_path / "x"), "--format", "json"]
    assert main(order) == 2
    [said] = [text for text in capsys.readouterr().err.splitlines() if f"{path}:2" in text]
    assert main([*order, "--skip-bad"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["documents"] == done["read"]["read"] > 20 and done["read"]["skipped"] == 1
    assert done["read"]["reasons"][0] in said
