"""The verb: prices, budgets, errors, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.openai_server import Say, Server, serving
from tests.synthesize.pretended import corpus, rows

from heedful.cli.main import main
from heedful.synthesize import pretend
from heedful.synthesize.parquet import read_triplets

PRICES = '[models]\n"g" = { input = 1, output = 2 }\n"v" = { input = 3, output = 4 }\n'


def say(asked: dict, number: int) -> Say:
    return Say(pretend.answer(asked["response_format"]["json_schema"]["name"], asked["messages"][-1]["content"]))


class Verb:
    """The command, with a corpus, a price table and a server's address."""

    def __init__(self, tmp_path: Path, url: str, count: int = 6):
        self.out = tmp_path / "out"
        self.arguments = [
            *("synthesize", str(corpus(tmp_path / "c.jsonl", count)), "--out", str(self.out)),
            *("--generator", "g", "--validator", "v", "--base-url", url, "--cache", str(tmp_path / "a.sqlite")),
        ]

    def __call__(self, *more: str) -> int:
        return main([*self.arguments, *more])


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    monkeypatch.setenv("HEEDFUL_PRICES", str(path))
    return path


def asked(server: Server) -> int:
    return len(server.calls)


def test_a_run_prints_acceptance_and_cost(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(say) as server:
        assert Verb(tmp_path, server.url)("--licence", "CC0-1.0") == 0
    out = capsys.readouterr().out
    for text in (
        "acceptance",
        "judged positive",
        "cost, kept answers included",
        "poison-query",
        "of 6 passages",
        "a row",
    ):
        assert text in out
    assert {row.provenance.licence for row in read_triplets(tmp_path / "out")} == {"CC0-1.0"}


def test_a_dry_run_prices_without_a_call_or_a_key_and_knows_what_is_kept(
    tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(say) as server:
        verb = Verb(tmp_path, server.url)
        assert verb("--dry-run", "--format", "json") == 0
        estimate = json.loads(capsys.readouterr().out)
        assert asked(server) == 0
        assert not verb.out.exists()
        assert verb("--format", "json") == 0
        report = json.loads(capsys.readouterr().out)
        total = estimate["total"]
        assert report["this_run"]["calls"] <= total["calls_at_most"]
        assert report["this_run"]["cost"] <= total["cost_at_most"]
        assert total["calls"] == pytest.approx(report["this_run"]["calls"], rel=0.3)
        assert estimate["systems"]["judge"]["model"] == "v"
        assert verb("--dry-run", "--format", "json") == 0
        left = json.loads(capsys.readouterr().out)
        assert (left["passages"]["left"], left["total"]["calls"]) == (0, 0)
        elsewhere = [*verb.arguments, "--dry-run", "--format", "json"]
        elsewhere[elsewhere.index("--out") + 1] = str(tmp_path / "elsewhere")
        assert main(elsewhere) == 0  # another set, all of whose answers are kept
        kept = json.loads(capsys.readouterr().out)
        assert (kept["passages"]["left"], kept["total"]["calls"], kept["total"]["cost"]) == (6, 0, 0)


def test_a_budget_is_never_passed_and_more_money_goes_on(
    tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(say) as server:
        verb = Verb(tmp_path, server.url, 8)
        assert verb("--budget", "0.03", "--validator-tokens", "200", "--format", "json") == 3
        printed = capsys.readouterr()
        report = json.loads(printed.out)
        assert "the budget" in printed.err
        assert 0 < report["this_run"]["cost"] <= 0.03
        assert not report["complete"]
        first = asked(server)
        assert verb("--budget", "5", "--validator-tokens", "200", "--format", "json") == 0
        again = json.loads(capsys.readouterr().out)
        assert again["complete"]
        assert asked(server) - first == again["this_run"]["calls"]
        assert len({(call["model"], call["messages"][-1]["content"]) for call in server.calls}) == asked(server)


def test_a_budget_needs_a_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(say) as server:
        assert Verb(tmp_path, server.url)("--budget", "1") == 3
        assert asked(server) == 0
    assert "no price is known for 'g'" in capsys.readouterr().err


def test_another_prompt_needs_another_folder(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(say) as server:
        verb = Verb(tmp_path, server.url, 3)
        assert verb() == 0
        before = rows(verb.out)
        assert verb("--candidates", "7") == 2
        assert "another candidates 5, now 7; give another --out" in capsys.readouterr().err
        assert verb("--views", "all") == 0  # what costs no call may change
        assert len(rows(verb.out)) > len(before)


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--validator", ""], 2, "--validator"),
        (["--views", "some"], 2, "--views"),
        (["--prompts", "nowhere"], 2, "--prompts"),
        (["--index", "nowhere"], 3, "nowhere"),
        (["--exclude", "nowhere"], 3, "nowhere"),
        (["--generator", "rules"], 2, "index"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_asked(
    tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, told: str
) -> None:
    with serving(say) as server:
        assert Verb(tmp_path, server.url)(*more) == code
        assert asked(server) == 0
    assert told in capsys.readouterr().err


def test_text_of_a_test_folder_gets_nowhere_near_the_rows(
    tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "test-set"
    folder.mkdir()
    corpus(folder / "corpus.jsonl", 2)
    with serving(say) as server:
        assert Verb(tmp_path, server.url)("--exclude", str(folder), "--format", "json") == 0
        prompts = " ".join(call["messages"][-1]["content"] for call in server.calls)
    report = json.loads(capsys.readouterr().out)
    assert report["stages"][0]["reasons"] == {"overlaps a test set": 2}
    texts = [json.loads(line)["text"] for line in (folder / "corpus.jsonl").read_text().splitlines()]
    assert not any(text in prompts for text in texts)
    assert {row.positive.id for row in read_triplets(tmp_path / "out")}.isdisjoint({"p000", "p001"})
