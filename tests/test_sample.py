"""The sample collection is what its README says."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from heedful import sample
from heedful.benchmarks import load_benchmark

ROOT = Path(__file__).resolve().parent.parent
FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv", "construction.tsv", "benchmark.json")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (sample.folder() / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def corpus() -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in rows("corpus.jsonl")}


@pytest.fixture(scope="module")
def construction() -> dict[str, dict[str, str]]:
    with (sample.folder() / "construction.tsv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file, delimiter="\t")}


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sample", ROOT / "scripts" / "make_sample.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def grams(text: str, n: int) -> set[str]:
    words = text.lower().split()
    return {" ".join(words[at : at + n]) for at in range(len(words) - n + 1)}


def test_every_combination_occurs_once_and_every_topic_has_one_review(construction):
    cells = Counter((row["topic"], row["method"], row["finding"]) for row in construction.values())
    assert set(cells.values()) == {1}
    designed = [cell for cell in cells if cell[1] != "survey"]
    assert len(designed) == 8 * 6 * 5
    assert Counter(topic for topic, method, _ in cells if method == "survey") == Counter({cell[0] for cell in designed})


def test_ids_titles_and_texts_are_unique(corpus):
    assert len(corpus) == len(rows("corpus.jsonl")) >= 240
    assert len({row["title"].lower() for row in corpus.values()}) == len(corpus)
    assert len({row["text"] for row in corpus.values()}) == len(corpus)


def test_no_two_abstracts_share_a_sentence(corpus):
    sentences = Counter(sentence["text"] for row in corpus.values() for sentence in row["sentences"])
    assert len(sentences) > 1500
    assert [text for text, count in sentences.items() if count > 1] == []


def test_no_two_abstracts_share_a_run_of_eight_words(corpus):
    seen: dict[str, set[str]] = defaultdict(set)
    for id, row in corpus.items():
        for gram in grams(row["text"], 8):
            seen[gram].add(id)
    assert {gram: ids for gram, ids in seen.items() if len(ids) > 1} == {}


def test_papers_of_one_method_describe_it_in_different_words(corpus, construction):
    methods = {
        id: grams(" ".join(s["text"] for s in row["sentences"] if s["label"] == "method"), 4)
        for id, row in corpus.items()
    }
    ids = sorted(methods)
    shared = [
        len(methods[a] & methods[b])
        for a in ids
        for b in ids
        if a < b and construction[a]["method"] == construction[b]["method"]
    ]
    assert len(shared) > 4000 and max(shared) <= 3


def test_abstracts_have_six_to_nine_labelled_sentences_and_110_to_180_words(corpus):
    for row in corpus.values():
        assert 6 <= len(row["sentences"]) <= 9, row["title"]
        assert 110 <= len(row["text"].split()) <= 180, row["title"]
        assert {s["label"] for s in row["sentences"]} - {"other"} == {"background", "objective", "method", "result"}
        assert " ".join(s["text"] for s in row["sentences"]) == row["text"]
        assert all(s["text"][-1] in ".?" and s["text"][:1].upper() == s["text"][:1] for s in row["sentences"])
        assert 2008 <= row["year"] <= 2025 and row["venue"] and row["authors"]


def test_each_seed_is_asked_for_in_all_three_aspects(corpus):
    asked = defaultdict(set)
    for query in rows("queries.jsonl"):
        assert query["seed"] in corpus and query["instruction"]
        asked[query["seed"]].add(query["aspect"])
    assert len(asked) >= 32
    assert all(aspects == {"background", "method", "result"} for aspects in asked.values())


def test_seeds_spread_over_methods_and_findings(construction):
    seeds = {query["seed"] for query in rows("queries.jsonl")}
    for column in ("topic", "method", "finding"):
        counts = Counter(construction[seed][column] for seed in seeds)
        assert max(counts.values()) <= 2 * min(counts.values()), counts


def expected_grade(aspect: str, a: dict[str, str], b: dict[str, str]) -> int:
    siblings = [("nitrate", "coral"), ("sign", "handwriting"), ("grid", "bus"), ("triage", "protein")]
    sibling = any({a["topic"], b["topic"]} == set(pair) for pair in siblings)
    if aspect == "background":
        if a["topic"] == b["topic"]:
            return 3 if a["problem"] == b["problem"] else 2
        return 1 if sibling else 0
    if b["method"] == "survey":
        return 0
    related = any({a["method"], b["method"]} == set(p) for p in [("contrast", "transfer"), ("bayes", "emulator")])
    if aspect == "method":
        if a["method"] != b["method"]:
            return 1 if related else 0
        return 3 if a["topic"] == b["topic"] or sibling else 2
    if a["finding"] == b["finding"]:
        return 3 if a["method"] == b["method"] or related else 2
    return 1 if any({a["finding"], b["finding"]} == set(p) for p in [("few", "cheap"), ("null", "shift")]) else 0


def test_every_grade_follows_from_the_construction(construction):
    benchmark = load_benchmark(sample.folder())
    assert benchmark.convention == "trec" and len(benchmark.documents) == len(construction)
    judged = {}
    for line in (sample.folder() / "qrels.tsv").read_text().splitlines():
        topic, _, id, grade = line.split()
        judged[topic, id] = int(grade)
    compared = 0
    for query in rows("queries.jsonl"):
        for id, row in construction.items():
            if id == query["seed"]:
                assert (query["_id"], id) not in judged
                continue
            expected = expected_grade(query["aspect"], construction[query["seed"]], row)
            assert judged.pop((query["_id"], id), 0) == expected, (query["_id"], id)
            compared += 1
    assert judged == {} and compared == len(rows("queries.jsonl")) * (len(construction) - 1)


def test_the_folder_is_made_from_its_sources_byte_for_byte(tmp_path, maker):
    maker.make(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (sample.folder() / name).read_bytes(), name


def test_the_maker_says_where_a_source_is_wrong(tmp_path, maker):
    (tmp_path / "nitrate.txt").write_text("# A title | bayes | gain | 2020 | Venue | Author\nThe label is missing.\n")
    with pytest.raises(ValueError, match=r"nitrate\.txt:2"):
        maker.read_abstracts(tmp_path)


def test_the_demo_seed_is_a_seed_of_the_benchmark_and_has_three_instructions(corpus):
    assert sample.SEED in {query["seed"] for query in rows("queries.jsonl")}
    assert len(set(sample.INSTRUCTIONS)) == 3 and all(sample.INSTRUCTIONS)
