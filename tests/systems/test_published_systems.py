"""Every published system delivers every instruction variant, ranks what it should, and can be reranked with."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests import tiny

from heedful.benchmarks import load_benchmark
from heedful.errors import BadSystem, Missing
from heedful.records import Document, Hit, Sentence, Topic
from heedful.systems.listing import listing
from heedful.systems.protocol import Collection
from heedful.systems.registry import parse_system
from heedful.systems.reranking import open_reranker
from heedful.systems.suite import bench

NAMES = {
    "align": "align(labels=data)",
    "maxsim": "align(by=maxsim, labels=data)",
    "otaspire": "otaspire(model={bert}, labels=data)",
    "tsaspire": "tsaspire(model={bert}, labels=data)",
    "scincl": "scincl(model={bert})",
    "specter2": "specter2(model={bert}, adapter={adapter}, distance=cosine)",
    "gritlm": "gritlm(model={mistral})",
    "prompted": "prompted(model={qwen})",
    "cross": "cross(model={pair})",
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("models")
    bert = tiny.bert(root / "bert")
    folders = {
        "bert": bert,
        "adapter": tiny.adapter(root / "adapter", bert),
        "mistral": tiny.mistral(root / "mistral"),
        "qwen": tiny.qwen3(root / "qwen"),
        "pair": tiny.bert(root / "pair", labels=1),
    }
    return {key: name.format(**folders) for key, name in NAMES.items()}


@pytest.mark.parametrize("key", NAMES)
def test_every_variant_is_delivered(aspects: Path, names: dict[str, str], key: str):
    report = bench(load_benchmark(aspects), [names[key]], variants=["generic", "base", "definition", "subset"])
    for variant in ("", "[definition]", "[subset]"):
        assert report["delivery"][f"{names[key]}{variant}"] == {"pairs": 2, "delivered": 2, "not_delivered": 0}
    assert report["delivery"][f"{names[key]}[generic]"]["delivered"] == 0  # it says the same of every aspect


def collection(name: str = "sea") -> Collection:
    def paper(id: str, *sentences: tuple[str, str]) -> Document:
        return Document(
            id, f"Paper {id}", " ".join(t for t, _ in sentences), tuple(Sentence(t, label) for t, label in sentences)
        )

    papers = (
        paper("s", ("Tides of a shallow sea are old.", "background"), ("We use wavelets on tides.", "method")),
        paper(
            "same-method", ("Steel bridges rust in salt air.", "background"), ("We use wavelets on tides.", "method")
        ),
        paper("same-problem", ("Tides of a shallow sea are old.", "background"), ("We find flour.", "method")),
        paper("neither", ("Sourdough needs water.", "background"), ("Steel bridges rust.", "method")),
        Document("empty", "", ""),
    )
    return Collection({one.id: one for one in papers}, name=name)


IDS = ["same-method", "same-problem", "neither", "empty"]


@pytest.mark.parametrize("name", ["sea", ""])
@pytest.mark.parametrize("key", ["align", "maxsim", "otaspire", "tsaspire"])
def test_the_aspect_asked_for_decides_who_is_nearest(names: dict[str, str], key: str, name: str):
    ranker = parse_system(names[key]).open(collection(name))
    for aspect, best in (("method", "same-method"), ("background", "same-problem")):
        topic = Topic("t", ("s",), instruction=f"Find papers whose {aspect} is similar to this paper's.")
        answer = ranker.rank(topic, IDS)
        assert answer.hits[-1].id == "empty"
        if "aspire" not in key:  # a random model's context drowns the words
            assert answer.hits[0].id == best
        (pair, *_) = ranker.evidence(topic, [best])[best]
        start, found = ranker.alignment(topic, [best])
        assert found.plan.shape[1] == len(start.texts) == 1 and found.plan.sum() == pytest.approx(1)
        assert (
            -1 <= pair.similarity <= 1.0001
            and pair.aspect == aspect
            and pair.seed_sentence in (answer.inputs or ("",))[0]
        )
    whole = ranker.rank(Topic("t", ("s",)), IDS)
    assert whole.inputs == ("Tides of a shallow sea are old.\nWe use wavelets on tides.",)


def test_an_aspect_to_differ_in_leaves_its_sentences_out(names: dict[str, str]):
    ranker = parse_system(names["align"]).open(collection())
    answer = ranker.rank(Topic("t", ("s",), instruction="a different method"), IDS)
    assert answer.inputs == ("Tides of a shallow sea are old.",)


def test_a_plan_may_be_given_and_says_so(names: dict[str, str]):
    system = parse_system("align(plan=given, labels=data)")
    assert system.given == {"aspect"}
    answer = system.open(collection()).rank(Topic("t", ("s",), aspect="method"), IDS)
    assert answer.inputs == ("We use wavelets on tides.",)


def test_a_seed_without_the_aspect_is_aligned_as_a_whole(names: dict[str, str], caplog: pytest.LogCaptureFixture):
    ranker = parse_system(names["otaspire"]).open(collection())
    answer = ranker.rank(Topic("t", ("s",), instruction="Find papers whose results are similar."), IDS)
    assert answer.inputs == ranker.rank(Topic("t", ("s",)), IDS).inputs and "no sentences of result" in caplog.text


@pytest.mark.parametrize("key", NAMES)
def test_a_text_may_be_the_start_and_an_empty_document_a_candidate(names: dict[str, str], key: str):
    ranker = parse_system(names[key]).open(collection())
    answer = ranker.rank(Topic("u", text="We use wavelets on tides."), IDS)
    assert {hit.id for hit in answer.hits} == set(IDS) and all(np.isfinite(hit.score) for hit in answer.hits)
    assert "We use wavelets on tides." in "".join(answer.inputs or ())


@pytest.mark.parametrize("key", NAMES)
def test_an_explorations_candidates_can_be_reranked(names: dict[str, str], key: str, tmp_path: Path):
    from heedful.encode import load_encoder
    from heedful.index import Index, build_index

    build_index(collection().documents.values(), tmp_path / "index", load_encoder(labels="data"))
    reranker = open_reranker(names[key], Index.open(tmp_path / "index"))
    topic = Topic("explore", ("s",), instruction="similar method")
    hits = reranker.rerank(topic, [Hit(id, 1.0) for id in IDS])
    assert {hit.id for hit in hits} == set(IDS) and all(a.score > b.score for a, b in pairwise(hits))
    if key in ("align", "maxsim"):
        assert hits[0].id == "same-method"


def test_a_hits_evidence_is_what_the_reranker_aligned(tmp_path: Path):
    from heedful.encode import load_encoder
    from heedful.explore import Explorer
    from heedful.index import Index, build_index

    build_index(collection().documents.values(), tmp_path / "index", load_encoder())
    index = Index.open(tmp_path / "index")
    asked = {"instruction": "similar method", "rerank": open_reranker("align", index)}
    best = Explorer(index).explore("s", **asked).hits[0]
    assert best.document.id == "same-method"
    (pair,) = best.evidence
    assert (pair.seed_sentence, pair.sentence) == ("We use wavelets on tides.",) * 2
    assert pair.aspect == "method" and pair.similarity > 0.7
    text = "Tides of a shallow sea are old. We use wavelets on tides. We find long waves."
    unseen = Explorer(index).explore(text=text, **asked).hits[0]  # a seed that is not in the collection
    assert unseen.id in ("s", "same-method") and unseen.evidence[0].seed_sentence == "We use wavelets on tides."
    plain = Explorer(index).explore("s", instruction="similar method", rerank=open_reranker("bm25", index))
    assert plain.hits[0].evidence


def test_vectors_are_kept_under_the_models_own_files(names: dict[str, str], tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HEEDFUL_CACHE", str(tmp_path))
    for name in (names["scincl"], names["scincl"], names["specter2"], names["otaspire"], names["tsaspire"]):
        parse_system(name).open(collection())
    assert len(list((tmp_path / "vectors").glob("*.npy"))) == 3  # the two Aspires have the same model here


@pytest.mark.parametrize("name", ["scincl", "specter2", "otaspire", "tsaspire", "gritlm", "prompted"])
def test_what_is_missing_is_named_with_size_and_licence(name: str):
    with pytest.raises(Missing, match=r"revision .*B, .*hf download"):
        parse_system(name).open(collection())
    row = next(row for row in listing() if row["name"] == name)
    assert "B (" in row["size"] and row["licence"]


@pytest.mark.parametrize(
    ("name", "error", "what"),
    [
        ("cross", BadSystem, "lacks the option 'model'"),
        ("cross(model=)", BadSystem, "found no model"),
        ("cross(model=jhu-clsp/FollowIR-7B)", Missing, "14 GB"),
        ("cross(model=x, length=3)", BadSystem, "64 or more"),
        ("gritlm(length=0)", BadSystem, "8 or more"),
        ("scincl(model=/no/such/folder)", Missing, "/no/such/folder"),
        ("align(by=cosine)", BadSystem, "expected one of ot, maxsim"),
    ],
)
def test_a_system_that_cannot_be_opened_says_why(name: str, error, what: str):
    with pytest.raises(error, match=what):
        parse_system(name).open(collection())
