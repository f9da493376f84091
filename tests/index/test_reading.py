from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.index.conftest import contents, make_documents

from heedful.encode.hashing import HashEncoder
from heedful.errors import BadFilter, BadInput, Mismatch, Missing, UnknownAspect, UnknownId
from heedful.index import Index, build_index, describe_index
from heedful.index.store import Store
from heedful.records import Document


def plain_search(index: Index, query: np.ndarray, k: int, column: str = "whole", keep=lambda id: True):
    """The same by sorting everything in Python."""
    block = index.vectors(index.ids)
    rows = block.whole if column == "whole" else block.aspects[column]
    unit = (query / np.linalg.norm(query)).astype(np.float32)
    scored = [
        (round(float(row.astype("f8") @ unit.astype("f8")), 9), id)
        for id, row in zip(index.ids, rows, strict=True)
        if row.any() and keep(id)
    ]
    return sorted(scored, reverse=True)[:k]


@pytest.mark.parametrize("column", ["whole", "background", "method", "result"])
@pytest.mark.parametrize("k", [1, 7, 10, 1000])
def test_search_agrees_with_sorting_everything_ties_included(built, encoder: HashEncoder, column: str, k: int):
    documents = make_documents(60)
    twins = [replace(d, id=f"twin-{d.id}") for d in documents[:20]]
    index = built([*documents, *twins])
    query = encoder.encode_queries(["annotation for graphs"])[0]
    hits = index.search(query * 3, k, column=column)
    assert [(round(hit.score, 9), hit.id) for hit in hits] == plain_search(index, query * 3, k, column)
    scores = [hit.score for hit in index.search(query, 1000)]
    assert len(set(scores)) < len(scores), "no tie was tried"


def test_a_document_without_the_aspect_is_not_found_by_it(built, encoder: HashEncoder):
    index = built(make_documents(40))
    found = {hit.id for hit in index.search(encoder.encode_queries(["bandits"])[0], 1000, column="method")}
    assert "d00004" not in found and len(found) == 30 == index.manifest.aspects["method"]
    assert not index.vectors(["d00004"]).aspects["method"].any()


def test_filters_narrow_every_search_before_k_is_counted(built, encoder: HashEncoder):
    index = built(make_documents(60))
    years = {d.id: d.metadata["year"] for d in make_documents(60)}
    fits = {id for id, year in years.items() if year and year > 2014}
    query = encoder.encode_queries(["vision with bandits"])[0]
    hits = index.search(query, 5, where="year > 2014")
    expected = plain_search(index, query, 5, keep=lambda id: id in fits)
    assert [(round(hit.score, 9), hit.id) for hit in hits] == expected
    texts = index.search_text("vision", 50, where="year > 2014")
    assert texts and {hit.id for hit in texts} < fits
    assert index.matching("year > 2014") == fits
    assert index.matching("year > 2014", ["d00000", "d00015", "nobody"]) == fits & {"d00000", "d00015"}


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("year IS NULL", 4),
        ("year > 2000 OR year <= 2000", 32),
        ("NOT (year > 2000)", 1),
        ("Venue = 'O''Hare'", 18),
        ('venue = "ACL" and score >= 1', 16),
        ("lower(venue) LIKE 'ac%'", 18),
        ("year BETWEEN 2003 AND 2004", 4),
        ("id IN ('d00001', 'd00002', 'x')", 2),
        ("title LIKE '%speech%'", 6),
        ("`year` == 2005", 2),
    ],
)
def test_filters_follow_sql(built, where: str, count: int):
    index = built(make_documents(36))
    assert len(index.matching(where)) == count


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("yaer > 2000", "no column 'yaer'; this collection has id, title, text, score, venue, year"),
        ("year >", "sql parser error|expected"),
        ("year > 'then'", "could not convert"),
        ("year", "does not return a boolean"),
        ("", "is empty"),
        ("(year > 2000", "parenthesis is not closed"),
        ("vector_whole IS NULL", "no column 'vector_whole'"),
        ("id IN (SELECT id FROM documents)", "no column 'SELECT'"),
        ("year > 2000; DROP TABLE documents", "cannot read ';"),
        ("year > 2000 -- and so on", "comments"),
        ("random() > 0.5", "no function"),
    ],
)
def test_a_bad_filter_says_what_is_wrong(built, where: str, says: str):
    index = built(make_documents(5))
    with pytest.raises(BadFilter, match=says):
        index.matching(where)
    with pytest.raises(BadFilter, match=says):
        index.search(np.ones(16), 3, where=where)


def test_an_unknown_id_is_answered_with_the_nearest(built):
    index = built(make_documents(30))
    with pytest.raises(UnknownId, match=r"'d0007'; nearest ids: .*d00007"):
        index.documents(["d00001", "d0007"])
    for call in (index.vectors, index.terms, lambda ids: index.score_text("speech", ids)):
        with pytest.raises(UnknownId):
            call(["d0007"])


