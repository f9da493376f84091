"""`heedful bench` with a chat model behind a scripted server: killed, capped, counted beforehand, and misused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.folders import lines
from tests.openai_server import Say, Server, serving

from heedful.chat import AnswerCache
from heedful.cli.main import main

N, TOPICS = 11, 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four questions over eleven papers whose merit is said in their text; the better half is relevant."""
    folder = tmp_path / "merits"
    merit = {f"d{i:02}": i * 5 % N for i in range(N)}
    lines(
        folder / "corpus.jsonl",
        [{"_id": id, "title": f"Paper {id}", "text": f"Its merit is {m} points."} for id, m in merit.items()],
    )
    lines(
        folder / "queries.jsonl",
        [{"_id": f"need-{i}", "text": f"merit number {i}", "aspect": "ab"[i % 2]} for i in range(TOPICS)],
    )
    judged = [f"need-{i} 0 {id} {int(m >= N // 2)}\n" for i in range(TOPICS) for id, m in merit.items()]
    (folder / "qrels.tsv").write_text("".join(judged))
    (folder / "benchmark.json").write_text('{"name": "merits", "pool": "judged"}')
    return folder


@pytest.fixture(autouse=True)
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[models]\n"m" = { input = 100.0, output = 100.0 }\n')
    monkeypatch.setenv("HEEDFUL_PRICES", str(prices))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def right(asked: dict, number: int, seconds: float = 0.0) -> Say:
    a, b = (int(x) for x in re.findall(r"merit is (\d+) points", asked["messages"][-1]["content"]))
    return Say("Passage A" if a > b else "Passage B", seconds=seconds)


def prp(server: Server, **options: object) -> str:
    merged = {"model": "m", "base_url": server.url, "first": "given", "k": 5, "concurrency": 4, "attempts": 2} | options
    return f"prp({', '.join(f'{name}={value}' for name, value in merged.items())})"


def arguments(folder: Path, *systems: str, out: Path | None = None) -> list[str]:
    named = [part for system in systems for part in ("--system", system)]
    kept = ["--out", str(out)] if out else []
    return ["bench", str(folder), *named, "-m", "nDCG@20", *kept, "--format", "json"]


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "heedful", *command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(server: Server, calls: int, process: subprocess.Popen[str]) -> None:
    begun = time.monotonic()
    while len(server.calls) < calls:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - begun < 60
        time.sleep(0.005)


def prompts(server: Server) -> list[str]:
    return [json.dumps(call["messages"]) for call in server.calls]


def runs(out: Path) -> str:
    return next(out.glob("prp-*/ranking.run")).read_text()


