"""Ray is started once for all of this file: it takes seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.index.conftest import contents, make_documents

from heedful.corpus import CorpusFiles, ReadReport, parts, read_documents
from heedful.corpus.aspects import SCIENCE
from heedful.encode.hashing import HashEncoder
from heedful.errors import BadInput, BadRecord, StorageFailed, Upstream
from heedful.index import build_index
from heedful.records import Document, DocumentVectors
from heedful.scale import EncoderRecipe, MappedEncoder, RayMapper, build_in_shards, cluster
from heedful.scale.encoding import chunks, encode_chunk
from heedful.scale.shards import Shard
from heedful.seams import LocalMapper


@pytest.fixture(scope="module")
def mapper() -> Iterator[RayMapper]:
    with RayMapper(workers=2) as made:
        yield made


def square(number: int) -> int:
    return number * number


def die_once(folder: Path, number: int) -> int:
    """Ends the worker at 3, the first time."""
    mark = folder / "died"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_and_count(folder: Path, number: int) -> int:
    """Ends the worker at 3, the first four times; a mark for each time that a number is begun."""
    (folder / f"{number}-{time.monotonic_ns()}").touch()
    if number == 3 and len(list(folder.glob("3-*"))) < cluster.ATTEMPTS:
        time.sleep(0.2)  # the next is in the queue by now
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail(number: int) -> int:
    raise BadRecord("a.jsonl", number, "nothing", "a title") if number else StorageFailed("no room")


def stumble(number: int) -> int:
    return 1 // number


class Arriving:
    """A function that opens something for itself when it is first called."""

    opened = ""

    def __call__(self, number: int) -> str:
        time.sleep(0.02)
        self.opened = self.opened or f"{os.getpid()} {number}"
        return self.opened


def where(number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def test_a_build_in_shards_by_ray_to_a_bucket_is_the_local_build(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import ray

    documents = make_documents(2100)
    assert not ray.is_initialized(), "the workers take their environment from the one in which Ray starts"
    with RayMapper(workers=1) as mapper:
        build_in_shards(lambda: documents, f"{bucket}/papers", HashEncoder(16), mapper)
    build_index(documents, tmp_path / "local", HashEncoder(16))
    assert contents(f"{bucket}/papers") == contents(tmp_path / "local")


def test_ray_gives_what_the_local_mapper_gives_in_order(mapper: RayMapper):
    assert list(mapper.map(square, range(50))) == list(LocalMapper().map(square, range(50)))
    assert list(mapper.map(square, [])) == []


def test_two_processes_share_the_work(mapper: RayMapper):
    found = set(mapper.map(where, range(8)))
    assert len(found) == 2 and os.getpid() not in found


def threads_of_a_worker(_: int) -> str:
    return os.environ["OMP_NUM_THREADS"]


@pytest.mark.parametrize(
    ("machines", "workers", "cores"),
    [
        ((2,), 2, 1),
        ((2,), 1, 2),
        ((8,), 3, 2),
        ((3, 3), 3, 1),
        ((4, 2), 2, 2),
        ((1, 1), 1, 1),
        ((2,), 5, 1),
        ((), 1, 1),
    ],
)
def test_cores_are_shared_out_so_that_every_worker_fits(machines: tuple[int, ...], workers: int, cores: int):
    assert cluster.cores_each(machines, workers) == cores


def test_a_worker_is_told_how_many_threads_to_use(mapper: RayMapper):
    assert set(mapper.map(threads_of_a_worker, range(6))) == {str(max(1, len(os.sched_getaffinity(0)) // 2))}


def test_a_function_arrives_once_in_each_process_and_keeps_what_it_opened(mapper: RayMapper):
    first, second = (set(mapper.map(Arriving(), range(start, start + 8))) for start in (0, 100))
    assert len(first) == len(second) == 2
    assert not first & second


def test_items_are_read_only_as_far_as_the_workers_are(mapper: RayMapper):
    taken = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    results = mapper.map(square, items())
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + cluster.AHEAD * 2
    results.close()
    assert list(mapper.map(square, range(3))) == [0, 1, 4]


def test_what_a_dead_worker_was_at_is_done_again(mapper: RayMapper, tmp_path: Path):
    assert list(mapper.map(partial(die_once, tmp_path), range(12))) == list(range(12))
    assert (tmp_path / "died").exists()


def test_an_item_that_kills_its_workers_is_not_given_up_before_its_time(mapper: RayMapper, tmp_path: Path):
    assert list(mapper.map(partial(die_and_count, tmp_path), range(9))) == list(range(9))
    assert len(list(tmp_path.glob("3-*"))) == cluster.ATTEMPTS


def test_an_item_is_not_blamed_for_what_another_does(mapper: RayMapper, monkeypatch: pytest.MonkeyPatch):
    """Two items of one worker: the first kills it three times, the second twice."""
    lone = object.__new__(RayMapper)
    lone._pool, lone._threads = cluster._Pool(), 1
    started = []

    def start_worker() -> None:
        actor = type("Actor", (), {"run": type("Method", (), {"remote": lambda *_: object()})})
        started.append(cluster._Worker(actor))
        lone._pool.ready.append(started[-1])

    monkeypatch.setattr(lone, "_start_worker", start_worker)
    start_worker()
    call = cluster._Call()
    call.unsent.extend(cluster._Job(item, call) for item in ("first", "second"))
    kills = {"first": 3, "second": 2}
    jobs = list(call.unsent)
    while not all(job.done for job in jobs):
        lone._send(None, call.unsent)
        worker, job = next(iter(lone._pool.running.values()))
        if kills[job.item]:
            kills[job.item] -= 1
            gone, lone._pool.running = dict(lone._pool.running), {}
            for _, lost in gone.values():
                lone._lost(worker, lost, OSError("killed"))
        else:
            (reference,) = (ref for ref, (_, other) in lone._pool.running.items() if other is job)
            del lone._pool.running[reference]
            worker.load, worker.alone, job.done = worker.load - 1, False, True
        assert call.error is None
    assert sorted(job.attempts for job in jobs) == [3, 4] and len(started) == 6  # two shared, then its own


def test_two_maps_of_one_mapper_may_be_read_in_turn(mapper: RayMapper, tmp_path: Path):
    given_up = mapper.map(square, range(50))
    assert next(given_up) == 0
    both = zip(mapper.map(partial(die_once, tmp_path), range(8)), mapper.map(square, range(8)), strict=True)
    assert next(both) == (0, 0)
    given_up.close()
    assert list(both) == [(number, number * number) for number in range(1, 8)]


def test_what_one_map_raises_is_not_the_other_s(mapper: RayMapper):
    for failing, error in ((fail, BadRecord), (stumble, ZeroDivisionError)):
        items = [2, 0] if failing is stumble else [5, 6]
        bad, good = mapper.map(failing, items), mapper.map(square, range(60))
        if failing is stumble:
            assert next(bad) == 0
        assert list(good) == [number * number for number in range(60)]
        with pytest.raises(error):
            next(bad)
    assert list(mapper.map(square, range(3))) == [0, 1, 4]


def test_an_item_that_kills_every_worker_is_given_up(mapper: RayMapper, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "ATTEMPTS", 2)
    with pytest.raises(Upstream, match="given up after 2 workers died"):
        list(mapper.map(die, [1]))


def test_errors_of_ours_come_back_as_they_were_raised(mapper: RayMapper):
    with pytest.raises(StorageFailed, match="no room"):
        list(mapper.map(fail, [0]))
    with pytest.raises(BadRecord, match=r"a\.jsonl:7: found nothing"):
        list(mapper.map(fail, [7]))
    with pytest.raises(ZeroDivisionError):
        list(mapper.map(stumble, [0]))


def test_vectors_through_ray_are_the_local_ones_to_the_last_bit(mapper: RayMapper, monkeypatch: pytest.MonkeyPatch):
    documents, encoder = make_documents(23), HashEncoder(16)
    recipe = EncoderRecipe.of(encoder, SCIENCE)
    encoded = [value for part in mapper.map(partial(encode_chunk, recipe), chunks(documents, 5)) for value in part]
    for ours, theirs in zip(encoder.encode_documents(documents), encoded, strict=True):
        assert ours.document == theirs.document
        assert ours.whole.tobytes() == theirs.whole.tobytes()
        assert ours.sentences.tobytes() == theirs.sentences.tobytes()
        assert {name: v.tobytes() for name, v in ours.aspects.items()} == {
            name: v.tobytes() for name, v in theirs.aspects.items()
        }


def test_an_index_by_mapped_encoding_is_the_local_index(mapper: RayMapper, tmp_path: Path):
    documents, encoder = make_documents(30), HashEncoder(16)
    build_index(documents[:20], tmp_path / "mapped", MappedEncoder(encoder, SCIENCE, mapper))
    build_index(documents, tmp_path / "mapped", MappedEncoder(encoder, SCIENCE, mapper), update=True)
    build_index(documents, tmp_path / "local", encoder)
    assert contents(tmp_path / "mapped") == contents(tmp_path / "local")


class Killing:
    """A mapper that lets one worker die at some moment of the second shard."""

    def __init__(self, mapper: RayMapper, folder: Path, moment: str):
        self._mapper, self._folder, self._moment = mapper, folder, moment

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return self._mapper.map(partial(dying, fn, self._folder / "died", self._moment), items)


def dying(fn: Callable[[Any], Any], mark: Path, moment: str, shard: Shard) -> Any:
    if shard.number != 1 or mark.exists():
        return fn(shard)
    mark.touch()
    import lance.fragment

    encode, write = HashEncoder.encode_documents, lance.fragment.write_fragments

    def encode_half(self: HashEncoder, documents: Iterable[Document]) -> Iterator[DocumentVectors]:
        for number, value in enumerate(encode(self, documents)):
            if number == 500:
                os.kill(os.getpid(), signal.SIGKILL)
            yield value

    def write_half(*arguments: Any, **options: Any) -> Any:
        write(*arguments, **options)  # its files are there, nothing tells of them
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "encoding":
        HashEncoder.encode_documents = encode_half
    else:
        lance.fragment.write_fragments = write_half
    return fn(shard)


@pytest.mark.parametrize("moment", ["encoding", "writing"])
def test_a_build_in_shards_by_ray_is_the_local_build_though_a_worker_dies(
    moment: str, mapper: RayMapper, tmp_path: Path
):
    documents = make_documents(2100)
    (tmp_path / "marks").mkdir()
    out = tmp_path / "shards"
    build_in_shards(lambda: documents, out, HashEncoder(16), Killing(mapper, tmp_path / "marks", moment))
    build_index(documents, tmp_path / "local", HashEncoder(16))
    assert (tmp_path / "marks" / "died").exists()
    assert contents(out) == contents(tmp_path / "local")
    assert len(list((out / "documents.lance" / "data").iterdir())) == 3


def test_a_wrong_address_is_said_at_once():
    for address in ("127.0.0.1:9", "no-such-host.invalid:6379"):
        started = time.monotonic()
        code = (
            "from heedful.scale import RayMapper\n"
            "from heedful.errors import Upstream\n"
            f"try: RayMapper({address!r})\nexcept Upstream as error: print(error)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
        assert said.startswith(f"--ray {address}: no Ray cluster answers")
        assert time.monotonic() - started < 40
    with pytest.raises(BadInput, match="expected local, auto or HOST:PORT"):
        RayMapper("somewhere")


def test_importing_heedful_and_its_command_line_imports_no_ray():
    code = "import sys, heedful, heedful.cli.main, heedful.scale; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def blindly(fn: Callable[[Any], Any], item: Any) -> Any:
    """As on a machine that does not see any file that was cut."""
    from heedful.corpus.parts import Part

    see = Part.is_here
    Part.is_here = lambda part: False
    try:
        return fn(item)
    finally:
        Part.is_here = see


class Blind:
    """A mapper whose workers do not see the files."""

    def __init__(self, mapper: RayMapper):
        self._mapper = mapper

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return self._mapper.map(partial(blindly, fn), items)


@pytest.mark.parametrize("see", [True, False])
def test_a_build_whose_workers_read_the_files_is_the_local_build(
    see: bool, mapper: RayMapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parts, "PART", 50_000)
    rows = [json.dumps({"_id": d.id, "title": d.title, "text": d.text, **d.metadata}) for d in make_documents(2100)]
    rows[1500:1500] = ["{half", rows[7]]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(rows))
    files, plain = CorpusFiles(path, skip_bad=True), ReadReport()
    with pytest.raises(BadRecord, match=r"a\.jsonl:1501: found broken JSON"):
        build_in_shards(CorpusFiles(path), tmp_path / "shards", HashEncoder(16), mapper)
    build_in_shards(files, tmp_path / "shards", HashEncoder(16), mapper if see else Blind(mapper))
    build_index(read_documents(path, skip_bad=True, report=plain), tmp_path / "local", HashEncoder(16))
    assert contents(tmp_path / "shards") == contents(tmp_path / "local")
    assert files.report.as_json() == plain.as_json()
    assert (plain.read, plain.skipped) == (2100, 2) and len(files.parts() or []) > 5
