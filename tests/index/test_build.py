from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.index.conftest import contents, make_documents

from heedful.encode.hashing import HashEncoder
from heedful.errors import BadInput, Mismatch, Missing, StorageFailed, UnknownId, Unwritable
from heedful.index import Index, build, build_index, describe_index, describe_sources
from heedful.index.manifest import build_lock
from heedful.index.store import Store
from heedful.records import Document


class Crash(BaseException):
    """Stands for the end of the process."""


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[str]:
    """Let the process end before its step-th write; the names of the writes until then."""
    done: list[str] = []

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(done) == step:
                raise Crash
            done.append(name)
            return real(*arguments, **options)

        return call

    import lancedb.table

    for name in ("add", "delete", "add_columns", "drop_columns", "alter_columns", "optimize", "restore"):
        monkeypatch.setattr(lancedb.table.LanceTable, name, watched(name, getattr(lancedb.table.LanceTable, name)))
    monkeypatch.setattr(Store, "upsert", watched("upsert", Store.upsert))
    monkeypatch.setattr(build, "build_derived", watched("derive", build.build_derived))
    monkeypatch.setattr(build.files, "write_sealed", watched("seal", build.files.write_sealed))
    monkeypatch.setattr(build.files, "write_manifest", watched("manifest", build.files.write_manifest))
    return done


def with_late_columns(documents: list[Document]) -> list[Document]:
    """The last ones bring a new column, and a year that is no number."""
    late = {"year": "n.d.", "award": True}
    return [*documents[:-3], *(replace(d, metadata={**d.metadata, **late}) for d in documents[-3:])]


def test_documents_come_back_as_the_encoder_saw_them(built, encoder: HashEncoder):
    documents = make_documents(30)
    index = built(documents)
    expected = [value.document for value in encoder.encode_documents(documents)]
    for document, stored in zip(expected, index.documents([d.id for d in documents]), strict=True):
        present = {name: value for name, value in document.metadata.items() if value is not None}
        assert stored == replace(document, metadata=present)


@pytest.mark.parametrize("step", range(19))
def test_a_build_that_ends_at_any_write_resumes_to_what_a_clean_build_gives(
    step: int, tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build, "_FIRST", 4)
    monkeypatch.setattr(build, "_MANY_FRAGMENTS", 2)
    documents = with_late_columns(make_documents(40))
    with monkeypatch.context() as crashing:
        crash_at(crashing, step)
        with pytest.raises(Crash):
            build_index(documents, tmp_path / "index", encoder, batch=8)
    report = build_index(documents, tmp_path / "index", encoder, batch=8)
    assert report.documents == 40
    assert report.added + report.already == 40
    build_index(documents, tmp_path / "clean", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "clean")


