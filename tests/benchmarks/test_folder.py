"""A benchmark folder to a benchmark: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.benchmarks import load_benchmark
from heedful.errors import BadBenchmark, BadQrels, BadRecord, HeedfulError, Missing

SHARED = {
    "csfcube": (4205, 50, 32),
    "cacm": (3204, 52, 0),
    "cranfield": (1400, 225, 0),
    "condaqa-negation": (451, 468, 234),
    "birco-doris-mae": (1540, 20, 0),
    "birco-clinical-trial": (248, 9, 0),
}


@pytest.mark.parametrize("name", SHARED)
def test_every_shared_set_that_has_judgments_loads(shared_data: Path, name: str):
    found = load_benchmark(shared_data / name)
    assert (len(found.documents), len(found.topics), len(found.pairs)) == SHARED[name]
    assert all(found.candidates(topic) for topic in found.topics)


def test_a_seed_is_no_candidate_of_its_own_topic_and_no_judgment_of_it(aspects: Path):
    found = load_benchmark(aspects)
    assert set(found.candidates("s_background")) == {"a", "b", "c"}
    assert "s" not in found.judged("s_background")
    assert "s" not in found.with_options(pool="corpus").candidates("s_method")


def test_two_aspects_of_a_seed_are_paired_in_both_directions(aspects: Path):
    assert {(p.og, p.changed, p.cluster) for p in load_benchmark(aspects).pairs} == {
        ("s_background", "s_method", "s"),
        ("s_method", "s_background", "s"),
    }


def test_sentences_have_offsets_in_the_joined_text(aspects: Path):
    for document in load_benchmark(aspects).documents.values():
        for sentence in document.sentences:
            assert document.text[sentence.start : sentence.end] == sentence.text


def test_og_and_changed_instructions_become_two_topics(paired: Path):
    found = load_benchmark(paired)
    assert {id: t.instruction for id, t in found.topics.items() if id.startswith("q1")} == {
        "q1-og": "yes",
        "q1-changed": "no",
    }
    assert found.judged("q1-changed") == {"a": 0, "b": 1}


def test_qrels_of_three_columns_below_a_header_read_alike(aspects: Path):
    before = load_benchmark(aspects).qrels
    rows = [line.split() for line in (aspects / "qrels.tsv").read_text().splitlines()]
    text = "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{d}\t{g}\n" for q, _, d, g in rows)
    (aspects / "qrels.tsv").unlink()
    (aspects / "qrels").mkdir()
    (aspects / "qrels" / "test.tsv").write_text(text)
    assert load_benchmark(aspects).qrels == before


def test_a_pool_file_says_who_is_ranked_and_documents_without_text_are_left_out(aspects: Path):
    (aspects / "pools.json").write_text(json.dumps({"s": {"cands": [{"_id": "a"}, {"_id": "s"}, {"_id": "gone"}]}}))
    (aspects / "benchmark.json").unlink()
    found = load_benchmark(aspects)
    assert found.pool == "file"
    assert found.candidates("s_method") == ("a",)


def test_a_folder_without_pools_ranks_the_corpus(aspects: Path):
    (aspects / "benchmark.json").unlink()
    found = load_benchmark(aspects)
    assert (found.pool, found.convention, found.relevant_from, found.pairs) == ("corpus", "trec", 1, ())
    with pytest.raises(BadBenchmark, match=r"pools\.json"):
        found.with_options(pool="file")


@pytest.mark.parametrize(
    ("file", "text", "error", "what"),
    [
        ("corpus.jsonl", '{"_id": "s", "text": "x"}\nnot json\n', BadRecord, r"corpus\.jsonl:2"),
        ("corpus.jsonl", '{"_id": "s", "text": "x"}\n{"_id": "s", "text": "y"}\n', BadRecord, r"corpus\.jsonl:2"),
        ("corpus.jsonl", '{"text": "x"}\n', BadRecord, r"corpus\.jsonl:1"),
        ("corpus.jsonl", "", HeedfulError, r"corpus\.jsonl"),
        ("corpus.jsonl", None, BadBenchmark, r"found no corpus\.jsonl"),
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\n', BadBenchmark, "starts from 's'"),
        ("queries.jsonl", None, BadBenchmark, r"found no queries\.jsonl"),
        ("queries.jsonl", '{"_id": "q"}\n', BadRecord, r"queries\.jsonl:1: found neither seed nor text"),
        ("queries.jsonl", '{"_id": "q", "text": 3}\n', BadRecord, r"queries\.jsonl:1: found text of type int"),
        ("queries.jsonl", '["q"]\n', BadRecord, r"queries\.jsonl:1: found a JSON list"),
        ("queries.jsonl", '{"_id": "q", "text": "x"}\n', BadBenchmark, "judge 2 topics that queries.jsonl lacks"),
        ("queries.jsonl", "", BadRecord, r"queries\.jsonl:1: found an empty file"),
        ("qrels.tsv", None, BadBenchmark, "found no qrels"),
        ("qrels.tsv", "s_method 0 a\n", BadQrels, r"qrels\.tsv:1"),
        ("qrels_og.tsv", "s_method 0 a 1\n", BadBenchmark, "only one of qrels_og"),
        ("benchmark.json", '{"pool": "all"}', BadBenchmark, "found pool 'all'"),
        ("benchmark.json", '{"convention": "x"}', BadBenchmark, "found convention 'x'"),
        ("benchmark.json", '{"threshold": 2}', BadBenchmark, "found the key 'threshold'"),
        ("benchmark.json", '{"relevant_from": "2"}', BadBenchmark, "found relevant_from '2'"),
        ("benchmark.json", "[]", BadBenchmark, "found a JSON list"),
        ("benchmark.json", "{", BadBenchmark, "cannot be read"),
        ("pools.json", "[]", BadBenchmark, "pools"),
        ("splits.json", '{"all": {}}', BadBenchmark, r"splits\.json"),
    ],
)
def test_a_broken_folder_is_refused_and_the_message_says_where(aspects: Path, file: str, text, error, what: str):
    (aspects / file).unlink(missing_ok=True)
    if text is not None:
        (aspects / file).write_text(text)
    with pytest.raises(error, match=what):
        load_benchmark(aspects)


def test_qrels_that_are_no_pair_are_refused(paired: Path):
    (paired / "qrels_changed.tsv").write_text("q1 0 a 0\n")
    with pytest.raises(BadBenchmark, match=r"no pair: 1 topics are in one of them only \(q2\)"):
        load_benchmark(paired)


def test_a_query_without_a_changed_instruction_is_refused_where_qrels_pair_it(paired: Path):
    rows = [json.loads(line) for line in (paired / "queries.jsonl").read_text().splitlines()]
    del rows[0]["instruction_changed"]
    (paired / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BadBenchmark, match="'q1' has no instruction_changed"):
        load_benchmark(paired)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(Missing, match="no such folder"):
        load_benchmark(tmp_path / "nowhere")
