"""Probes: what a diagnosis tells systems."""

from __future__ import annotations

from pathlib import Path

from tests.folders import lines
from tests.known import write_collection

from heedful.benchmarks import load_benchmark
from heedful.benchmarks.probes import OFF_TOPIC, probes_of


def test_a_benchmark_with_aspects_has_them_all(tmp_path: Path):
    probes = {probe.label: probe for probe in probes_of(load_benchmark(write_collection(tmp_path)))}
    worded = [f"{v}{n}" for v in ("generic", "base", "definition", "subset") for n in ("", " (2)", " (3)", " (4)")]
    assert list(probes) == ["empty", *worded, "wrong", "irrelevant"]
    assert "method" in probes["base"].topics["s0_method"].instruction
    assert "background" in probes["wrong"].topics["s0_method"].instruction
    assert probes["wrong"].topics["s0_method"].aspect == "method"
    assert set(probes["empty"].instructions().values()) == {""}
    assert set(probes["irrelevant"].instructions().values()) == {OFF_TOPIC}
    assert probes["subset"].topics["s0_method"].seeds == ()


def test_paired_instructions_are_exchanged(paired: Path):
    probes = {probe.label: probe for probe in probes_of(load_benchmark(paired))}
    base, wrong = probes["base"].instructions(), probes["wrong"].instructions()
    assert set(base.values()) == {"yes", "no"}
    assert all({base[id], wrong[id]} == {"yes", "no"} for id in base)


def test_where_all_are_told_the_same_there_is_no_wrong(tmp_path: Path):
    lines(tmp_path / "corpus.jsonl", [{"_id": "a", "text": "text"}])
    lines(tmp_path / "queries.jsonl", [{"_id": q, "text": q, "instruction": "Find it."} for q in ("p", "q")])
    (tmp_path / "qrels.tsv").write_text("p 0 a 1\nq 0 a 1\n")
    assert [probe.label for probe in probes_of(load_benchmark(tmp_path))] == ["empty", "base", "irrelevant"]