def test_bad_questions_are_bad_input(built, encoder: HashEncoder):
    index = built(make_documents(3))
    query = encoder.encode_queries(["vision"])[0]
    for k in (0, -1):
        with pytest.raises(BadInput, match="at least 1"):
            index.search(query, k)
        with pytest.raises(BadInput, match="at least 1"):
            index.search_text("vision", k)
    with pytest.raises(BadInput, match="shape"):
        index.search(np.ones(3), 1)
    with pytest.raises(BadInput, match="finite"):
        index.search(query * np.nan, 1)
    with pytest.raises(UnknownAspect, match=r"colour.*background, method, result"):
        index.search(query, 1, column="colour")
    assert len(index.search(query, 99)) == 3


def test_a_query_of_function_words_finds_nothing(built):
    index = built(make_documents(3))
    assert index.search_text("of the and", 3) == []
    assert index.score_text("of the and", index.ids).tolist() == [0, 0, 0]


def test_vectors_come_in_the_order_asked_for(built, encoder: HashEncoder):
    documents = make_documents(30)
    index = built(documents)
    picked = ["d00017", "d00004", "d00017", "d00001"]
    block = index.vectors(picked)
    values = {v.document.id: v for v in encoder.encode_documents(documents)}
    assert block.ids == tuple(picked) and block.offsets.tolist() == [0, 3, 4, 7, 10]
    for at, id in enumerate(picked):
        span = slice(block.offsets[at], block.offsets[at + 1])
        np.testing.assert_allclose(block.whole[at], values[id].whole, atol=1e-3)
        np.testing.assert_allclose(block.sentences[span], values[id].sentences, atol=1e-3)
        np.testing.assert_allclose(block.probabilities[span], values[id].probabilities)
        for aspect, vector in values[id].aspects.items():
            np.testing.assert_allclose(block.aspects[aspect][at], vector, atol=1e-3)
    assert {a.dtype for a in (block.whole, block.sentences, block.probabilities)} == {np.dtype(np.float32)}