def test_a_bench_that_was_killed_pays_no_call_twice_and_ends_with_the_same_ranking(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda asked, n: right(asked, n, 0.01)) as server:
        whole, cache = prp(server, cache=tmp_path / "whole.sqlite"), tmp_path / "kept.sqlite"
        assert main(arguments(folder, whole, out=tmp_path / "whole")) == 0
        expected = json.loads(capsys.readouterr().out)["systems"][whole]
        needed = len(server.calls)
        server.calls.clear()
        command = arguments(folder, prp(server, cache=cache), out=tmp_path / "killed")
        first = start(command)
        wait_for(server, needed * 5 // 8, first)  # in the middle of the third topic
        os.kill(first.pid, signal.SIGKILL)
        first.communicate()
        time.sleep(0.1)
        kept, paid = len(AnswerCache(cache)), prompts(server)
        assert len(paid) - 4 <= kept <= len(paid) < needed  # no more is lost than was in flight
        finished = next((tmp_path / "killed").glob("prp-*/topics.jsonl")).read_text().count("\n")
        assert 0 < finished < TOPICS
        server.calls.clear()
        second = start(command)
        out, err = second.communicate(timeout=60)
        assert second.returncode == 0, err
        again = prompts(server)
        assert len(again) == len(set(again)) == needed - kept
        assert len(set(again) & set(paid)) == len(paid) - kept  # only what was in flight when it was killed
        report = json.loads(out)
        assert next(iter(report["systems"].values())) == expected
        bodies = [re.sub(r" \S+$", "", text, flags=re.MULTILINE) for text in map(runs, (tmp_path / "killed",))]
        assert bodies == [re.sub(r" \S+$", "", runs(tmp_path / "whole"), flags=re.MULTILINE)]
        server.calls.clear()
        assert main(command) == 0 and server.calls == []


def test_half_the_money_stops_there_reports_the_rest_as_partial_and_goes_on(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(right) as server:
        assert main(arguments(folder, prp(server, cache="none"))) == 0
        whole = json.loads(capsys.readouterr().out)
        need, needed = whole["spending"]["cost"], len(server.calls)
        assert "partial" not in whole and whole["spending"]["calls"] == needed
        server.calls.clear()
        name, out = prp(server, cache=tmp_path / "c.sqlite"), tmp_path / "out"
        command = [*arguments(folder, name, "random", out=out), "--budget"]
        assert main([*command, str(need / 2)]) == 3
        said = capsys.readouterr()
        report = json.loads(said.out)
        assert report["spending"]["cost"] <= need / 2
        assert needed * 0.3 < len(server.calls) <= needed / 2
        where = report["partial"][name]
        assert 0 < where["finished"] < TOPICS == where["topics"]
        assert where["stopped_at"] == f"need-{where['finished']}"
        assert where["splits"] == {"all": {"finished": where["finished"], "topics": TOPICS}}
        assert report["systems"][name]["all"]["measures"]["nDCG@20"]["all"] > 0.9
        assert "random" in report["systems"]  # what costs nothing is measured all the same
        assert "comparisons" not in report  # a partial result is compared with nothing
        assert f"topic {where['stopped_at']}" in said.err and "partial result" in said.err
        assert json.loads((out / "bench.json").read_text()) == report
        kept = next(out.glob("prp-*/partial.run")).read_text().splitlines()
        assert len(kept) == N and kept[0].startswith(where["stopped_at"])
        before = prompts(server)
        assert main([*command, str(need)]) == 0
        report = json.loads(capsys.readouterr().out)
        assert "partial" not in report and report["comparisons"]
        assert len(server.calls) == needed == len(set(prompts(server)))
        assert prompts(server)[: len(before)] == before
        assert report["systems"][name] == next(iter(whole["systems"].values()))
        assert not list(out.glob("prp-*/partial.run"))


def test_a_partial_result_is_marked_in_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(right) as server:
        command = [*arguments(folder, prp(server, cache="none"))[:-2], "--budget", "2"]
        assert main(command) == 3
        out = capsys.readouterr().out
        ended = re.search(r"the budget ended after ([1-3]) of 4 topics", out)
        assert ended and f"(partial:{ended[1]}of4topics)" in re.sub(r"\s", "", out)  # in the folded first column
        assert main([*command[:-1], "0.00001"]) == 3
        assert "the budget ended after 0 of 4 topics" in capsys.readouterr().out


@pytest.mark.parametrize("sort", ["active", "heapsort"])
def test_a_dry_run_sends_nothing_counts_like_a_real_run_and_bounds_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], sort: str
) -> None:
    with serving(right) as server:
        command = arguments(folder, prp(server, sort=sort, cache=tmp_path / "c.sqlite"), "random", out=tmp_path / "out")
        assert main([*command, "--dry-run", "--budget", "1"]) == 0
        said = capsys.readouterr()
        found = json.loads(said.out)
        assert server.calls == [] and said.err == "" and not (tmp_path / "out").exists()
        row = next(iter(found["systems"].values()))
        assert list(found["systems"]) == [command[3]] and found["total"]["calls"] == row["calls"]
        assert main(command) == 0
        report = json.loads(capsys.readouterr().out)
        assert 0.7 * len(server.calls) < row["calls"] < 1.5 * len(server.calls)
        assert len(server.calls) <= row["calls_at_most"]
        assert report["spending"]["cost"] <= row["cost_at_most"] and row["cost"] <= row["cost_at_most"]
        assert main([*command, "--dry-run"]) == 0  # all topics are finished
        assert json.loads(capsys.readouterr().out)["total"] == dict.fromkeys(found["total"], 0)
        assert main([*command[:-2], "--dry-run"]) == 0
        assert "nothing was sent" in capsys.readouterr().out


