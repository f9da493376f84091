from __future__ import annotations

import shutil
import time
from collections import namedtuple
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.index.conftest import contents, make_documents

from heedful.encode.hashing import HashEncoder
from heedful.errors import BadInput, Missing, StorageFailed
from heedful.index import Index, ann, build, build_index, compact, store
from heedful.index.compact import compact_index
from heedful.index.manifest import read_manifest, write_sealed
from heedful.index.store import Store
from heedful.records import Document


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(16)


@pytest.fixture
def in_pieces(tmp_path: Path, encoder: HashEncoder) -> Path:
    documents = make_documents(40)
    build_index(documents[:10], tmp_path / "index", encoder)
    for stop in (20, 30, 40):
        build_index(documents[:stop], tmp_path / "index", encoder, update=True)
    return tmp_path / "index"


def test_compacting_joins_pieces_and_changes_no_answer(in_pieces: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "_MARGIN", timedelta(0))
    before = contents(in_pieces)
    report = compact_index(in_pieces)
    assert (report.pieces_before, report.pieces, report.documents) == (4, 1, 40)
    assert report.needed > 0
    assert contents(in_pieces) == before
    assert compact_index(in_pieces).bytes < report.bytes, "the version before is deleted by the next compaction"
    assert contents(in_pieces) == before


def test_the_version_that_readers_have_open_outlives_a_compaction_however_long_it_takes(
    in_pieces: Path, monkeypatch: pytest.MonkeyPatch
):
    import lancedb.table

    real = lancedb.table.LanceTable.optimize

    def slow(self: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return real(self, **options)

    monkeypatch.setattr(lancedb.table.LanceTable, "optimize", slow)
    reader = Index.open(in_pieces)
    compact_index(in_pieces)
    assert len(reader.documents(reader.ids)) == 40
    assert len(Store.open(in_pieces, reader.manifest.version).schema) > 0


def test_a_compaction_that_was_cut_off_leaves_the_index_as_it_was(in_pieces: Path, monkeypatch: pytest.MonkeyPatch):
    before = contents(in_pieces)

    def end(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as ending:
        ending.setattr(compact.files, "write_manifest", end)
        with pytest.raises(KeyboardInterrupt):
            compact_index(in_pieces)
    assert contents(in_pieces) == before
    assert compact_index(in_pieces).pieces == 1
    assert contents(in_pieces) == before


def test_without_room_for_a_second_table_nothing_is_begun(in_pieces: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 100))
    version = Index.open(in_pieces).manifest.version
    with pytest.raises(StorageFailed, match="GB free"):
        compact_index(in_pieces)
    assert Index.open(in_pieces).manifest.version == version


def test_what_is_not_there_or_not_finished_is_not_compacted(in_pieces: Path, tmp_path: Path):
    with pytest.raises(Missing):
        compact_index(tmp_path / "nothing")
    version = read_manifest(in_pieces).version
    write_sealed(in_pieces / "building.json", {"base": version})
    with pytest.raises(BadInput, match="begun and not finished"):
        compact_index(in_pieces)
    write_sealed(in_pieces / "building.json", {"base": None})  # of the build that made it, cut off last of all
    compact_index(in_pieces)
    assert not (in_pieces / "building.json").exists()


def test_an_aspect_that_no_document_has_is_passed_over(tmp_path: Path, encoder: HashEncoder):
    titles = [Document(f"t{n:03}", f"Title {n} of words {n % 7}", "") for n in range(300)]
    build_index(titles, tmp_path / "index", encoder, exact_limit=100)
    index = Index.open(tmp_path / "index")
    assert index.manifest.ann and index.manifest.search["method"]["partitions"] == 0
    query = encoder.encode_queries(["Title 3 of words 3"])[0]
    assert index.search(query, 5)[0].id == "t003" and index.search(query, 5, column="method") == []
    compact_index(tmp_path / "index")
    more = make_documents(3)  # of which two have a method
    build_index([*titles, *more], tmp_path / "index", encoder, update=True, exact_limit=100)
    found = Index.open(tmp_path / "index").search(query, 5, column="method")
    assert {hit.id for hit in found} == {"d00001", "d00002"}


def test_probes_are_chosen_by_measured_recall_and_written_down(
    tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ann, "K", 20)
    documents = make_documents(1200)
    build_index(documents, tmp_path / "index", encoder, exact_limit=500)
    search = Index.open(tmp_path / "index").manifest.search
    assert set(search) == {"whole", *encoder.aspects}
    for found in search.values():
        enough = found["recall"] >= ann.ENOUGH and found["recall_low"] >= ann.SURELY
        assert enough or found["probes"] == found["partitions"]
        assert 0 < found["queries"] <= ann.QUERIES and found["k"] == 20


def test_more_probes_are_taken_where_few_find_too_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ann, "_truth", lambda *_: (np.ones((1, 2), np.float32), np.zeros((1, 2001), np.uint64)))
    apart = 0.0

    def recalls(_, __, queries, truth, probes):
        lost = 0.004 * truth.shape[1] / probes
        return np.array([1 - lost * (1 + apart), 1 - lost * (1 - apart)])

    monkeypatch.setattr(ann, "_recalls", recalls)
    chosen = ann.choose_probes(None, "whole", 2, 10_000, 1000)  # type: ignore[arg-type]
    assert (chosen["probes"], chosen["recall"], chosen["recall_low"], chosen["k"]) == (27, 0.9702, 0.9702, 200)
    assert chosen["deep"] == {"probes": 304, "recall": 0.9737, "recall_low": 0.9737, "k": 2000}
    assert [ann.probes_for(chosen | {"partitions": 500}, depth) for depth in (50, 200, 2000, 10**6)] == [
        27,
        27,
        304,
        500,
    ]
    apart = 1.0  # all that is lost is lost by one query of the two: the mean alone says little
    unsure = ann.choose_probes(None, "whole", 2, 10_000, 1000)  # type: ignore[arg-type]
    assert unsure["probes"] > chosen["probes"] and unsure["recall_low"] >= 0.95
    assert 27 < ann.probes_for(chosen, 400) < 100
    assert ann.probes_for({}, 200) == 32 and ann.probes_for({"probes": 40, "k": 200}, 2000) == 80


def test_documents_added_to_a_large_index_are_found_before_and_after_compaction(
    tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build, "_UNINDEXED", 0.5)
    documents = make_documents(1400)
    build_index(documents[:1200], tmp_path / "index", encoder, exact_limit=500)
    built = Index.open(tmp_path / "index").manifest.search
    build_index(documents, tmp_path / "index", encoder, update=True, exact_limit=500)
    grown = Index.open(tmp_path / "index")
    assert grown.manifest.search == built, "few new rows: the index stays as it was"
    new = documents[1390]
    vector = grown.vectors([new.id]).whole[0]
    assert new.id in [hit.id for hit in grown.search(vector, 30)]
    compact_index(tmp_path / "index")
    compacted = Index.open(tmp_path / "index")
    assert compacted.manifest.ann
    assert new.id in [hit.id for hit in compacted.search(vector, 30)]
