"""The whole pipeline, in process and over the wire."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.openai_server import Say, serving
from tests.synthesize.pretended import corpus, job, maker, rows, said

from heedful.chat import Answer, Request
from heedful.cli.main import main
from heedful.errors import BadRecord, BudgetSpent, Refused, Upstream
from heedful.seams import LocalMapper
from heedful.synthesize import pretend
from heedful.synthesize.pipeline import REPORT, Progress, synthesize
from heedful.synthesize.workers import ThreadMapper

NOISY = said(garbage=0.05, wrong=0.05)


def test_one_worker_and_sixteen_give_the_same_rows(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 40)

    def at_its_own_pace(request: Request) -> Answer:
        time.sleep(0.004 * pretend.share(request.prompt, "pace"))
        return NOISY(request)

    one = synthesize(job(source, tmp_path / "one", maker(NOISY)), LocalMapper())
    many = synthesize(job(source, tmp_path / "many", maker(at_its_own_pace)), ThreadMapper(16))
    assert rows(tmp_path / "one") == rows(tmp_path / "many")
    assert len(rows(tmp_path / "one")) > 20
    assert one["stages"] == many["stages"]
    assert one["costs"] == many["costs"]
    reasons = {reason for stage in one["stages"] for reason in stage["reasons"]}
    assert "its passage satisfies the original request" in reasons  # the noise was seen
    assert json.loads((tmp_path / "one" / REPORT).read_text())["rows"] == one["rows"]


def test_a_second_run_asks_nothing_and_a_longer_one_only_what_is_new(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 12)
    first, second, third = maker(), maker(), maker()
    synthesize(job(source, tmp_path / "out", first, limit=8), LocalMapper())
    before = rows(tmp_path / "out")
    synthesize(job(source, tmp_path / "out", second, limit=8), LocalMapper())
    assert second.generator.chat.calls == 0  # type: ignore[attr-defined]
    assert rows(tmp_path / "out") == before
    synthesize(job(source, tmp_path / "out", third), LocalMapper())
    assert third.generator.chat.calls == 4 * 7  # type: ignore[attr-defined]
    synthesize(job(source, tmp_path / "fresh", maker()), LocalMapper())
    assert rows(tmp_path / "out") == rows(tmp_path / "fresh")


def test_passages_that_left_the_source_leave_the_set(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 8)
    synthesize(job(source, tmp_path / "out", maker()), LocalMapper())
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[4:]))
    report = synthesize(job(source, tmp_path / "out", maker()), LocalMapper())
    assert report["groups"] == 4
    assert report["passages"]["done"] == 4


def test_a_budget_that_ends_leaves_what_is_done_and_the_next_run_goes_on(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 10)
    left = [60]

    def until_spent(request: Request) -> Answer:
        if left[0] == 0:
            raise BudgetSpent("the budget of $1 is spent")
        left[0] -= 1
        return said()(request)

    report = synthesize(job(source, tmp_path / "out", maker(until_spent)), LocalMapper())
    assert report["stopped"] == "the budget of $1 is spent"
    assert not report["complete"]
    assert 0 < report["groups"] < 10
    left[0] = 10_000
    report = synthesize(job(source, tmp_path / "out", maker(until_spent)), LocalMapper())
    assert report["complete"]
    assert report["groups"] == 10


def test_a_bad_line_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 5)
    source.write_text(source.read_text() + '{"_id": "x", "text": 3}\n')
    made = maker()
    with pytest.raises(BadRecord, match=r"c\.jsonl:6"):
        synthesize(job(source, tmp_path / "out", made), LocalMapper())
    assert made.generator.chat.calls == 0  # type: ignore[attr-defined]
    assert synthesize(job(source, tmp_path / "out", made, skip_bad=True), LocalMapper())["passages"]["used"] == 5


def test_a_server_that_is_down_ends_the_run_and_one_lost_answer_does_not(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 30)

    def lose(request: Request) -> Answer:
        lost = "p007" in request.prompt or "Notes 7\n" in request.prompt
        return Answer(failure="HTTP 500") if lost else said()(request)

    report = synthesize(job(source, tmp_path / "out", maker(lose)), LocalMapper())
    assert (report["passages"]["done"], report["passages"]["unanswered"]) == (29, 1)
    assert not report["complete"]
    synthesize(job(source, tmp_path / "out", maker()), LocalMapper())
    synthesize(job(source, tmp_path / "fresh", maker()), LocalMapper())
    assert rows(tmp_path / "out") == rows(tmp_path / "fresh")
    with pytest.raises(Upstream, match="8 passages in a row"):
        synthesize(job(source, tmp_path / "down", maker(lambda request: Answer(failure="HTTP 500"))), ThreadMapper(4))


def test_what_no_request_can_get_over_ends_the_run(tmp_path: Path) -> None:
    def refuse(request: Request) -> Answer:
        raise Refused("the key is not accepted")

    with pytest.raises(Refused):
        synthesize(job(corpus(tmp_path / "c.jsonl", 3), tmp_path / "out", maker(refuse)), ThreadMapper(4))


def test_progress_tells_rate_and_time_left(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = corpus(tmp_path / "c.jsonl", 6)
    synthesize(job(source, tmp_path / "out", maker()), LocalMapper(), lambda p: seen.append((p.done, p.total)))
    assert seen == [(n, 6) for n in range(1, 7)]
    progress = Progress(100, done=30, found=10, started=time.monotonic() - 10)
    assert progress.rate == pytest.approx(2.0, rel=0.05)
    assert progress.seconds_left == pytest.approx(35, rel=0.05)
    assert Progress(100).seconds_left is None


class Counting:
    """The pretended models over the wire: garbage, 429 and slow answers; counts what it answers."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.lock = threading.Lock()

    def __call__(self, asked: dict, number: int) -> Say:
        prompt = asked["messages"][-1]["content"]
        key = f"{asked['model']} {prompt}"
        with self.lock:
            self.seen[key] += 1
            if self.seen[key] == 1 and pretend.share(prompt, "429") < 0.02:
                return Say(status=429, headers={"retry-after-ms": "20"}, body={"error": {"message": "slow down"}})
            self.answered[key] += 1
        shape = asked["response_format"]["json_schema"]["name"]
        slow = 0.1 if pretend.share(prompt, "slow") < 0.02 else 0.0
        return Say(pretend.answer(shape, prompt, garbage=0.05, wrong=0.05), seconds=slow)


