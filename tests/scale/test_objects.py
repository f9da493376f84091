from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.index.conftest import contents, make_documents
from tests.scale.conftest import FaultyStore

from heedful.encode.hashing import HashEncoder
from heedful.errors import BadInput, Mismatch, Missing, StorageFailed, Unwritable
from heedful.explore import Explorer
from heedful.index import Index, build_index, claims, describe_index
from heedful.index.claims import claim
from heedful.index.compact import compact_index
from heedful.index.home import home_of, make_room
from heedful.index.objects import ObjectPath, locate, names_in
from heedful.records import Document


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(16)


@pytest.mark.parametrize("text", ["s3://bucket/a/b", "s3:/bucket/a/b", "s3://bucket/a/b/", Path("s3://bucket/a/b")])
def test_an_address_in_a_bucket_survives_being_taken_for_a_path(text: str | Path, environment: pytest.MonkeyPatch):
    assert str(locate(text)) == "s3://bucket/a/b"


def test_other_addresses_are_folders_or_refused(environment: pytest.MonkeyPatch):
    assert locate("papers") == Path("papers")
    with pytest.raises(BadInput, match="bucket alone"):
        locate("s3://bucket")
    with pytest.raises(BadInput, match="unknown kind of storage"):
        locate("gs://bucket/papers")


def test_an_index_in_a_bucket_is_built_resumed_updated_and_read_like_one_on_disk(
    bucket: str, tmp_path: Path, encoder: HashEncoder
):
    documents = make_documents(40)

    def cut_off() -> Iterator[Document]:
        yield from documents[:24]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(cut_off(), f"{bucket}/papers", encoder, batch=8)
    with pytest.raises(Missing, match="never been completed"):
        Index.open(f"{bucket}/papers")
    report = build_index(documents[:30], f"{bucket}/papers", encoder, batch=8)
    assert (report.resumed, report.documents) == (True, 30)
    before = Index.open(f"{bucket}/papers")
    assert len(before.vectors(before.ids).whole) == 30
    build_index(documents, f"{bucket}/papers", encoder, update=True, delete=["d00003"])
    build_index(documents[:3] + documents[4:], tmp_path / "local", encoder)
    assert contents(f"{bucket}/papers") == contents(tmp_path / "local")
    assert len(before.documents(before.ids)) == 30, "a reader keeps the version that it opened"
    assert describe_index(f"{bucket}/papers")["documents"] == 39
    assert [path.name for path in (home_of(locate(f"{bucket}/papers")) / "cache").iterdir()].count(
        str(Index.open(f"{bucket}/papers").manifest.version)
    ) == 1


def test_an_index_in_a_bucket_is_compacted(bucket: str, encoder: HashEncoder):
    documents = make_documents(16)
    for stop in (8, 12, 16):
        build_index(documents[:stop], f"{bucket}/papers", encoder, update=True)
    before = contents(f"{bucket}/papers")
    assert compact_index(f"{bucket}/papers").pieces == 1
    assert contents(f"{bucket}/papers") == before


def test_explore_answers_from_a_bucket_as_from_a_disk(bucket: str, tmp_path: Path, encoder: HashEncoder):
    documents = make_documents(60)
    build_index(documents, f"{bucket}/papers", encoder)
    build_index(documents, tmp_path / "local", encoder)
    found = [
        Explorer(Index.open(path), encoder).explore("d00007", "similar method", where="year > 2001").to_dict()["hits"]
        for path in (f"{bucket}/papers", tmp_path / "local")
    ]
    assert found[0] == found[1] and len(found[0]) == 10


def test_several_readers_open_one_index_at_once(bucket: str, encoder: HashEncoder):
    build_index(make_documents(40), f"{bucket}/papers", encoder)
    query = encoder.encode_queries(["transformers for graphs"])[0]

    def read(_: int) -> object:
        index = Index.open(f"{bucket}/papers")
        return index.search(query, 9), index.search_text("graphs", 9), index.vectors(["d00002"]).whole.tolist()

    with ThreadPoolExecutor(4) as readers:
        answers = list(readers.map(read, range(4)))
    assert all(answer == answers[0] for answer in answers)


def test_the_local_files_of_a_bucket_are_made_anew_where_the_version_changes(bucket: str, encoder: HashEncoder):
    build_index(make_documents(8), f"{bucket}/papers", encoder)
    first = Index.open(f"{bucket}/papers")
    first.vectors(["d00001"])
    build_index(make_documents(12), f"{bucket}/papers", encoder, update=True)
    second = Index.open(f"{bucket}/papers")
    assert second.manifest.version > first.manifest.version
    assert len(second.vectors(second.ids).whole) == 12