def test_what_the_model_is_worth_is_in_the_report(folder: Path, tmp_path: Path, capsys) -> None:
    def biased(asked: dict, number: int) -> Say:
        return Say("no idea") if number % 10 == 9 else Say("Passage A")

    with serving(biased) as server:
        name = prp(server, cache=tmp_path / "c.sqlite", sort="allpairs", max_words=4, depth=7)
        for _ in range(2):  # the second time from the finished topics alone
            assert main(arguments(folder, name, out=tmp_path / "out")) == 0
            tally = json.loads(capsys.readouterr().out)["chat"][name]
            assert tally["topics"] == TOPICS and tally["prompts"] == TOPICS * 7 * 6 == len(server.calls)
            assert tally["malformed"] == len(server.calls) // 10
            assert tally["position_bias"] == 1.0 and tally["agreement"] == 0.0
            assert tally["intransitive"] is not None or tally["triples"] == 0
            assert tally["shortened"] == TOPICS * 7 and tally["cost"] > 0 and tally["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("say", "code", "words"),
    [
        (Say(status=401, body={"error": {"message": "bad key"}}), 4, "OPENAI_API_KEY is not accepted"),
        (Say(status=404, body={"error": {"message": "nope"}}), 3, "no such model"),
        (
            Say(status=400, body={"error": {"code": "context_length_exceeded", "message": "maximum context"}}),
            4,
            "too long for the model; shorten the documents",
        ),
        (Say(status=429, headers={"Retry-After": "0.01"}, body="{}"), 4, "HTTP 429"),
        (Say(status=500, body="x"), 4, "HTTP 500"),
        (Say(drop=True), 4, "no connection"),
        (Say(truncate=True), 4, "m at http"),
        (Say(seconds=5), 4, "no answer within 0.2 s"),
    ],
    ids=["key", "model", "context", "429", "500", "reset", "truncated", "time-out"],
)
def test_trouble_that_lasts_is_one_clear_error_in_bounded_time(
    folder: Path, capsys: pytest.CaptureFixture[str], say: Say, code: int, words: str
) -> None:
    timeout = 0.2 if say.seconds else 5
    with serving(lambda asked, n: say) as server:
        begun = time.monotonic()
        assert main(arguments(folder, prp(server, cache="none", concurrency=16, timeout=timeout))) == code
        assert time.monotonic() - begun < 20
    said = capsys.readouterr()
    assert words in said.err and not said.out and "Traceback" not in said.err
    assert code == 3 or "topic need-0" in said.err


def test_a_missing_key_and_a_missing_price_are_said_before_anything_is_sent(folder: Path, capsys) -> None:
    assert main(arguments(folder, "prp(model=m, first=given, cache=none)")) == 3
    assert "OPENAI_API_KEY is not set" in capsys.readouterr().err
    with serving(right) as server:
        assert main([*arguments(folder, prp(server, model="free", cache="none")), "--budget", "1"]) == 3
        assert "no price is known for 'free'" in capsys.readouterr().err
        assert server.calls == []


def test_an_interrupt_ends_with_130_and_keeps_what_was_paid(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "c.sqlite"
    with serving(lambda asked, n: right(asked, n, 0.02)) as server:
        process = start(arguments(folder, prp(server, cache=cache), out=tmp_path / "out"))
        wait_for(server, 30, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, "")
        assert "interrupted" in err and "Traceback" not in err
        assert len(AnswerCache(cache)) >= 26


def test_a_first_stage_that_costs_money_is_capped_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(right) as server:
        first = prp(server, cache="none", sort="quickselect")
        command = [*arguments(folder, "random"), "--first-stage", first, "--depth", "3", "--budget", "2"]
        assert main(command) == 3
        report = json.loads(capsys.readouterr().out)
        assert report["partial"]["random"]["finished"] < TOPICS
        assert 0 < report["spending"]["cost"] <= 2 and report["spending"]["calls"] == len(server.calls)


@pytest.mark.parametrize("verb", ["diagnose", "baselines", "sensitivity"])
def test_a_dry_run_counts_every_probe_and_a_small_budget_ends_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    with serving(right) as server:
        start = [verb, str(folder)] if verb == "diagnose" else ["experiment", verb, "--data", str(folder)]
        name = prp(server, cache="none", sort="quickselect")
        command = [*start, "--system", name, "--out", str(tmp_path / "out"), "--format", "json"]
        assert main([*command, "--dry-run"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert server.calls == [] and not (tmp_path / "out").exists()
        probes = {label.removeprefix(f"{name} ") for label in found["systems"]}
        assert probes == {"[base]"} if verb == "baselines" else {"[empty]", "[base]", "[irrelevant]"} <= probes
        total = found["total"]
        assert 0 < total["calls"] <= total["calls_at_most"] and 0 < total["cost"] <= total["cost_at_most"]
        assert main([*command, "--budget", "1"]) == 3
        said = capsys.readouterr()
        assert "budget" in said.err and 0 < len(server.calls) < total["calls"]
        kept = list((tmp_path / "out" / "rankings").rglob("topics.jsonl"))
        asked = len(server.calls)
        assert kept and main([*command, "--dry-run"]) == 0
        assert json.loads(capsys.readouterr().out)["total"]["calls"] < total["calls"] and len(server.calls) == asked