def test_a_killed_run_pays_nothing_again_and_loses_and_doubles_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, prices = corpus(tmp_path / "c.jsonl", 24), tmp_path / "prices.toml"
    prices.write_text('[models]\n"g" = { input = 1, output = 1 }\n"v" = { input = 1, output = 1 }\n')
    monkeypatch.setenv("HEEDFUL_PRICES", str(prices))

    def arguments(url: str, name: str, workers: int) -> list[str]:
        return [
            *("synthesize", str(source), "--out", str(tmp_path / name), "--base-url", url, "--format", "json"),
            *("--generator", "g", "--validator", "v", "--budget", "1", "--concurrency", str(workers)),
            *("--cache", str(tmp_path / f"{name}.sqlite")),
        ]

    def finish(url: str, name: str, workers: int) -> dict:
        assert main(arguments(url, name, workers)) == 0
        return json.loads(capsys.readouterr().out)

    killed = Counting()
    with serving(killed) as server:
        command = [sys.executable, "-m", "heedful", *arguments(server.url, "killed", 8)]
        process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
        while len(killed.answered) < 100:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.3)  # what was in flight is answered to nobody
        with sqlite3.connect(tmp_path / "killed.sqlite") as cache:
            lost = sum(killed.answered.values()) - cache.execute("SELECT COUNT(*) FROM answers").fetchone()[0]
        report = finish(server.url, "killed", 8)
        assert lost > 0  # something was in flight
        assert sum(killed.answered.values()) - len(killed.answered) == lost  # and nothing else was asked again
    assert report["complete"]
    assert report["this_run"]["calls"] < len(killed.answered)
    alone = Counting()
    with serving(alone) as server:
        whole = finish(server.url, "whole", 1)
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    assert alone.answered.keys() == killed.answered.keys()
    ids = [json.loads(row)["id"] for row in rows(tmp_path / "whole")]
    assert len(ids) == len(set(ids)) > 15
    assert whole["cost"] == pytest.approx(report["cost"])


def test_an_interrupt_ends_at_once_and_keeps_what_is_done(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[models]\n"g" = { input = 1, output = 1 }\n"v" = { input = 1, output = 1 }\n')
    patient = Counting()

    def slow(asked: dict, number: int) -> Say:
        said = patient(asked, number)
        said.seconds = 0.0 if number < 60 else 30.0
        return said

    with serving(slow) as server:
        command = [
            *(sys.executable, "-m", "heedful", "synthesize", str(corpus(tmp_path / "c.jsonl", 20))),
            *("--out", str(tmp_path / "out"), "--generator", "g", "--validator", "v", "--base-url", server.url),
            *("--cache", str(tmp_path / "a.sqlite"), "--concurrency", "4"),
        ]
        environment = os.environ | {"HEEDFUL_PRICES": str(prices)}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        while len(server.calls) < 62:
            assert process.poll() is None
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
        assert process.returncode == 130
        assert told.endswith("interrupted\n")
        assert time.monotonic() - begun < 10
    with sqlite3.connect(tmp_path / "out" / "work" / "ledger.sqlite") as ledger:
        assert ledger.execute("SELECT COUNT(*) FROM outcomes").fetchone()[0] > 0