def test_the_approximate_path_gives_what_the_exact_one_gives_on_a_small_collection(
    built, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("heedful.index.reading._SELECTIVE", 30)
    documents = make_documents(300)
    exact, approximate = built(documents), built(documents, "ann", exact_limit=100)
    assert approximate.manifest.ann and not exact.manifest.ann
    for text in ("annotation for graphs", "poetry", "simulation of traffic"):
        query = encoder.encode_queries([text])[0]
        for column in ("whole", "method"):
            for where in (None, "year = 2003", "year > 2002"):
                mine = {hit.id: hit.score for hit in approximate.search(query, 20, column=column, where=where)}
                full = exact.search(query, 20, column=column, where=where)
                found = [hit for hit in full if hit.id in mine]
                assert len(found) >= 0.9 * len(full) > 0
                assert all(abs(mine[hit.id] - hit.score) < 1e-5 for hit in found)
    ids = ["d00017", "d00004", "d00017"]
    for a, b in ((approximate.vectors(ids), exact.vectors(ids)),):
        np.testing.assert_array_equal(a.whole, b.whole)
        np.testing.assert_array_equal(a.aspects["method"], b.aspects["method"])
        np.testing.assert_array_equal(a.sentences, b.sentences)


@pytest.mark.parametrize("widest", [0, 20_000])
def test_a_wide_filter_is_answered_by_taking_more_or_by_the_engine(
    built, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch, widest: int
):
    monkeypatch.setattr("heedful.index.reading._SELECTIVE", 10)
    monkeypatch.setattr("heedful.index.reading._WIDEST", widest)
    documents = make_documents(300)
    exact, approximate = built(documents), built(documents, "ann", exact_limit=100)
    asked: list[str | None] = []
    nearest = Store.nearest

    def spied(store: Store, column: str, vector: np.ndarray, k: int, where: str | None, *rest: Any) -> Any:
        asked.append(where)
        return nearest(store, column, vector, k, where, *rest)

    monkeypatch.setattr(Store, "nearest", spied)
    query = encoder.encode_queries(["annotation for graphs"])[0]
    mine = approximate.search(query, 5, where="year > 2002")
    full = exact.search(query, 5, where="year > 2002")
    assert len({hit.id for hit in mine} & {hit.id for hit in full}) >= 4
    assert len(asked) == 1 and (asked[0] is None) == (widest > 0)
    rare = approximate.search(query, 40, where="year = 2003")  # more than fit: the engine is asked
    assert {hit.id for hit in rare} <= approximate.matching("year = 2003") and len(rare) > 8
    assert asked[-1] is not None


def test_the_derived_files_are_made_again_where_they_are_gone_stale_or_damaged(tmp_path: Path, encoder: HashEncoder):
    folder = tmp_path / "index"
    build_index(make_documents(30), folder, encoder)
    before = contents(folder)
    (cache,) = (folder / "cache").iterdir()
    shutil.rmtree(cache)
    assert contents(folder) == before and cache.is_dir()
    for name in ("sentences.f2", "titles.txt"):
        (cache / name).write_bytes(b"short")
        assert contents(folder) == before and (cache / name).stat().st_size > 5
    done = json.loads((cache / "done.json").read_text())
    (cache / "done.json").write_text(json.dumps({**done, "version": 99}))
    assert contents(folder) == before


def test_titles_come_in_the_order_asked_for(tmp_path: Path, encoder: HashEncoder):
    titles = ("Ein Überblick", "", "木の話", "Naïve Bayes 🎓", "Plain")
    documents = [Document(f"d{n}", title, "Some text.") for n, title in enumerate(titles)]
    build_index(documents, tmp_path / "index", encoder)
    index = Index.open(tmp_path / "index")
    assert index.titles(["d3", "d0", "d2", "d1", "d3"]) == [titles[n] for n in (3, 0, 2, 1, 3)]
    assert index.titles([]) == []
    with pytest.raises(UnknownId, match="d9"):
        index.titles(["d0", "d9"])


def test_derived_files_that_cannot_be_kept_are_used_for_this_time(
    tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "index"
    build_index(make_documents(30), folder, encoder)
    before = contents(folder)
    shutil.rmtree(folder / "cache")
    (folder / "cache").write_text("in the way")
    assert contents(folder) == before


def test_a_damaged_manifest_is_a_mismatch(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(3), tmp_path / "index", encoder)
    manifest = tmp_path / "index" / "manifest.json"
    good = manifest.read_text()
    for bad in ("", good[:-20], good.replace('"documents": 3', '"documents": 4'), "[]", "\x00\x01"):
        assert bad != good
        manifest.write_text(bad)
        for call in (Index.open, describe_index, lambda folder: build_index(make_documents(3), folder, encoder)):
            with pytest.raises(Mismatch, match=r"manifest\.json: damaged"):
                call(tmp_path / "index")


def test_a_damaged_table_is_a_mismatch(tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("heedful.index.build._MANY_FRAGMENTS", 0)  # so that no older version lies about
    build_index(make_documents(30), tmp_path / "index", encoder)
    shutil.rmtree(tmp_path / "index" / "cache")
    files = [file for file in (tmp_path / "index" / "documents.lance").rglob("*") if file.is_file()]
    assert len(files) >= 2
    for file in files:
        good = file.read_bytes()
        if file.suffix == ".json" or not {"_versions", "data"} & set(file.parts):  # a hint; a record of the past
            continue
        for bad in (good[: len(good) // 2], b""):
            file.write_bytes(bad)
            with pytest.raises(Mismatch, match=r"damaged|replaced since"):
                contents(tmp_path / "index")
        file.write_bytes(good)
    shutil.rmtree(tmp_path / "index" / "documents.lance")
    with pytest.raises(Mismatch, match="damaged"):
        Index.open(tmp_path / "index")


def test_no_index_is_missing(tmp_path: Path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(Missing, match="no index here"):
            Index.open(path)


def test_several_threads_may_ask_at_once(built, encoder: HashEncoder):
    documents = make_documents(100)
    index = built(documents)
    query = encoder.encode_queries(["graphs"])[0]
    alone = Index.open(index.folder)
    expected = (
        alone.search(query, 9, where="year > 2003"),
        alone.search_text("graphs", 9),
        alone.documents(["d00003"]),
    )
    answers, failed = [], []

    def ask() -> None:
        try:
            answers.append(
                (
                    index.search(query, 9, where="year > 2003"),
                    index.search_text("graphs", 9),
                    index.documents(["d00003"]),
                )
            )
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and answers == [expected] * 8


def test_text_with_any_character_survives(built):
    odd = Document(
        "ID 'quoted' \"and\" ünïcode/../x", "ΑΒΓ — \U0001f600", "Línea\none.\tTwo \x00 three.", metadata={"a b": "x'y"}
    )
    index = built([odd, Document("empty", "only a title")])
    assert index.documents([odd.id])[0].text == odd.text
    assert index.documents([odd.id])[0].metadata == {"a b": "x'y"}
    assert index.matching("a_b = 'x''y'") == {odd.id}
    assert index.documents(["empty"])[0].sentences == ()
    assert index.vectors(["empty"]).sentences.shape == (0, 16)
    assert [hit.id for hit in index.search_text("title", 3)] == ["empty"]