@pytest.mark.parametrize("step", range(0, 14, 2))
def test_an_update_that_ends_at_any_write_leaves_the_old_version_until_it_is_run_again(
    step: int, tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    documents = make_documents(40)
    source = tmp_path / "source"
    source.write_text("stands for the documents")
    changed = with_late_columns([replace(d, title=f"{d.title}!") for d in documents[10:20]] + make_documents(10, 100))
    build_index(documents, tmp_path / "index", encoder)
    before = contents(tmp_path / "index")
    order: dict[str, Any] = {"update": True, "delete": ["d00003"], "sources": describe_sources([source]), "batch": 5}
    with monkeypatch.context() as crashing:
        crash_at(crashing, step)
        with pytest.raises(Crash):
            build_index(changed, tmp_path / "index", encoder, **order)
    assert contents(tmp_path / "index") == before
    report = build_index(changed, tmp_path / "index", encoder, **order)
    assert report.documents == 49
    kept = [d for d in documents if d.id not in {"d00003", *(c.id for c in changed)}]
    build_index([*kept, *changed], tmp_path / "clean", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "clean")


BUILDER = """
import sys
from tests.index.conftest import make_documents
from heedful.encode.hashing import HashEncoder
from heedful.index import build_index
def during(done, already):
    if done == 1:
        exec(sys.argv[2])
build_index(make_documents(400), sys.argv[1], HashEncoder(16), batch=4, progress=during)
"""


def start_builder(folder: Path, during: str = "pass") -> subprocess.Popen[bytes]:
    root = Path(__file__).parent.parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(folder), during], cwd=root, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not (folder / "building.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


def test_a_build_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path, encoder: HashEncoder):
    chance = random.Random(7)
    killed = 0
    for _ in range(3):
        process = start_builder(tmp_path / "index")
        time.sleep(chance.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed
    report = build_index(make_documents(400), tmp_path / "index", encoder)
    assert report.documents == 400
    assert report.resumed and report.already
    build_index(make_documents(400), tmp_path / "clean", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "clean")


def test_a_second_builder_is_refused_and_a_dead_one_is_not_in_the_way(tmp_path: Path, encoder: HashEncoder):
    process = start_builder(tmp_path / "index")
    try:
        with pytest.raises(BadInput, match=f"process {process.pid} on .* is building this index"):
            build_index(make_documents(400), tmp_path / "index", encoder)
    finally:
        process.kill()
        process.wait()
    assert build_index(make_documents(400), tmp_path / "index", encoder).documents == 400


def test_a_second_builder_in_the_same_process_is_refused(tmp_path: Path, encoder: HashEncoder):
    refused = []

    def during(done: int, already: int) -> None:
        with pytest.raises(BadInput, match="is building this index"):
            build_index(make_documents(3), tmp_path / "index", encoder)
        refused.append(done)

    build_index(make_documents(3), tmp_path / "index", encoder, progress=during)
    assert refused and len(Index.open(tmp_path / "index")) == 3


def test_a_refusal_in_this_process_does_not_give_the_lock_away(tmp_path: Path):
    with build_lock(tmp_path):
        with pytest.raises(BadInput, match="is building this index"), build_lock(tmp_path):
            pass
        code = "from pathlib import Path; from heedful.index.manifest import build_lock\nwith build_lock(Path()): pass"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1 and "is building this index" in done.stderr
    with build_lock(tmp_path):
        pass


def test_a_journal_left_beside_a_complete_index_goes(tmp_path: Path, encoder: HashEncoder):
    folder = tmp_path / "index"
    build_index(make_documents(5), folder, encoder)
    for left in ('{"base": null}', "damaged"):
        (folder / "building.json").write_text(left)
        assert build_index(make_documents(5), folder, encoder).unchanged
        assert not (folder / "building.json").exists()
    (folder / "building.json").write_text("")
    assert build_index(make_documents(6), folder, encoder, update=True).added == 1


def test_readers_that_derive_at_the_same_moment_do_not_break_each_other(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(300), tmp_path / "index", encoder)
    expected = Index.open(tmp_path / "index").search_text("speech", 5)
    for _ in range(4):
        shutil.rmtree(tmp_path / "index/cache")
        opened, gate = [Index.open(tmp_path / "index") for _ in range(4)], threading.Barrier(4)

        def ask(index: Index, gate: threading.Barrier = gate) -> object:
            gate.wait(60)
            return index.search_text("speech", 5)

        with ThreadPoolExecutor(4) as readers:
            assert all(answer == expected for answer in readers.map(ask, opened))
        assert [entry.name for entry in (tmp_path / "index/cache").iterdir()] == [str(opened[0].manifest.version)]


def test_a_child_that_outlives_a_dead_builder_does_not_hold_the_lock(tmp_path: Path, encoder: HashEncoder):
    marker = tmp_path / "forked"
    child = f"(open({str(marker)!r}, 'w').close(), time.sleep(8), os._exit(0))"
    process = start_builder(tmp_path / "index", f"import os, time; os.fork() or {child}")
    while not marker.exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert build_index(make_documents(400), tmp_path / "index", encoder).documents == 400


def test_a_reader_sees_the_last_complete_version_while_an_update_runs(tmp_path: Path, encoder: HashEncoder):
    folder = tmp_path / "index"
    build_index(make_documents(40), folder, encoder)
    early = Index.open(folder)
    seen = []

    def during(done: int, already: int) -> None:
        seen.append((len(Index.open(folder)), len(early.matching("year is not null or year is null"))))

    build_index(make_documents(30, 100), folder, encoder, update=True, batch=10, progress=during)
    assert len(seen) >= 3
    assert set(seen) == {(40, 40)}
    assert len(early.documents(early.ids)) == 40
    assert early.search_text("speech", 50) != Index.open(folder).search_text("speech", 50)


def test_a_journal_left_behind_by_a_finished_build_is_ignored(tmp_path: Path, encoder: HashEncoder):
    journal, kept = tmp_path / "index" / "building.json", []
    build_index(make_documents(20), tmp_path / "index", encoder, progress=lambda *_: kept.append(journal.read_bytes()))
    journal.write_bytes(kept[-1])
    assert build_index(make_documents(20), tmp_path / "index", encoder).unchanged
    assert build_index(make_documents(2, 50), tmp_path / "index", encoder, update=True).documents == 22
    assert not journal.exists()


def test_a_complete_unchanged_index_is_left_alone(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(20), tmp_path / "index", encoder)
    before = (tmp_path / "index" / "manifest.json").stat().st_mtime_ns
    report = build_index(reversed(make_documents(20)), tmp_path / "index", encoder)
    assert report.unchanged and report.documents == report.already == 20
    assert (tmp_path / "index" / "manifest.json").stat().st_mtime_ns == before


def test_an_unchanged_source_is_not_even_read(tmp_path: Path, encoder: HashEncoder):
    source = tmp_path / "source"
    source.write_text("stands for the documents")
    build_index(make_documents(20), tmp_path / "index", encoder, sources=describe_sources([source]))

    def unread():
        raise AssertionError("was read")
        yield

    assert build_index(unread(), tmp_path / "index", encoder, sources=describe_sources([source])).unchanged


@pytest.mark.parametrize("others", [make_documents(19), make_documents(21), make_documents(20, 5)])
def test_other_documents_are_not_mixed_into_a_complete_index_unasked(tmp_path: Path, encoder: HashEncoder, others):
    build_index(make_documents(20), tmp_path / "index", encoder)
    with pytest.raises(BadInput, match="--update adds and replaces"):
        build_index(others, tmp_path / "index", encoder)
    assert len(Index.open(tmp_path / "index")) == 20


def test_an_update_encodes_only_what_is_new_or_changed(tmp_path: Path, encoder: HashEncoder):
    documents = make_documents(20)
    build_index(documents, tmp_path / "index", encoder)
    changed = replace(documents[4], text="Something else.")
    given = [*documents[:4], changed, *documents[5:], *make_documents(2, 50)]
    report = build_index(given, tmp_path / "index", encoder, update=True)
    assert (report.added, report.replaced, report.already, report.documents) == (2, 1, 19, 22)
    assert Index.open(tmp_path / "index").documents(["d00004"])[0].text == "Something else."


def test_deleting_removes_a_document_from_every_answer(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(20), tmp_path / "index", encoder)
    assert build_index((), tmp_path / "index", encoder, delete=["d00003", "d00003"]).deleted == 1
    index = Index.open(tmp_path / "index")
    assert len(index) == 19 and "d00003" not in index
    query = encoder.encode_queries(["vision"])[0]
    assert len(index.search(query, 50)) == 19
    assert "d00003" not in {hit.id for hit in [*index.search(query, 50), *index.search_text("vision", 50)]}
    with pytest.raises(UnknownId, match="d00003"):
        build_index((), tmp_path / "index", encoder, delete=["d00003"])


def test_a_deleted_id_stays_away_although_the_documents_have_it(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(5), tmp_path / "index", encoder)
    report = build_index(make_documents(6), tmp_path / "index", encoder, update=True, delete=["d00002"])
    assert (report.documents, report.added, report.deleted) == (5, 1, 1)


def test_all_documents_can_be_deleted_and_others_added_later(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(3), tmp_path / "index", encoder)
    build_index((), tmp_path / "index", encoder, delete=[d.id for d in make_documents(3)])
    empty = Index.open(tmp_path / "index")
    query = encoder.encode_queries(["vision"])[0]
    assert len(empty) == 0 and empty.search(query, 3) == [] and empty.search_text("vision", 3) == []
    assert empty.vectors([]).whole.shape == (0, 16) and empty.matching("year > 2000") == frozenset()
    build_index(make_documents(4), tmp_path / "index", encoder, update=True)
    assert len(Index.open(tmp_path / "index").search(query, 9)) == 4


def test_an_update_of_nothing_yet_is_a_build(tmp_path: Path, encoder: HashEncoder):
    assert build_index(make_documents(3), tmp_path / "index", encoder, update=True).added == 3


def test_deleting_from_nothing_is_refused(tmp_path: Path, encoder: HashEncoder):
    with pytest.raises(Missing, match="no index here"):
        build_index((), tmp_path / "index", encoder, delete=["a"])


def test_what_an_interrupted_build_left_of_other_documents_is_dropped(tmp_path: Path, encoder: HashEncoder):
    def broken():
        yield from make_documents(20)
        raise Crash

    with pytest.raises(Crash):
        build_index(broken(), tmp_path / "index", encoder, batch=5)
    build_index(broken_off := make_documents(9, 10), tmp_path / "index", encoder)
    build_index(broken_off, tmp_path / "clean", encoder)
    assert contents(tmp_path / "index") == contents(tmp_path / "clean")


def test_another_encoder_is_refused_for_complete_and_unfinished_indexes(tmp_path: Path, encoder: HashEncoder):
    def broken():
        yield from make_documents(2000)
        raise Crash

    with pytest.raises(Crash):
        build_index(broken(), tmp_path / "unfinished", encoder)
    build_index(make_documents(3), tmp_path / "complete", encoder)
    for name in ("unfinished", "complete"):
        with pytest.raises(Mismatch, match=r"made with another encoder .*dim: 16 in the index, 32 given"):
            build_index(make_documents(3), tmp_path / name, HashEncoder(32), update=name == "complete")
    with pytest.raises(Mismatch, match="another encoder"):
        Index.open(tmp_path / "complete").require_encoder(HashEncoder(32).spec())
    Index.open(tmp_path / "complete").require_encoder(encoder.spec())


def test_a_duplicate_id_is_refused(tmp_path: Path, encoder: HashEncoder):
    with pytest.raises(BadInput, match="'d00001' occurs twice"):
        build_index([*make_documents(3), make_documents(1, 1)[0]], tmp_path / "index", encoder)


def test_no_documents_make_no_index(tmp_path: Path, encoder: HashEncoder):
    with pytest.raises(BadInput, match="no documents"):
        build_index((), tmp_path / "index", encoder)
    with pytest.raises(Missing):
        Index.open(tmp_path / "index")


def test_half_a_surrogate_pair_is_bad_input(tmp_path: Path, encoder: HashEncoder):
    with pytest.raises(BadInput, match="document 'a': half of a surrogate pair"):
        build_index([Document("a", "title", "broken \ud800 text")], tmp_path / "index", encoder)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, encoder: HashEncoder):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(BadInput, match="not empty, and no index"):
        build_index(make_documents(3), tmp_path, encoder)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path, encoder: HashEncoder):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable, match="choose another folder"):
        build_index(make_documents(3), tmp_path / "file" / "index", encoder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_unwritable(tmp_path: Path, encoder: HashEncoder):
    tmp_path.chmod(0o500)
    with pytest.raises(Unwritable, match="cannot be written"):
        build_index(make_documents(3), tmp_path / "index", encoder)


@pytest.mark.parametrize("place", ["upsert", "append", "derive", "seal"])
def test_a_full_disk_is_an_error_of_storage_and_keeps_the_complete_version(
    place: str, tmp_path: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
):
    import lancedb.table

    documents = make_documents(30)
    build_index(documents, tmp_path / "index", encoder)
    before = contents(tmp_path / "index")
    given = make_documents(5, 100) if place != "upsert" else [replace(d, title="new") for d in documents]

    def full(*arguments: Any, **options: Any) -> Any:
        if place in ("seal", "derive"):
            raise OSError(28, "No space left on device")
        raise RuntimeError("lance error: LanceError(IO): No space left on device (os error 28)")

    with monkeypatch.context() as patched:
        target = lancedb.table.LanceTable
        if place in ("append", "upsert"):
            patched.setattr(target, "add" if place == "append" else "merge_insert", full)
        else:
            patched.setattr(os, "fsync" if place == "seal" else "rename", full)
        with pytest.raises(StorageFailed, match=r"disk is full.*resumes"):
            build_index(given, tmp_path / "index", encoder, update=True)
    assert contents(tmp_path / "index") == before
    assert not list((tmp_path / "index").rglob("*.tmp"))
    assert build_index(given, tmp_path / "index", encoder, update=True).documents == (30 if place == "upsert" else 35)


def test_an_encoder_that_gives_nonsense_is_named(tmp_path: Path, encoder: HashEncoder):
    class Broken(HashEncoder):
        def encode_documents(self, documents):
            for value in super().encode_documents(documents):
                yield replace(value, whole=value.whole * float("nan"))

    with pytest.raises(Mismatch, match="'d00000': the encoder gave whole vectors that are not finite"):
        build_index(make_documents(3), tmp_path / "index", Broken(16))


def test_an_encoder_that_leaves_documents_out_is_named(tmp_path: Path):
    class Lazy(HashEncoder):
        def encode_documents(self, documents):
            yield from list(super().encode_documents(documents))[1:]

    with pytest.raises(Mismatch, match="left out 1 documents, 'd00000'"):
        build_index(make_documents(3), tmp_path / "index", Lazy(16))


def test_the_encoder_lets_go_of_its_memory_before_the_build_finishes(tmp_path: Path):
    class Heavy(HashEncoder):
        def release(self):
            released.append((tmp_path / "index" / "manifest.json").exists())

    released: list[bool] = []
    build_index(make_documents(3), tmp_path / "index", Heavy(16))
    assert released == [False]


def test_many_updates_do_not_pile_up_on_the_disk(tmp_path: Path, encoder: HashEncoder):
    build_index(make_documents(60), tmp_path / "index", encoder)
    first = describe_index(tmp_path / "index")["bytes"]
    for n in range(6):
        changed = [replace(d, title=f"{d.title} {n}") for d in make_documents(60)]
        build_index(changed, tmp_path / "index", encoder, update=True)
    assert describe_index(tmp_path / "index")["bytes"] < 5 * first
    assert len(Index.open(tmp_path / "index")) == 60


def test_info_says_that_a_first_build_is_not_complete(tmp_path: Path, encoder: HashEncoder):
    def broken():
        yield from make_documents(1200)
        raise Crash

    with pytest.raises(Crash):
        build_index(broken(), tmp_path / "index", encoder, batch=500)
    found = describe_index(tmp_path / "index")
    assert found["complete"] is False and 0 < found["documents"] < 1200
    with pytest.raises(Missing, match=r"never been completed.*resumes"):
        Index.open(tmp_path / "index")
