"""explore, compare and info on the command line."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from heedful.cli.main import main
from heedful.encode import HashEncoder
from heedful.index import build_index
from heedful.records import Document, Sentence


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("cli") / "index"
    documents = []
    for number in range(12):
        parts = (f"Reef number {number} bleaches.", f"A kernel of width {number % 3} smooths.", "Errors fell.")
        labels = ("background", "method", "result")
        sentences = tuple(Sentence(text, label) for text, label in zip(parts, labels, strict=True))
        documents.append(Document(f"d{number}", f"Reef {number}", " ".join(parts), sentences, {"year": 2000 + number}))
    build_index(documents, folder, HashEncoder(dim=32))
    return str(folder)


def test_json_stands_alone_on_stdout_and_has_the_promised_keys(index: str, capsys: pytest.CaptureFixture[str]):
    asked = ["explore", index, "--seed", "d3", "--instruction", "similar method, since 2004", "-k", "4"]
    assert main([*asked, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    promised = {"seed", "instruction", "plan", "system", "hits", "heed", "manifest"}
    assert promised <= found.keys() and len(found["hits"]) == 4
    assert {"rank", "id", "score", "title", "parts", "evidence", "moved"} <= found["hits"][0].keys()
    assert {"seed_sentence", "sentence", "aspect", "similarity"} == found["hits"][0]["evidence"][0].keys()
    assert {"rbo", "turnover@10", "gain", "verdict"} == found["heed"].keys()
    assert main(["info", index, "--format", "json"]) == 0
    assert {"documents", "encoder", "complete"} <= json.loads(capsys.readouterr().out).keys()


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["--seed", "nothing-like-it"], 2, "nearest ids: d"),
        (["--seed-file", "FOLDER"], 2, "cannot be read"),
        (["--seed-file", "FOLDER/none"], 3, "no such file"),
        (["--seed", "d1", "--plan", "{"], 2, "--plan"),
        (["--seed", "d1", "--where", "1=1; DROP"], 2, "--where"),
        (["--seed", "d1", "-k", "0"], 2, "k is 0"),
        (["--seed", "d1", "--rerank", "alin"], 2, "did you mean align"),
        (["--debug", "--seed", "d1", "-k", "0"], 2, "Traceback"),
        ([], 2, "no start"),
    ],
)
def test_bad_input_is_said_on_stderr(index: str, arguments, code, what, tmp_path: Path, capsys):
    assert main(["explore", index, *(a.replace("FOLDER", str(tmp_path)) for a in arguments)]) == code
    printed = capsys.readouterr()
    assert what in printed.err and not printed.out
    assert ("Traceback" in printed.err) == ("--debug" in arguments)


@pytest.mark.parametrize(("encoding", "query"), [("ascii", "récif"), ("utf-8", "reef \udcff")])
def test_json_reads_back_whatever_stdout_can_carry(encoding: str, query: str, monkeypatch: pytest.MonkeyPatch):
    from heedful.cli.output import print_json

    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    print_json({"query": query})
    out.flush()
    assert json.loads(out.buffer.getvalue().decode(encoding)) == {"query": query}  # type: ignore[attr-defined]


def test_an_index_that_is_not_there_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for verb in (["info"], ["explore", "--seed", "x"]):
        assert main([verb[0], str(tmp_path), *verb[1:]]) == 3
        assert "no index here" in capsys.readouterr().err
