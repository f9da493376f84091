"""Synthesis by workers of Ray, which is started once for all of this file: it takes seconds."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.openai_server import Say, Server, serving
from tests.synthesize.pretended import corpus, passage, rows

from heedful.cli.main import main
from heedful.encode.hashing import HashEncoder
from heedful.errors import Mismatch, Missing
from heedful.index import build_index
from heedful.records import Document
from heedful.scale import RayAccount, RayMapper
from heedful.seams import LocalMapper, Mapper
from heedful.synthesize import pretend
from heedful.synthesize.models import Endpoint, travelling
from heedful.synthesize.pipeline import Job, synthesize
from heedful.synthesize.prepare import prepare
from heedful.synthesize.sources import Item

KEY = "a-key-that-nobody-may-keep-0123456789"
PRICES = {"g": (1, 2), "v": (3, 4)}  # of a million tokens


@pytest.fixture(scope="module")
def mapper() -> Iterator[RayMapper]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KEY_OF_THE_WORKERS", KEY)  # they have the environment in which Ray starts
        with RayMapper(workers=2, threads=4, gpus=False) as made:
            yield made


@pytest.fixture(autouse=True)
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEEDFUL_PRICES", str(price_table(tmp_path)))


def price_table(folder: Path) -> Path:
    table = "".join(f'"{model}" = {{ input = {i}, output = {o} }}\n' for model, (i, o) in PRICES.items())
    (folder / "prices.toml").write_text(f"[models]\n{table}")
    return folder / "prices.toml"


def say(asked: dict[str, Any], number: int) -> Say:
    """Some answers are garbage, some verdicts wrong."""
    prompt, shape = asked["messages"][-1]["content"], asked["response_format"]["json_schema"]["name"]
    text = pretend.answer(shape, prompt, garbage=0.05, wrong=0.05)
    return Say(text, seconds=0.02 * pretend.share(prompt, "pace"))


def paid(server: Server) -> float:
    """What the server would ask for all its answers."""
    cost = 0.0
    for call in server.calls:
        a_word, an_answer = PRICES[call["model"]]
        words = sum(len(message["content"].split()) for message in call["messages"])
        cost += (words * a_word + 2 * an_answer) / 1e6
    return cost


def job(tmp_path: Path, url: str, account: RayAccount, *, out: str = "ray", count: int = 12, **options: Any) -> Job:
    ends = [
        Endpoint(model=name, base_url=url, key_env=options.pop(f"key_{name}", "KEY_OF_THE_WORKERS"), max_tokens=200)
        for name in ("g", "v")
    ]
    both = travelling(*ends, account, concurrency=4, cache=tmp_path / f"{out}.sqlite")
    return prepare(corpus(tmp_path / "c.jsonl", count), tmp_path / out, *both, tokens=(200, 200), **options)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str]]:
    """Report and rows of the same run without Ray."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as environment, serving(say) as server:
        environment.setenv("HEEDFUL_PRICES", str(price_table(folder)))
        arguments = [
            *("synthesize", str(corpus(folder / "c.jsonl", 12)), "--out", str(folder / "out"), "--generator", "g"),
            *("--validator", "v", "--generator-tokens", "200", "--validator-tokens", "200", "--base-url", server.url),
            *("--cache", str(folder / "a.sqlite")),
        ]
        assert main(arguments) == 0
    return json.loads((folder / "out" / "report.json").read_text()), rows(folder / "out")


def index(folder: Path) -> Path:
    build_index([Document(p.id, p.title, p.text) for p in map(passage, range(60))], folder, HashEncoder())
    return folder


def test_two_workers_make_the_rows_verdicts_and_costs_that_one_process_makes(
    mapper: RayMapper, tmp_path: Path, alone: tuple[dict[str, Any], list[str]]
) -> None:
    plain, its_rows = alone
    with serving(say) as server:
        account = RayAccount()
        report = synthesize(job(tmp_path, server.url, account), mapper)
        assert account.tally()["cost"] == pytest.approx(paid(server))
        assert account.tally()["calls"] == len(server.calls)
        assert server.most_at_once > 4  # of two workers
    assert rows(tmp_path / "ray") == its_rows
    assert len(its_rows) > 8
    for name in ("stages", "costs", "negatives", "cost", "recipe"):
        assert report[name] == plain[name], name


def test_workers_open_the_index_for_themselves_and_refuse_another(mapper: RayMapper, tmp_path: Path) -> None:
    test_set = tmp_path / "test-set"
    test_set.mkdir()
    corpus(test_set / "corpus.jsonl", 2)
    near: dict[str, Any] = {"index": index(tmp_path / "i.heed"), "encoder": HashEncoder(), "exclude": [test_set]}
    with serving(say) as server:
        report = synthesize(job(tmp_path, server.url, RayAccount(), count=6, **near), mapper)
        assert report["negatives"]["corpus"] > 0
        synthesize(job(tmp_path, server.url, RayAccount(), out="here", count=6, **near), LocalMapper())
        assert rows(tmp_path / "ray") == rows(tmp_path / "here")
        late = job(tmp_path, server.url, RayAccount(), out="late", count=6, **near)
        build_index([Document("new", "On tides", "Tides are old.")], near["index"], HashEncoder(), update=True)
        with pytest.raises(Mismatch, match=r"i\.heed on .*another index"):
            synthesize(late, mapper)