def test_local_files_used_longest_ago_give_way(tmp_path: Path):
    for age, name in enumerate(["new", "old", "oldest"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x" * 1000)
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    make_room(tmp_path, keep=tmp_path / "oldest", most=2500)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new", "oldest"]
    make_room(tmp_path, keep=tmp_path / "oldest", most=10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["oldest"]


def test_without_credentials_it_says_so_at_once(environment: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.delenv(name)
    environment.setenv("HOME", str(tmp_path))
    with pytest.raises(Missing, match="s3://bucket/papers: no credentials; set AWS_ACCESS_KEY_ID"):
        Index.open(Path("s3://bucket/papers"))


def test_a_bucket_that_is_not_there_is_missing(bucket: str, encoder: HashEncoder):
    with pytest.raises(Missing, match="no index here"):
        Index.open(f"{bucket}/nothing")
    with pytest.raises(Missing, match="bucket does not exist"):
        build_index(make_documents(3), "s3://no-such-bucket/papers", encoder)


def test_a_bucket_that_may_only_be_read_is_read_and_not_written(bucket: str, faulty: FaultyStore, encoder: HashEncoder):
    build_index(make_documents(8), f"{bucket}/papers", encoder)
    faulty.refuse = frozenset({"PUT", "POST", "DELETE"})
    assert len(Index.open(f"{bucket}/papers").vectors(["d00001"]).whole) == 1
    with pytest.raises(Unwritable, match="may not be written with these credentials"):
        build_index(make_documents(3), f"{bucket}/other", encoder)
    with pytest.raises(Unwritable, match="may not be written with these credentials"):
        build_index(make_documents(9), f"{bucket}/papers", encoder, update=True)


def test_a_bucket_that_may_not_be_read_says_so(bucket: str, faulty: FaultyStore):
    faulty.refuse = frozenset({"GET", "HEAD"})
    with pytest.raises(Missing, match="may not be read with these credentials"):
        Index.open(f"{bucket}/papers")


def test_a_slow_store_is_waited_for(bucket: str, faulty: FaultyStore, tmp_path: Path, encoder: HashEncoder):
    faulty.delay = 0.05
    build_index(make_documents(12), f"{bucket}/papers", encoder)
    build_index(make_documents(12), tmp_path / "local", encoder)
    assert contents(f"{bucket}/papers") == contents(tmp_path / "local")


def test_a_store_that_does_not_answer_is_given_up(bucket: str, faulty: FaultyStore, environment: pytest.MonkeyPatch):
    environment.setenv("HEEDFUL_STORAGE_TIMEOUT", "1")
    faulty.delay = 60.0
    started = time.monotonic()
    with pytest.raises(StorageFailed, match="object store failed"):
        Index.open(f"{bucket}/papers")
    assert time.monotonic() - started < 30


def test_a_store_that_is_not_there_is_an_upstream_failure(environment: pytest.MonkeyPatch):
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageFailed, match=r"object store failed .* at http://127\.0\.0\.1:9"):
        Index.open("s3://bucket/papers")


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan"])
def test_a_timeout_that_is_no_time_is_refused(seconds: str, environment: pytest.MonkeyPatch):
    environment.setenv("HEEDFUL_STORAGE_TIMEOUT", seconds)
    with pytest.raises(BadInput, match="HEEDFUL_STORAGE_TIMEOUT"):
        Index.open("s3://bucket/papers")


def test_a_second_builder_is_refused_while_the_first_lives(bucket: str):
    place = locate(f"{bucket}/papers/builders")
    assert isinstance(place, ObjectPath)
    with claim(place) as still_ours:
        still_ours()
        with pytest.raises(BadInput, match=f"process {os.getpid()} on .* is building this index"), claim(place):
            pass
        still_ours()
    assert not names_in(place)
    with claim(place):
        pass


def test_of_many_that_claim_at_once_at_most_one_goes_on(bucket: str):
    place = locate(f"{bucket}/papers/builders")
    assert isinstance(place, ObjectPath)
    inside, most, lock = [], [], threading.Lock()

    def build(number: int) -> str:
        try:
            with claim(place):
                with lock:
                    inside.append(number)
                    most.append(len(inside))
                time.sleep(0.3)
                with lock:
                    inside.remove(number)
                return "built"
        except BadInput:
            return "refused"

    with ThreadPoolExecutor(6) as builders:
        list(builders.map(build, range(6)))
    assert max(most, default=1) == 1
    assert not names_in(place)


def test_the_claim_of_a_dead_builder_of_this_machine_is_taken_over(bucket: str):
    place = locate(f"{bucket}/papers/builders")
    assert isinstance(place, ObjectPath)
    code = (
        "import os; from heedful.index.claims import _machine; print(f'process {os.getpid()} on {_machine()}', end='')"
    )
    (place / "dead").write_bytes(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout)
    with claim(place):
        pass


def test_a_builder_that_lost_its_claim_writes_nothing_more(bucket: str, encoder: HashEncoder):
    place = locate(f"{bucket}/papers")

    def documents() -> Iterator[Document]:
        for n, document in enumerate(make_documents(40)):
            if n == 20:  # as another builder does that finds this one silent for a minute
                for name in names_in(place / "builders"):
                    (place / "builders" / name).unlink()
            yield document

    with pytest.raises(Mismatch, match="another builder took this place over"):
        build_index(documents(), f"{bucket}/papers", encoder, batch=8)
    assert not (place / "manifest.json").exists()


@pytest.mark.parametrize("how", ["in one stream", "in shards"])
def test_an_index_made_anew_in_its_place_is_not_read_by_the_files_of_the_one_before(
    bucket: str, encoder: HashEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
):
    from heedful.scale import build_in_shards
    from heedful.seams import LocalMapper

    place, answers = locate(f"{bucket}/papers"), []
    monkeypatch.setenv("HEEDFUL_CACHE", str(tmp_path / "reader"))
    for documents in (make_documents(40), make_documents(40)[::-1]):
        if how == "in shards":
            build_in_shards(lambda made=documents: iter(made), f"{bucket}/papers", encoder, LocalMapper())
        else:
            monkeypatch.setenv("HEEDFUL_CACHE", str(tmp_path / "builder"))
            build_index(documents, f"{bucket}/papers", encoder)
            monkeypatch.setenv("HEEDFUL_CACHE", str(tmp_path / "reader"))
        answers.append([hit.id for hit in Index.open(f"{bucket}/papers").search_text("proteins number 4", 4)])
        for name in names_in(place):
            (place / name).unlink()
    assert set(answers[0]) == set(answers[1]) != set()


def test_a_reader_keeps_the_derived_files_of_the_version_that_it_opened_last(
    bucket: str, encoder: HashEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEEDFUL_CACHE", str(tmp_path / "reader"))
    for count in (10, 14, 18):
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("HEEDFUL_CACHE", str(tmp_path / "builder"))
            build_index(make_documents(count), f"{bucket}/papers", encoder, update=True)
        index = Index.open(f"{bucket}/papers")
        index.search_text("speech", 3)
        kept = [entry.name for entry in (home_of(locate(f"{bucket}/papers")) / "cache").iterdir()]
        assert kept == [str(index.manifest.version)]


@pytest.mark.parametrize("given", ["gs://bucket/papers", "az://box/papers", "hdfs://host/papers"])
def test_other_kinds_of_storage_are_refused_as_texts_and_as_paths(given: str):
    for path in (given, Path(given)):
        with pytest.raises(BadInput, match="unknown kind of storage"):
            locate(path)


def test_an_address_with_a_password_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://joe:hunter2@127.0.0.1:9")
    with pytest.raises(BadInput, match="AWS_ENDPOINT_URL holds a user's name or password") as error:
        Index.open("s3://bucket/papers")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("given", ["nan", "-5", "much"])
def test_a_limit_of_the_cache_is_a_number(given: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEEDFUL_CACHE_GB", given)
    with pytest.raises(BadInput, match="expected a number of gigabytes"):
        home_of(ObjectPath("bucket", "papers"))


def test_a_cache_that_cannot_be_written_is_told_and_does_without(
    bucket: str, encoder: HashEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    build_index(make_documents(10), f"{bucket}/papers", encoder)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/indexes").write_text("in the way")
    monkeypatch.setenv("HEEDFUL_CACHE", str(tmp_path / "cache"))
    assert Index.open(f"{bucket}/papers").search_text("speech", 3)
    assert "cannot be used as a cache" in caplog.text and "temporary folder" in caplog.text


def test_a_claim_without_a_sign_of_life_is_taken_over_and_its_builder_notices(
    bucket: str, monkeypatch: pytest.MonkeyPatch
):
    place = locate(f"{bucket}/papers/builders")
    assert isinstance(place, ObjectPath)
    (place / "other").write_bytes(b"process 1 on elsewhere")
    with pytest.raises(BadInput, match="on elsewhere"), claim(place):
        pass
    (place / "other").unlink()
    monkeypatch.setenv("HEEDFUL_STORAGE_TIMEOUT", "50")  # such a builder is given more time
    with claim(place), pytest.raises(BadInput, match=r"after 330 s .* taken for dead"), claim(place):
        pass
    monkeypatch.setattr(claims, "_dead_after", lambda: 0.0)
    with claim(place) as still_ours:
        time.sleep(1.1)  # the store's clock counts in seconds
        with claim(place):
            pass
        with pytest.raises(Mismatch, match="another builder took this place over"):
            still_ours()
