"""The built-in systems that read text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from heedful.benchmarks import load_benchmark
from heedful.cache import cache_folder
from heedful.encode import HashEncoder
from heedful.errors import BadSystem, Missing
from heedful.records import Document, Hit, Topic
from heedful.systems import Collection, open_reranker, parse_system
from heedful.systems.collection import cached_vectors, open_collection

DOCUMENTS = {
    d.id: d
    for d in (
        Document("s", "Tides", "Wavelets describe the tides of a shallow sea."),
        Document("near", "Sea levels", "Tides and waves in a shallow sea, by wavelets."),
        Document("far", "Bread", "Sourdough needs flour, water and time."),
        Document("other", "Rust", "Steel bridges rust in salt air."),
    )
}
SEA = Collection(DOCUMENTS, name="sea")
TOPIC = Topic("t", ("s",), instruction="Find papers whose method is similar to this paper's.")
IDS = ["near", "far", "other"]


@pytest.mark.parametrize("name", ["bm25", "bm25(instruction=prefix)", "minilm", "minilm(instruction=prefix)"])
def test_the_nearest_text_comes_first_and_the_record_holds_what_the_model_got(name: str):
    ranker = parse_system(name).open(SEA)
    answer = ranker.rank(TOPIC, IDS)
    assert answer.hits[0].id == "near" and {hit.id for hit in answer.hits} == set(IDS)
    seed = "Tides Wavelets describe the tides of a shallow sea."
    assert answer.inputs == ((f"{TOPIC.instruction} {seed}" if "prefix" in name else seed),)
    by_text = ranker.rank(Topic("u", text="shallow sea tides"), IDS)
    assert by_text.hits[0].id == "near" and by_text.inputs == ("shallow sea tides",)


def test_a_seeds_own_text_and_its_stored_vector_rank_alike():
    ranker = parse_system("minilm").open(SEA)
    stored = ranker.rank(Topic("t", ("s",)), IDS).hits
    written = ranker.rank(Topic("u", text="Tides Wavelets describe the tides of a shallow sea."), IDS).hits
    assert [h.id for h in stored] == [h.id for h in written]
    assert np.allclose([h.score for h in stored], [h.score for h in written], atol=0.02)


def test_vectors_are_computed_once_a_collection_and_never_for_a_passing_one():
    calls = []

    def compute():
        calls.append(1)
        return np.eye(4, dtype=np.float32)

    for _ in range(2):
        assert cached_vectors(Collection(DOCUMENTS, name="cached"), {"of": "test"}, compute).shape == (4, 4)
    assert len(calls) == 1
    for file in (cache_folder() / "vectors").glob("*.npy"):
        file.write_bytes(b"damaged")
    cached_vectors(Collection(DOCUMENTS, name="cached"), {"of": "test"}, compute)
    assert len(calls) == 2
    for _ in range(2):
        cached_vectors(Collection(DOCUMENTS), {"of": "test"}, compute)
    assert len(calls) == 4


def test_an_index_of_the_collection_is_built_once():
    first = open_collection(SEA, HashEncoder(16))
    assert len(first) == 4
    assert open_collection(SEA, HashEncoder(16)).ids == first.ids


@pytest.mark.parametrize(
    ("name", "error", "what"),
    [
        ("st", BadSystem, "found no model"),
        ("st(model=/no/such/model)", Missing, "is not here"),
        ("st(model=x, template=hello)", BadSystem, "template"),
        ("run", BadSystem, "found no path"),
        ("minilm(instruction=suffix)", BadSystem, "expected one of none, prefix"),
    ],
)
def test_a_system_that_cannot_be_opened_says_why(name: str, error, what: str):
    with pytest.raises(error, match=what):
        parse_system(name).open(SEA)


def test_a_system_reranks_what_an_index_found():
    index = open_collection(SEA, HashEncoder(16))
    hits = open_reranker("bm25", index).rerank(TOPIC, [Hit("far", 3.0), Hit("near", 2.0), Hit("other", 1.0)])
    assert hits[0].id == "near" and {hit.id for hit in hits} == set(IDS)
    assert all(a.score > b.score for a, b in pairwise(hits))
    assert open_reranker("bm25", index).rerank(TOPIC, []) == []
    with pytest.raises(BadSystem, match="benchmarks only"):
        open_reranker("oracle", index)


def test_minilm_prefix_is_delivered_and_minilm_is_not(aspects: Path):
    from heedful.systems.suite import bench

    report = bench(load_benchmark(aspects), ["minilm", "minilm(instruction=prefix)"])
    assert report["delivery"]["minilm"] == {"pairs": 2, "delivered": 0, "not_delivered": 2}
    assert report["delivery"]["minilm(instruction=prefix)"]["not_delivered"] == 0
    assert report["systems"]["minilm"]["all"]["p-MRR"]["value"] == 0.0


def test_a_damaged_index_in_the_cache_is_made_anew():
    first = open_collection(SEA, HashEncoder(24))
    manifest = first.folder / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("documents", "documentz"), encoding="utf-8")
    assert open_collection(SEA, HashEncoder(24)).ids == first.ids
