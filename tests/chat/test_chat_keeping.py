"""What is kept of a chat: answers, recordings, prices."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heedful.chat import Answer, AnswerCache, Parameters, Price, Recorder, Replay, Request, ScriptedChat
from heedful.chat.keys import scrub
from heedful.chat.prices import load_prices, price_of
from heedful.chat.transport import retry_after
from heedful.chat.values import key_of
from heedful.errors import BadInput, BadRecord, Mismatch, Missing, Unwritable


def test_an_answer_comes_back_as_it_was_but_free(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "deep" / "c.sqlite")
    cache.put("k", "m", Answer("text é", (0.25, 0.75), 10, 2, "stop", cost=0.1))
    cache.put("k", "m", Answer("another"))  # the first stays
    cache.close()
    again = AnswerCache(tmp_path / "deep" / "c.sqlite")
    assert again.get("k") == Answer("text é", (0.25, 0.75), 10, 2, "stop", cached=True, cost=0.0)
    assert again.get("none") is None
    assert len(again) == 1


def test_the_key_depends_on_everything_that_decides_an_answer() -> None:
    base = ("m", Parameters(), Request("p", "s", ("A",), "t"))
    others = [
        ("n", *base[1:]),
        (base[0], Parameters(temperature=0.5), base[2]),
        (base[0], Parameters(max_tokens=9), base[2]),
        (base[0], Parameters(seed=1), base[2]),
        (base[0], Parameters(extra={"x": 1}), base[2]),
        (*base[:2], Request("q", "s", ("A",), "t")),
        (*base[:2], Request("p", "", ("A",), "t")),
        (*base[:2], Request("p", "s", (), "t")),
        (*base[:2], Request("p", "s", ("A",), "u")),
        (*base[:2], Request("p", "s", ("A",), "t", "{}")),
    ]
    keys = {key_of(*base), *(key_of(*other) for other in others)}
    assert len(keys) == 11
    assert key_of(*base) == key_of("m", Parameters(), Request("p", "s", ("A",), "t"))


def test_many_processes_may_write_one_cache(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from heedful.chat import Answer, AnswerCache\n"
        "cache = AnswerCache(Path(sys.argv[1]))\n"
        "for i in range(60): cache.put(f'{sys.argv[2]}-{i}', 'm', Answer(str(i)))\n"
        "for i in range(60): cache.put(f'shared-{i}', 'm', Answer('x'))\n"
    )
    path = tmp_path / "c.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), str(w)], env=os.environ) for w in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(AnswerCache(path)) == 3 * 60 + 60


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for turn in range(60):
            start = threading.Barrier(8)
            opened = threads.map(lambda _, turn=turn, start=start: _open(tmp_path / f"{turn}", start), range(8))
            assert list(opened) == [0] * 8


def _open(path: Path, start: threading.Barrier) -> int:
    start.wait(30)
    cache = AnswerCache(path)
    try:
        return len(cache)
    finally:
        cache.close()


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be mistaken for one" * 20)
    with pytest.raises(Mismatch, match="not an answer cache"):
        AnswerCache(path)
    assert path.read_text().startswith("not a database")
    with pytest.raises(Unwritable):
        AnswerCache(path / "below" / "a file")


def test_a_recording_answers_without_the_model(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    chat = ScriptedChat(["one", (0.1, 0.9), Answer(failure="lost")])
    requests = [Request("p1"), Request("p2", labels=("A", "B")), Request("p3")]
    said = Recorder(chat, path).ask(requests)
    replay = Replay(path)
    again = replay.ask(requests[:2])
    assert [(a.text, a.probabilities) for a in again] == [(a.text, a.probabilities) for a in said[:2]]
    assert all(answer.cached for answer in again)
    with pytest.raises(Missing, match="1 of 3"):  # a failure was not recorded
        replay.ask(requests)
    path.write_text(path.read_text() + "{}\n")
    with pytest.raises(BadRecord, match=r"record.jsonl:3"):
        Replay(path)


def test_the_users_prices_come_over_those_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "p.toml"
    mine.write_text('[models]\n"gpt-4o" = { input = 1.0, output = 2.0 }\n"home" = { input = 0, output = 0 }\n')
    monkeypatch.setenv("HEEDFUL_PRICES", str(mine))
    prices = load_prices()
    assert prices["gpt-4o"] == Price(1.0, 2.0)
    assert price_of("home", prices) == Price(0.0, 0.0)
    assert price_of("gpt-3.5-turbo-0125", prices) == prices["gpt-3.5-turbo"]
    assert price_of("gpt-4o-mini-2024-07-18", prices) == prices["gpt-4o-mini"]
    assert price_of("gpt-4o-audio", prices) is None
    assert Price(1.0, 2.0).of(1_000_000, 500_000) == 2.0
    for wrong in ('[models]\n"x" = 3\n', "[models", '[models]\n"x" = { input = -1, output = 0 }\n'):
        mine.write_text(wrong)
        with pytest.raises(BadInput, match=r"p\.toml"):
            load_prices()


def test_what_looks_like_a_key_is_scrubbed() -> None:
    assert "sk-" not in scrub("Incorrect API key provided: sk-abc***xyz123.")
    assert "hushhush" not in scrub("the key hushhush is wrong", "hushhush")
    assert scrub("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_a_script_that_has_run_out_says_so() -> None:
    chat = ScriptedChat(["only"])
    assert chat.complete(["x"]) == ["only"]
    with pytest.raises(AssertionError, match="run out"):
        chat.complete(["y"])
    assert ScriptedChat({"q": "a"}).complete(["q"]) == ["a"]
    assert ScriptedChat([(0.2, 0.8)]).choose(["q"], "AB") == [(0.2, 0.8)]
