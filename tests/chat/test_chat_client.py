"""The chat client against a server that misbehaves."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from tests.openai_server import Say, serving

from heedful.chat import AnswerCache, Chat, Parameters, Patience, Price, Request
from heedful.errors import BadInput, BudgetSpent, Missing, RateLimited, Refused, Upstream

FAST = Patience(attempts=4, timeout=2.0, first_wait=0.01, longest_wait=1.0)
PRICES = {"m": Price(1.0, 10.0)}


def echo(asked: dict, number: int) -> Say:
    return Say(f"said {asked['messages'][-1]['content']}")


def test_answers_come_in_the_order_of_the_prompts_and_in_parallel() -> None:
    def slow(asked: dict, number: int) -> Say:
        return Say(asked["messages"][0]["content"], seconds=0.15 if number % 2 else 0.05)

    with serving(slow) as server, Chat("m", base_url=server.url, concurrency=8, patience=FAST) as chat:
        prompts = [f"p{i}" for i in range(16)]
        assert chat.complete(prompts) == prompts
        assert 1 < server.most_at_once <= 8
        assert chat.complete([]) == []


def test_a_kept_answer_is_never_paid_twice(tmp_path: Path) -> None:
    with serving(echo) as server:
        for _ in range(2):
            with Chat("m", base_url=server.url, cache=tmp_path / "c.sqlite", patience=FAST) as chat:
                assert chat.complete(["a", "b", "a"]) == ["said a", "said b", "said a"]
        assert len(server.calls) == 2
        assert (chat.spending.calls, chat.spending.cached, chat.spending.cost) == (0, 2, 0.0)
        with Chat(
            "m", base_url=server.url, cache=tmp_path / "c.sqlite", parameters=Parameters(temperature=1.0)
        ) as other:
            other.complete(["a"])
        assert len(server.calls) == 3  # other parameters, another answer


@pytest.mark.parametrize(
    "trouble",
    [
        Say(status=429, body={"error": {"message": "slow down"}}),
        Say(status=500, body="oops"),
        Say(status=503, body="{"),
        Say(drop=True),
        Say(truncate=True),
        Say(body="<html>not json</html>"),
        Say(body={"object": "error"}),
        Say(seconds=2.5),
    ],
    ids=["429", "500", "503", "reset", "truncated", "html", "no choices", "time-out"],
)
def test_passing_trouble_is_retried(trouble: Say) -> None:
    with serving(lambda asked, n: trouble if n < 1 else Say("fine")) as server:
        patience = Patience(attempts=3, timeout=0.5, first_wait=0.01) if trouble.seconds else FAST
        with Chat("m", base_url=server.url, patience=patience) as chat:
            assert chat.complete(["x"]) == ["fine"]
            assert chat.spending.retries == 1


@pytest.mark.parametrize("trouble", [Say(status=500, body="oops"), Say(drop=True), Say(truncate=True)])
def test_lasting_trouble_ends_in_bounded_time_and_is_told_per_request(trouble: Say) -> None:
    with serving(lambda asked, n: trouble) as server, Chat("m", base_url=server.url, patience=FAST) as chat:
        answers = chat.ask([Request(f"p{i}") for i in range(40)])
        assert all(answer.failure and not answer.text for answer in answers)
        assert len(server.calls) <= (8 + 16) * FAST.attempts  # after eight failures the rest is not sent
        assert any("not sent" in answer.failure for answer in answers)
        with pytest.raises(Upstream):
            chat.complete(["y"])


def test_retry_after_is_honoured_and_not_beyond_measure() -> None:
    with serving(lambda asked, n: Say("ok") if n else Say(status=429, headers={"Retry-After": "0.6"}, body="{}")) as s:
        begun = time.perf_counter()
        with Chat("m", base_url=s.url, patience=FAST) as chat:
            assert chat.complete(["x"]) == ["ok"]
        assert time.perf_counter() - begun > 0.55
    with serving(lambda asked, n: Say(status=429, headers={"Retry-After": "3600"}, body="{}")) as server:
        with Chat("m", base_url=server.url, patience=FAST) as chat, pytest.raises(RateLimited, match="3600 s"):
            chat.complete(["x"])
        assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("say", "error", "words"),
    [
        (Say(status=401, body={"error": {"message": "Incorrect API key provided: sk-secret-123456"}}), Refused, "key"),
        (Say(status=404, body={"error": {"message": "no such model"}}), Missing, "no such model"),
        (Say(status=429, body={"error": {"code": "insufficient_quota", "message": "x"}}), Refused, "quota"),
        (Say(status=400, body={"error": {"message": "bad temperature"}}), Refused, "bad temperature"),
    ],
)
def test_what_cannot_succeed_is_said_at_once(say: Say, error: type[Exception], words: str) -> None:
    with serving(lambda asked, n: say) as server, Chat("m", base_url=server.url, patience=FAST) as chat:
        with pytest.raises(error, match=words):
            chat.complete(["x"])
        assert len(server.calls) == 1


def test_a_prompt_that_is_too_long_fails_alone() -> None:
    too_long = Say(status=400, body={"error": {"code": "context_length_exceeded", "message": "maximum context"}})

    def say(asked: dict, number: int) -> Say:
        return too_long if "long" in asked["messages"][0]["content"] else Say("ok")

    with serving(say) as server, Chat("m", base_url=server.url, patience=FAST) as chat:
        short, long = chat.ask([Request("short"), Request("long")])
    assert short.text == "ok"
    assert "max_words" in long.failure


def test_the_newer_name_of_the_token_limit_is_found_by_itself() -> None:
    def picky(asked: dict, number: int) -> Say:
        if "max_tokens" in asked:
            return Say(status=400, body={"error": {"message": "Use 'max_completion_tokens' instead."}})
        return Say("ok")

    with serving(picky) as server, Chat("m", base_url=server.url, patience=FAST) as chat:
        assert chat.complete(["x", "y"]) == ["ok", "ok"]


def test_a_schema_and_a_temperature_go_along_until_the_server_refuses_them() -> None:
    def picky(asked: dict, number: int) -> Say:
        for name in ("temperature", "response_format"):
            if name in asked:
                return Say(status=400, body={"error": {"message": f"Unsupported parameter: '{name}'"}})
        return Say("ok")

    request = Request("x", schema='{"type": "object"}', shape="thing")
    with serving(picky) as server, Chat("m", base_url=server.url, patience=FAST) as chat:
        assert [answer.text for answer in chat.ask([request])] == ["ok"]
        assert server.calls[0]["response_format"]["json_schema"] == {
            "name": "thing",
            "strict": True,
            "schema": {"type": "object"},
        }
        sent = len(server.calls)
        assert chat.complete(["y", "z"]) == ["ok", "ok"]
        assert len(server.calls) == sent + 2  # it remembers


def test_the_key_stays_out_of_errors_logs_and_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = "hush-0123456789-secret"
    monkeypatch.setenv("MY_KEY", key)
    caplog.set_level(logging.DEBUG)
    told = Say(status=401, body={"error": {"message": f"Incorrect API key provided: {key}"}})
    seen: list[str] = []
    for say in (told, Say(status=400, body={"error": {"message": f"bad {key}"}}), Say(status=500, body=key), Say("ok")):
        with serving(lambda asked, n, say=say: say) as server:
            with Chat("m", base_url=server.url, key_env="MY_KEY", cache=tmp_path / "c.sqlite", patience=FAST) as chat:
                try:
                    seen.append(repr(chat.ask([Request("x")])))
                except (Refused, Upstream) as error:
                    seen.append(f"{error!r} {error.__cause__!r}")
                seen.append(repr(chat.spec()) + repr(chat.spending))
            assert key in server.headers[0]["authorization"]
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(seen) == 8 and len(kept) > 0
    for text in (*seen, caplog.text):
        assert key not in text
    assert key.encode() not in kept


def test_a_key_in_the_address_is_refused() -> None:
    with pytest.raises(BadInput, match="OPENAI_API_KEY") as error:
        Chat("m", base_url="http://user:pass-word@127.0.0.1:9/v1")
    assert "pass-word" not in str(error.value)


def test_a_missing_key_is_said_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(Missing, match="OPENAI_API_KEY"):
        Chat("gpt-4o")


def test_the_budget_is_never_passed_and_the_partial_result_comes_along(tmp_path: Path) -> None:
    with serving(lambda asked, n: Say("ok", seconds=0.01)) as server:
        prompts = [Request(f"some words {i}") for i in range(60)]
        parameters = Parameters(max_tokens=3)
        with Chat("m", base_url=server.url, prices=PRICES, patience=FAST, parameters=parameters) as chat:
            chat.ask(prompts)
            need = chat.spending.cost
        assert need == pytest.approx(60 * (3 * 1.0 + 2 * 10.0) / 1e6)
        server.calls.clear()
        cache = tmp_path / "c.sqlite"
        with Chat("m", base_url=server.url, prices=PRICES, parameters=parameters, budget=need / 2, cache=cache) as chat:
            with pytest.raises(BudgetSpent) as stop:
                chat.ask(prompts)
            assert chat.spending.cost <= need / 2
            partial = stop.value.partial
        done = [answer for answer in partial if answer is not None]  # type: ignore[attr-defined]
        assert len(done) == len(server.calls) == chat.spending.calls
        assert 25 <= len(done) <= 30
        with Chat("m", base_url=server.url, prices=PRICES, parameters=parameters, budget=2 * need, cache=cache) as chat:
            assert len(chat.ask(prompts)) == 60  # goes on from where it stopped
        assert len(server.calls) == 60


def test_a_budget_for_a_model_without_a_price_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Missing, match="no price is known"):
        Chat("mystery", base_url="http://127.0.0.1:9/v1", budget=1.0)


def test_a_server_that_does_not_count_tokens_is_charged_at_the_upper_bound() -> None:
    with (
        serving(lambda asked, n: Say("ok", usage=False)) as server,
        Chat("m", base_url=server.url, prices=PRICES, patience=FAST) as chat,
    ):
        chat.complete(["word " * 100])
        assert chat.spending.prompt_tokens >= 500


def test_a_dry_run_sends_nothing_and_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    chat = Chat("gpt-4o", dry=True)
    answers = chat.ask([Request("x" * 400), Request("y" * 400), Request("x" * 400)])
    assert all(answer.dry and answer.failure for answer in answers)
    assert chat.spending.calls == 2
    assert chat.spending.cost == pytest.approx((2 * 116 * 2.5 + 2 * 512 * 10) / 1e6)


def test_label_probabilities_are_read_from_the_first_token() -> None:
    from math import log

    def say(asked: dict, number: int) -> Say:
        assert asked["max_tokens"] == 1 and asked["logprobs"] is True
        content = asked["messages"][0]["content"]
        if content == "plain":
            return Say("A")
        if content == "neither":
            return Say("I", logprobs={"I": log(0.9), "The": log(0.1)})
        return Say("A", logprobs={" A": log(0.5), "a": log(0.1), "B": log(0.2), "C": log(0.2)})

    with serving(say) as server, Chat("m", base_url=server.url, patience=FAST) as chat:
        assert chat.choose(["usual"], "AB") == [pytest.approx((0.75, 0.25))]
        assert chat.choose(["neither"], "AB") == [None]
        with pytest.raises(Refused, match="log-probabilities"):
            chat.choose(["plain"], "AB")


def test_an_interrupt_keeps_what_has_come_in(tmp_path: Path) -> None:
    import signal
    import threading

    def say(asked: dict, number: int) -> Say:
        if number == 4:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return Say("ok", seconds=0.0 if number < 4 else 30.0)

    cache = AnswerCache(tmp_path / "c.sqlite")
    patient = Patience(timeout=60)
    with serving(say) as server, Chat("m", base_url=server.url, concurrency=2, cache=cache, patience=patient) as chat:
        begun = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            chat.ask([Request(f"p{i}") for i in range(50)])
        assert time.perf_counter() - begun < 20  # the answers that are on their way take 30
    assert 3 <= len(cache) <= 4
    assert len(server.calls) <= 6
