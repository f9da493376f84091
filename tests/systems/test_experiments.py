"""The published experiments as values and as files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.folders import lines
from tests.known import Known, write_collection

from heedful.benchmarks import load_benchmark
from heedful.errors import BadInput
from heedful.evaluate.report.write import write_experiment
from heedful.systems import diagnose as room
from heedful.systems.experiments import EXPERIMENTS, Setting, run_experiment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_collection(tmp_path / "known", seeds=4)
    monkeypatch.setattr(room, "parse_system", lambda how: Known(how, folder))
    return folder


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name != "prp"])  # it needs a chat model
def test_an_experiment_leaves_table_picture_and_manifest(folder: Path, tmp_path: Path, name: str):
    found = run_experiment(name, Setting(load_benchmark(folder), ["heeds", "deaf"]))
    paths = write_experiment(name, found.as_dict(), found.sentences, found.tables, found.figure, tmp_path / "out")
    assert {path.suffix for path in paths} == {".md", ".tex", ".csv", ".json", ".svg"}
    assert json.loads((tmp_path / "out" / f"{name}.json").read_text())["experiment"] == name
    assert json.loads((tmp_path / "out" / f"{name}-manifest.json").read_text())["data"]["benchmark"] == "known"
    assert "<svg" in (tmp_path / "out" / f"{name}.svg").read_text()
    for path in paths:
        if path.suffix == ".csv":
            assert len(list(csv.DictReader(path.open()))) >= 2


def test_experiments_share_finished_rankings(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    once = Known("heeds", folder)
    monkeypatch.setattr(room, "parse_system", lambda name: once)
    setting = Setting(load_benchmark(folder), ["heeds"], out=tmp_path / "rankings")
    run_experiment("baselines", setting)
    calls = once.calls
    run_experiment("aspects", setting)
    assert once.calls == calls == 8


def test_sensitivity_reports_every_variant_and_wording(folder: Path):
    found = run_experiment("sensitivity", Setting(load_benchmark(folder), ["heeds"]))
    tables = {table.name: table.as_dict()["rows"] for table in found.tables}
    row = tables["specificity"][0]
    assert row["nDCG@20 base"] == 1 > row["nDCG@20 generic"] > row["nDCG@20 wrong"]
    assert {r["told"]: r["wordings"] for r in tables["wordings"]}["definition"] == 4


def test_aspects_needs_aspects_and_says_so(tmp_path: Path, folder: Path):
    plain = tmp_path / "plain"
    lines(plain / "corpus.jsonl", [{"_id": "a", "text": "text"}])
    lines(plain / "queries.jsonl", [{"_id": "q", "text": "question"}])
    (plain / "qrels.tsv").write_text("q 0 a 1\n")
    with pytest.raises(BadInput, match="no aspects"):
        run_experiment("aspects", Setting(load_benchmark(plain), ["deaf"]))
    assert run_experiment("baselines", Setting(load_benchmark(plain), ["deaf"])).tables


def test_an_unknown_experiment_names_those_that_there_are(folder: Path):
    with pytest.raises(BadInput, match="baselines"):
        run_experiment("astrology", Setting(load_benchmark(folder), ["deaf"]))
