from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.index.conftest import contents, make_documents

from heedful.corpus import ReadReport, read_documents
from heedful.encode.hashing import HashEncoder
from heedful.errors import BadInput, Mismatch, StorageFailed
from heedful.index import Index, build_index, describe_index
from heedful.index import manifest as files
from heedful.index.objects import locate, names_in
from heedful.records import Document
from heedful.scale import build, build_in_shards, encoding, parts, shards, survey
from heedful.seams import LocalMapper


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of four documents."""
    for module in (encoding, parts, shards, survey):
        monkeypatch.setattr(module, "CHUNK", 4)


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(16)


def with_late_columns(documents: list[Document]) -> list[Document]:
    late = {"year": "n.d.", "award": True}
    return [*documents[:-3], *(replace(d, metadata={**d.metadata, **late}) for d in documents[-3:])]


class Stopping(LocalMapper):
    """A mapper whose driver ends after some items."""

    def __init__(self, after: int):
        self.after, self.items = after, 0

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for value in super().map(fn, items):
            self.items += 1
            yield value
            if self.items == self.after:
                raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["disk", "bucket"])
def test_a_build_in_shards_is_the_local_build(
    where: str, tmp_path: Path, encoder: HashEncoder, request: pytest.FixtureRequest
):
    documents = with_late_columns(make_documents(37))
    out = tmp_path / "shards" if where == "disk" else request.getfixturevalue("bucket") + "/papers"
    report = build_in_shards(lambda: documents, out, encoder, LocalMapper())
    build_index(documents, tmp_path / "local", encoder)
    assert (report.documents, report.added, report.already) == (37, 37, 0)
    assert contents(out) == contents(tmp_path / "local")
    assert Index.open(out).ids == Index.open(tmp_path / "local").ids
    manifest, local = Index.open(out).manifest, Index.open(tmp_path / "local").manifest
    assert (manifest.sentences, manifest.aspects, manifest.columns) == (local.sentences, local.aspects, local.columns)
    assert describe_index(out)["complete"] is True


@pytest.mark.parametrize("after", [1, 5, 10])
def test_a_driver_that_ends_leaves_its_shards_to_the_next(after: int, tmp_path: Path, encoder: HashEncoder):
    documents = make_documents(40)
    with pytest.raises(KeyboardInterrupt):
        build_in_shards(lambda: documents, tmp_path / "index", encoder, Stopping(after))
    left = describe_index(tmp_path / "index")
    assert (left["complete"], left["documents"]) == (False, 4 * after)
    mapper = Stopping(-1)
    report = build_in_shards(lambda: documents, tmp_path / "index", encoder, mapper)
    assert mapper.items == 10 - after
    assert (report.added, report.already, report.resumed) == (40 - 4 * after, 4 * after, True)
    build_index(documents, tmp_path / "local", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "local")
    assert sorted(p.name for p in (tmp_path / "index").iterdir()) == [
        "cache",
        "documents.lance",
        "lock",
        "manifest.json",
    ]


def test_files_that_no_row_needs_are_deleted_and_a_lost_or_damaged_shard_is_done_again(
    tmp_path: Path, encoder: HashEncoder
):
    documents = make_documents(40)
    out = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build_in_shards(lambda: documents, out, encoder, Stopping(6))
    data = out / "documents.lance" / "data"
    (data / "cut-off.lance").write_bytes(b"half of a fragment")
    next(file for file in data.iterdir() if file.name != "cut-off.lance").unlink()
    entry = sorted((out / "shards").iterdir())[0]
    entry.write_bytes(entry.read_bytes()[:40])
    mapper = Stopping(-1)
    build_in_shards(lambda: documents, out, encoder, mapper)
    assert mapper.items in (5, 6)  # the damaged entry may be that of the lost file
    assert not (data / "cut-off.lance").exists()
    assert len(list(data.iterdir())) == 10
    build_index(documents, tmp_path / "local", encoder)
    assert contents(out) == contents(tmp_path / "local")


@pytest.mark.parametrize("step", ["commit", "build_derived", "write_manifest"])
def test_a_driver_that_ends_after_the_last_shard_does_no_shard_again(
    step: str, tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    documents = make_documents(20)

    def end(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as ending:
        ending.setattr(build.files if step == "write_manifest" else build, step, end)
        with pytest.raises(KeyboardInterrupt):
            build_in_shards(lambda: documents, tmp_path / "index", encoder, LocalMapper())
    mapper = Stopping(-1)
    report = build_in_shards(lambda: documents, tmp_path / "index", encoder, mapper)
    assert (report.already, mapper.items) == (20, 0)
    build_index(documents, tmp_path / "local", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "local")


def test_a_complete_index_is_left_alone_and_another_corpus_refused(tmp_path: Path, encoder: HashEncoder):
    documents = make_documents(9)
    build_index(documents, tmp_path / "index", encoder)
    assert build_in_shards(lambda: documents, tmp_path / "index", encoder, LocalMapper()).unchanged
    with pytest.raises(BadInput, match="complete index of other documents"):
        build_in_shards(lambda: make_documents(8), tmp_path / "index", encoder, LocalMapper())
    with pytest.raises(Mismatch, match="another encoder"):
        build_in_shards(lambda: documents, tmp_path / "index", HashEncoder(8), LocalMapper())


def test_a_local_build_that_was_cut_off_gives_way(tmp_path: Path, encoder: HashEncoder):
    documents = make_documents(12)

    def cut_off() -> Iterator[Document]:
        yield from documents[:8]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(cut_off(), tmp_path / "index", encoder, batch=4)
    build_in_shards(lambda: documents, tmp_path / "index", encoder, LocalMapper())
    assert len(Index.open(tmp_path / "index")) == 12


def test_sources_that_change_between_the_readings_are_noticed(tmp_path: Path, encoder: HashEncoder):
    readings = iter([make_documents(12), make_documents(12, start=1)])
    with pytest.raises(Mismatch, match="not those that were announced"):
        build_in_shards(lambda: next(readings), tmp_path / "index", encoder, LocalMapper())


def test_an_id_that_comes_twice_is_refused_before_anything_is_encoded(tmp_path: Path, encoder: HashEncoder):
    documents = make_documents(9)
    mapper = Stopping(-1)
    with pytest.raises(BadInput, match="occurs twice"):
        build_in_shards(lambda: [*documents, documents[0]], tmp_path / "index", encoder, mapper)
    assert mapper.items == 0


def test_a_full_disk_under_a_worker_is_said_and_the_build_goes_on_later(
    tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    import lance.fragment

    documents, real, calls = make_documents(20), lance.fragment.write_fragments, []

    def full(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("LanceError(IO): No space left on device (os error 28)")
        return real(*arguments, **options)

    with monkeypatch.context() as filling:
        filling.setattr(lance.fragment, "write_fragments", full)
        with pytest.raises(StorageFailed, match="disk is full"):
            build_in_shards(lambda: documents, tmp_path / "index", encoder, LocalMapper())
    report = build_in_shards(lambda: documents, tmp_path / "index", encoder, LocalMapper())
    assert (report.documents, report.already) == (20, 8)


def test_an_error_of_the_encoder_reaches_the_caller_as_it_was_raised(
    tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    def broken(self: HashEncoder, documents: Iterable[Document]) -> Iterator[Any]:
        raise StorageFailed("the model's file cannot be read")

    monkeypatch.setattr(HashEncoder, "encode_documents", broken)
    with pytest.raises(StorageFailed, match="model's file"):
        build_in_shards(lambda: make_documents(8), tmp_path / "index", encoder, LocalMapper())


def test_orphans_are_deleted_in_a_bucket_too(bucket: str, encoder: HashEncoder):
    out = locate(f"{bucket}/papers")
    with pytest.raises(KeyboardInterrupt):
        build_in_shards(lambda: make_documents(12), out, encoder, Stopping(2))
    (out / "documents.lance/data/cut-off.lance").write_bytes(b"half")
    build_in_shards(lambda: make_documents(12), out, encoder, LocalMapper())
    assert len(names_in(out / "documents.lance/data")) == 3
    assert not names_in(out / "shards")
    assert len(Index.open(str(out))) == 12


def test_a_source_that_breaks_off_is_counted_and_named_and_the_rest_is_done(tmp_path: Path, encoder: HashEncoder):
    lines = [json.dumps({"_id": f"d{n}", "title": "On tides", "text": f"Tide {n} is old."}) for n in range(9)]
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl.gz"
    whole.write_text("\n".join([*lines[:4], "{half of an entry", *lines[4:]]) + "\n")
    broken.write_bytes(gzip.compress("\n".join(lines).replace(': "d', ': "e').encode())[:-20])
    reports: list[ReadReport] = []

    def read() -> Iterator[Document]:
        reports.append(ReadReport())
        return read_documents([whole, broken], skip_bad=True, report=reports[-1])

    made = build_in_shards(read, tmp_path / "index", encoder, LocalMapper())
    assert made.documents == len(Index.open(tmp_path / "index")) == reports[0].read >= 9
    assert reports[0].skipped == 2 and reports[0].as_json() == reports[1].as_json()
    assert [reason.split(":")[0] for reason in reports[0].reasons] == [str(whole), str(broken)]


def test_sources_that_give_less_the_second_time_are_told(tmp_path: Path, encoder: HashEncoder):
    given = [make_documents(40), make_documents(12)]
    with pytest.raises(Mismatch, match="shards did not come again; the sources changed"):
        build_in_shards(lambda: iter(given.pop(0)), tmp_path / "index", encoder, LocalMapper())
    assert not (tmp_path / "index/manifest.json").exists()


def test_what_a_late_worker_leaves_in_the_ledger_does_no_harm(
    tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    folder, plain = tmp_path / "index", files.names_in

    def late(place: Any) -> list[str]:
        found = plain(place)
        if place.name == "shards":
            (place / "late.json").write_text("{}")
        return found

    monkeypatch.setattr(files, "names_in", late)
    assert build_in_shards(lambda: make_documents(12), folder, encoder, LocalMapper()).documents == 12
    assert describe_index(folder)["complete"] and (folder / "shards/late.json").exists()


def test_the_ledger_of_a_build_under_way_is_read_while_workers_write(tmp_path: Path, encoder: HashEncoder):
    folder = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build_in_shards(lambda: make_documents(40), folder, encoder, Stopping(5))
    rows = describe_index(folder)["documents"]
    entry = next((folder / "shards").glob("*.json"))
    (folder / "shards" / f"{entry.name}.77.tmp").write_bytes(entry.read_bytes())
    (folder / "shards" / "other.json.78.tmp").write_bytes(entry.read_bytes()[:20])
    assert describe_index(folder)["documents"] == rows > 0
    build_index(make_documents(40), folder, encoder)  # without shards
    assert not (folder / "shards").exists()
