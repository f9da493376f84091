from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import SEED, eventually, live

from heedful.encode import HashEncoder
from heedful.errors import Refused
from heedful.seams import tell_progress
from heedful.serve.app import create_app
from heedful.serve.settings import Settings

LINES = {"Accept": "application/x-ndjson"}
ASKED = {"seeds": [SEED], "rerank": "align(by=ot)", "k": 2}


class Slow:
    """A reranker that takes three steps; `step` lets it go on."""

    def __init__(self, error: Exception | None = None):
        self.error, self.steps, self.ended = error, 0, threading.Event()
        self.go = threading.Semaphore(0)

    def rerank(self, topic, candidates):
        try:
            for self.steps in range(1, 4):
                tell_progress("prompts", self.steps, 3)
                self.go.acquire(timeout=5)
            if self.error is not None:
                raise self.error
            return candidates
        finally:
            self.ended.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr("heedful.systems.open_reranker", lambda *_: made)
    return made


def lines(answer) -> list[dict]:
    return [json.loads(line) for line in answer.iter_lines()]


def test_progress_comes_before_the_result_which_is_the_plain_answer(client: TestClient, slow: Slow):
    for _ in range(6):
        slow.go.release()
    with client.stream("POST", "/api/explore", json=ASKED, headers=LINES) as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        events = lines(answer)
    assert [event["event"] for event in events][-1] == "result"
    told = [(event["what"], event["done"], event["total"]) for event in events if event["event"] == "progress"]
    assert ("prompts", 1, 3) in told
    assert events[-1]["result"] == client.post("/api/explore", json=ASKED).json()


def test_an_error_is_the_last_line(client: TestClient, slow: Slow):
    slow.error = Refused("the service said no")
    for _ in range(3):
        slow.go.release()
    with client.stream("POST", "/api/explore", json=ASKED, headers=LINES) as answer:
        assert lines(answer)[-1] == {
            "event": "error",
            "error": {"code": "upstream_failed", "message": "the service said no", "field": None},
        }


def test_bad_input_is_a_status_and_not_a_line(client: TestClient):
    answer = client.post("/api/explore", json={"k": 0}, headers=LINES)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/json"


def test_texts_to_rerank_tell_how_many_are_read(client: TestClient):
    body = {"query": "reefs", "documents": ["one", "two", "three"]}
    with client.stream("POST", "/v1/rerank", json=body, headers=LINES) as answer:
        assert len(lines(answer)[-1]["result"]["results"]) == 3


@pytest.fixture(scope="module")
def address(index: Path, encoder: HashEncoder):
    app = create_app(index, settings=Settings(concurrent=1, queue=1, watch=0), encoder=encoder)
    with live(app) as made:
        yield made


def test_silence_is_broken_every_second(address: str, slow: Slow):
    with httpx.stream("POST", f"{address}/api/explore", json=ASKED, headers=LINES, timeout=30) as answer:
        told, began = [], time.monotonic()
        for line in answer.iter_lines():
            told.append(json.loads(line))
            if time.monotonic() - began > 1.5:
                for _ in range(3):
                    slow.go.release()
    assert len([event for event in told if event["event"] == "progress"]) >= 2
    assert told[-1]["event"] == "result"


def test_who_hangs_up_ends_the_work(address: str, slow: Slow):
    with httpx.stream("POST", f"{address}/api/explore", json=ASKED, headers=LINES, timeout=30) as answer:
        next(answer.iter_lines())
    time.sleep(0.2)
    slow.go.release()
    assert slow.ended.wait(10) and slow.steps == 2


def test_too_much_at_once_is_turned_away_with_a_time_to_come_again(address: str, slow: Slow):
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(httpx.post(f"{address}/api/explore", json=ASKED, timeout=30))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answers) == 4)
    for answer in answers:
        assert answer.status_code == 503 and answer.json()["error"]["code"] == "busy"
        assert int(answer.headers["retry-after"]) >= 1
    assert httpx.get(f"{address}/healthz").status_code == 200  # while the rest waits
    for _ in range(10):
        slow.go.release()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503, 503]
    assert httpx.post(f"{address}/api/explore", json=ASKED | {"rerank": None}, timeout=30).status_code == 200
