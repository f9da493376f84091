"""Published layouts, on small files of each."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heedful.benchmarks import load_benchmark
from heedful.errors import BadBenchmark, BadQrels, Missing
from heedful.systems.suite import bench

DOCS = [{"_id": id, "title": "", "text": f"text {id}"} for id in "abcd"]


def jsonl(path: Path, rows: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def parquet(path: Path, rows: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def tsv(path: Path, rows: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("query-id\tcorpus-id\tscore\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))


FOLLOWIR = {
    "corpus": DOCS,
    "queries": [{"_id": "1", "text": "q", "instruction_og": "yes", "instruction_changed": "no"}],
    "top_ranked": [{"qid": "1", "pid": id} for id in "abc"],
    "qrels_og": [("1", "a", 1), ("1", "b", 0)],
    "qrels_changed": [("1", "a", 0), ("1", "b", 0)],
}
FOLLOWIR_MTEB = {
    "corpus": DOCS,
    "queries": [{"_id": "1-og", "text": "q"}, {"_id": "1-changed", "text": "q"}],
    "instruction": [{"query-id": "1-og", "instruction": "yes"}, {"query-id": "1-changed", "instruction": "no"}],
    "default": [{"query-id": f"1-{s}", "corpus-id": "a", "score": float(s == "og")} for s in ("og", "changed")],
    "qrel_diff": [{"query-id": "1", "corpus-ids": ["a"]}],
    "top_ranked": [{"query-id": f"1-{s}", "corpus-ids": ["a", "b", "c"]} for s in ("og", "changed")],
}


def check_followir(found) -> None:
    assert {id: t.instruction for id, t in found.topics.items()} == {"1-og": "yes", "1-changed": "no"}
    assert found.candidates("1-og") == ("a", "b", "c") == found.candidates("1-changed")
    report = bench(found, ["oracle", "random"])
    assert report["systems"]["oracle"]["all"]["p-MRR"]["documents"] == 1


def test_followir_as_its_authors_published_it(tmp_path: Path):
    for name in ("corpus", "queries", "top_ranked"):
        jsonl(tmp_path / f"{name}.jsonl", FOLLOWIR[name])
    for side in ("og", "changed"):
        tsv(tmp_path / f"qrels_{side}" / "test.tsv", FOLLOWIR[f"qrels_{side}"])
    check_followir(load_benchmark(tmp_path))
    (tmp_path / "qrels_changed" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta\n")
    with pytest.raises(BadQrels, match=r"test\.tsv:2"):
        load_benchmark(tmp_path)
    tsv(tmp_path / "qrels_changed" / "test.tsv", [("2", "a", 0)])
    with pytest.raises(BadBenchmark, match="no pair"):
        load_benchmark(tmp_path)


def test_followir_as_mteb_has_it(tmp_path: Path):
    for name, rows in FOLLOWIR_MTEB.items():
        folder = "data" if name == "default" else name
        split = "test" if name == "default" else name
        parquet(tmp_path / folder / f"{split}-00000-of-00001.parquet", rows)
    check_followir(load_benchmark(tmp_path))


def test_followir_through_the_datasets_library(monkeypatch: pytest.MonkeyPatch):
    library = types.ModuleType("datasets")
    library.get_dataset_config_names = lambda path: list(FOLLOWIR_MTEB)
    library.load_dataset = lambda path, name: {"test" if name == "default" else name: FOLLOWIR_MTEB[name]}
    monkeypatch.setitem(sys.modules, "datasets", library)
    check_followir(load_benchmark("datasets:lab/followir-mteb"))


def test_without_the_datasets_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(Missing, match="pip install"):
        load_benchmark("datasets:lab/followir")


def test_beir(tmp_path: Path):
    jsonl(tmp_path / "corpus.jsonl", DOCS)
    jsonl(tmp_path / "queries.jsonl", [{"_id": "1", "text": "q"}, {"_id": "train", "text": "r"}])
    tsv(tmp_path / "qrels" / "test.tsv", [("1", "a", 1)])
    found = load_benchmark(tmp_path)
    assert (list(found.topics), found.without_judgments, found.pool) == (["1"], 1, "corpus")


def test_infosearch_has_three_modes(tmp_path: Path):
    jsonl(tmp_path / "corpus.jsonl", DOCS)
    row = {"_id": "1", "text": "q", "only_instruction_changed": "code", "only_instruction_reversed": "no code"}
    jsonl(tmp_path / "queries.jsonl", [row])
    grades = {"og": "11", "changed": "10", "reversed": "01"}
    for side, (a, b) in grades.items():
        tsv(tmp_path / f"qrels_{side}" / "test.tsv", [("1", "a", a), ("1", "b", b)])
    found = load_benchmark(tmp_path)
    assert {id: t.instruction for id, t in found.topics.items()} == {
        "1-og": "",
        "1-changed": "code",
        "1-reversed": "no code",
    }
    split = bench(found, ["oracle"])["systems"]["oracle"]["all"]
    assert set(split["measures"]["nDCG@20"]) == {"og", "changed", "reversed"}
    assert set(split["following"]) >= {"SICR", "WISE"}


def test_instructir_groups_the_instructions_of_a_query(tmp_path: Path):
    jsonl(tmp_path / "corpus.jsonl", DOCS)
    jsonl(tmp_path / "queries.jsonl", [{"_id": f"9_{i}", "text": "q"} for i in (1, 2)])
    jsonl(tmp_path / "instruction.jsonl", [{"query-id": f"9_{i}", "instruction": f"i {i}"} for i in (1, 2)])
    tsv(tmp_path / "qrels" / "test.tsv", [("9_1", "a", 1), ("9_2", "b", 1)])
    found = load_benchmark(tmp_path)
    assert found.topics["9_2"].instruction == "i 2"
    assert bench(found, ["oracle"])["systems"]["oracle"]["all"]["following"] == {"robustness@10": 1.0}


def test_mair(tmp_path: Path):
    jsonl(tmp_path / "docs.jsonl", [{"id": id, "doc": f"text {id}"} for id in "abc"])
    labels = [{"id": "a", "score": 2}, {"id": "b", "score": 1}]
    jsonl(tmp_path / "queries.jsonl", [{"qid": "1", "instruction": "i", "query": "q", "labels": labels}])
    found = load_benchmark(tmp_path)
    assert found.topics["1"].instruction == "i"
    assert found.judged("1") == {"a": 2, "b": 1}


def test_bright_leaves_out_what_a_query_excludes(tmp_path: Path):
    parquet(tmp_path / "documents" / "biology-00000-of-00001.parquet", [{"id": i, "content": i * 3} for i in "abc"])
    rows = [
        {"id": "0", "query": "q", "gold_ids": ["a"], "excluded_ids": ["c"]},
        {"id": "1", "query": "r", "gold_ids": ["b"], "excluded_ids": ["N/A"]},
    ]
    parquet(tmp_path / "examples" / "biology-00000-of-00001.parquet", rows)
    for folder in (tmp_path, tmp_path / "biology"):
        found = load_benchmark(folder)
        assert (found.candidates("0"), found.candidates("1")) == (("a", "b"), ("a", "b", "c"))
    assert found.name == "biology"
    with pytest.raises(Missing, match="no such folder"):
        load_benchmark(tmp_path / "chemistry")


def test_a_row_without_its_fields_is_refused_and_the_message_says_where(tmp_path: Path):
    jsonl(tmp_path / "docs.jsonl", [{"id": "a", "doc": "x"}, {"id": "b"}])
    jsonl(tmp_path / "queries.jsonl", [{"qid": "1", "query": "q", "labels": [{"id": "a", "score": 1}]}])
    with pytest.raises(BadBenchmark, match=r"docs\.jsonl:2: found the fields id; expected text or content"):
        load_benchmark(tmp_path)
    jsonl(tmp_path / "docs.jsonl", [{"id": "a", "doc": "x"}, {"id": "a", "doc": "y"}])
    with pytest.raises(BadBenchmark, match=r"docs\.jsonl:2: found the id 'a' a second time"):
        load_benchmark(tmp_path)