def test_a_budget_is_never_passed_by_all_workers_together_and_more_money_goes_on(
    mapper: RayMapper, tmp_path: Path, alone: tuple[dict[str, Any], list[str]]
) -> None:
    with serving(say) as server:
        account = RayAccount(0.05)
        report = synthesize(job(tmp_path, server.url, account), mapper)
        assert report["stopped"].startswith("the budget of $0.0500 is spent")
        assert 0.02 < paid(server) <= 0.05
        assert account.tally()["cost"] == pytest.approx(paid(server))
        assert 0 < report["groups"] < 12
        more = RayAccount(5.0)
        report = synthesize(job(tmp_path, server.url, more), mapper)
        assert report["complete"]
        assert account.tally()["cost"] + more.tally()["cost"] == pytest.approx(paid(server))
        asked = Counter((call["model"], call["messages"][-1]["content"]) for call in server.calls)
        assert set(asked.values()) == {1}  # nothing was paid twice
    assert rows(tmp_path / "ray") == alone[1]


class Ending:
    """A mapper that lets one worker die in the middle of an item; or whose driver stops after some outcomes."""

    def __init__(self, mapper: Mapper, mark: Path | None = None, after: int = -1):
        self._mapper, self._mark, self._after = mapper, mark, after

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        fn = fn if self._mark is None else partial(dying, fn, self._mark)
        for number, value in enumerate(self._mapper.map(fn, items), start=1):
            yield value
            if number == self._after:
                raise KeyboardInterrupt


def dying(fn: Callable[[Item], Any], mark: Path, item: Item) -> Any:
    if item.position == 5 and not mark.exists():
        mark.touch()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return fn(item)


def test_what_a_dead_worker_was_at_is_made_by_another_within_the_budget(
    mapper: RayMapper, tmp_path: Path, alone: tuple[dict[str, Any], list[str]]
) -> None:
    with serving(say) as server:
        account = RayAccount(1.0)
        report = synthesize(job(tmp_path, server.url, account), Ending(mapper, tmp_path / "died"))
        assert (tmp_path / "died").exists()
        assert report["complete"]
        asked = Counter((call["model"], call["messages"][-1]["content"]) for call in server.calls)
        assert sum(asked.values()) - len(asked) <= 4 * 3  # what the dead one had in flight
        assert paid(server) <= 1.0
    assert rows(tmp_path / "ray") == alone[1]


def test_a_driver_that_stops_is_gone_on_from(
    mapper: RayMapper, tmp_path: Path, alone: tuple[dict[str, Any], list[str]]
) -> None:
    with serving(say) as server:
        with pytest.raises(KeyboardInterrupt):
            synthesize(job(tmp_path, server.url, RayAccount()), Ending(mapper, after=3))
        report = synthesize(job(tmp_path, server.url, RayAccount()), mapper)
        assert report["complete"]
    assert rows(tmp_path / "ray") == alone[1]


def test_a_key_reaches_the_server_and_nothing_else(mapper: RayMapper, tmp_path: Path) -> None:
    import ray

    with serving(say) as server:
        synthesize(job(tmp_path, server.url, RayAccount(1.0), count=4), mapper)
        assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    session = Path(ray._private.worker._global_node.get_session_dir_path())
    files = [file for folder in (tmp_path, session) for file in folder.rglob("*") if file.is_file()]
    assert any(file.suffix == ".log" for file in files) and any(file.suffix == ".parquet" for file in files)
    assert not [file for file in files if KEY.encode() in file.read_bytes()]


def test_a_worker_without_the_key_says_so_and_where(mapper: RayMapper, tmp_path: Path) -> None:
    made = job(tmp_path, "http://models.invalid/v1", RayAccount(), key_g="NO_SUCH_KEY")
    with pytest.raises(Missing, match=r"^worker on \S+: no key for http://models.invalid/v1.* NO_SUCH_KEY is not set"):
        synthesize(made, mapper)


def test_the_verb_hands_the_work_to_ray(
    mapper: RayMapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[dict[str, Any]] = []

    class Started:
        workers = 2

        def __init__(self, address: str, **options: Any):
            started.append({"address": address, **options})

        def __enter__(self) -> Mapper:
            return mapper

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr("heedful.scale.RayMapper", Started)
    with serving(say) as server:
        arguments = [
            *("synthesize", str(corpus(tmp_path / "c.jsonl", 4)), "--out", str(tmp_path / "out"), "--budget", "1"),
            *("--generator", "g", "--validator", "v", "--base-url", server.url, "--cache", str(tmp_path / "a.sqlite")),
            *("--ray", "--workers", "2", "--concurrency", "3", "--format", "json"),
        ]
        assert main([*arguments, "--dry-run"]) == 0
        assert json.loads(capsys.readouterr().out)["passages"]["left"] == 4
        assert started == []
        assert main(arguments) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["this_run"]["calls"] == len(server.calls)
        assert report["this_run"]["cost"] == pytest.approx(paid(server))
    assert started == [{"address": "local", "workers": 2, "threads": 3, "gpus": False}]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--generator", "rules", "--ray"], "--generator rules"),
        (["--generator", "rules", "--workers", "2"], "--generator rules"),
        (["--generator", "g", "--validator", "v", "--workers", "2"], "give --ray too"),
    ],
)
def test_what_ray_is_no_use_for_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    assert main(["synthesize", str(corpus(tmp_path / "c.jsonl", 2)), "--out", str(tmp_path / "out"), *more]) == 2
    assert told in capsys.readouterr().err
