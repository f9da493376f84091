"""Finished topics as a benchmark of their own, and purses that several clients share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.openai_server import Say, serving

from heedful.benchmarks import load_benchmark
from heedful.benchmarks.benchmark import fold_splits
from heedful.chat import Chat, Parameters, Price, Purse, Request
from heedful.errors import BudgetSpent, Missing
from heedful.evaluate.measures import parse_measure
from heedful.systems import parse_system
from heedful.systems.bench import evaluate_run
from heedful.systems.partial import narrowed
from heedful.systems.ranking import rank_topics


def test_a_narrowed_benchmark_has_the_finished_topics_and_the_pairs_wholly_among_them(aspects: Path) -> None:
    benchmark = load_benchmark(aspects)
    whole = narrowed(benchmark, benchmark.topics)
    assert (whole.splits, whole.pairs, whole.topics) == (benchmark.splits, benchmark.pairs, benchmark.topics)
    part = narrowed(benchmark, ["s_method"])
    assert list(part.topics) == ["s_method"] and part.pairs == ()
    assert part.splits[0].groups == {"all": (("s_method",),), "method": (("s_method",),)}
    assert narrowed(benchmark, []).splits == ()
    made = rank_topics("oracle", parse_system("oracle"), part, part.topics)
    values = evaluate_run(part, made.run, [parse_measure("RR")]).splits["all"]
    assert values.following is None and set(values.groups[parse_measure("RR")]) == {"all", "method"}


def test_folds_and_splits_that_lose_all_topics_are_left_out(aspects: Path) -> None:
    benchmark = load_benchmark(aspects)
    folds = {"all": {"fold1_dev": ("s_method",), "fold1_test": ("s_background",), "fold2_test": ("s_method",)}}
    benchmark = replace(benchmark, splits=fold_splits(folds, benchmark.pairs))
    part = narrowed(benchmark, ["s_method"])
    assert {split.name: split.groups["all"] for split in part.splits} == {
        "dev": (("s_method",),),
        "test": (("s_method",),),
    }


def test_one_finished_side_is_measured_alone(paired: Path) -> None:
    benchmark = load_benchmark(paired)
    part = narrowed(benchmark, ["q1-og"])
    made = rank_topics("oracle", parse_system("oracle"), part, part.topics)
    assert evaluate_run(part, made.run, [parse_measure("RR")]).splits["all"].groups == {
        parse_measure("RR"): {"og": 1.0}
    }


def test_clients_in_one_purse_share_its_budget_and_a_purse_within_is_capped_by_both() -> None:
    prices = {"m": Price(1000.0, 0.0)}
    short = Parameters(max_tokens=1)

    def ask(url: str, number: int) -> None:
        with Chat("m", base_url=url, prices=prices, parameters=short, concurrency=1) as chat:
            chat.ask([Request(f"word {number} {i}") for i in range(10)])

    with serving(lambda asked, n: Say("ok")) as server:
        with Purse(0.1) as purse:
            ask(server.url, 1)
            spent = purse.cost
            assert spent == pytest.approx(10 * 3 * 1000 / 1e6)
            ask(server.url, 2)
            with pytest.raises(BudgetSpent, match="spent"):
                ask(server.url, 3)
            assert 2 * spent <= purse.cost <= 0.1
            assert purse.calls == len(server.calls) == sum(spending.calls for _, spending in purse.spendings)
        server.calls.clear()
        with Purse(0.1) as outer:
            with Purse(5.0) as inner, pytest.raises(BudgetSpent):
                for number in range(9):
                    ask(server.url, 10 + number)
            assert inner.cost == outer.cost <= 0.1
            with Purse(5.0), pytest.raises(Missing, match="no price"):
                Chat("free", base_url=server.url, prices=prices)
        ask(server.url, 99)  # outside there is no cap


def test_a_dry_purse_sends_nothing_and_counts_an_equal_request_once_where_answers_are_kept(tmp_path: Path) -> None:
    with serving(lambda asked, n: Say("ok")) as server:
        for cache, calls in ((tmp_path / "c.sqlite", 2), (None, 4)):
            with Purse(dry=True) as purse:
                for _ in range(2):
                    chat = Chat("m", base_url=server.url, prices={"m": Price(1.0, 1.0)}, cache=cache)
                    assert all(answer.dry for answer in chat.ask([Request("a"), Request("b"), Request("a")]))
            assert purse.calls == calls
        assert server.calls == []
