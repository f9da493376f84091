"""What sorts ask at most, whoever votes, and the voter that a dry run supposes."""

from __future__ import annotations

import numpy as np
import pytest

from heedful.chat import Answer, Request, ScriptedChat
from heedful.records import Document, Hit, Topic
from heedful.rerank.llm import Listwise, LLMReranker, Pairwise, Pointwise, Ranking, Setwise, load_template
from heedful.rerank.sorting import SORTERS, Active, most_prompts, run_sort, supposed


@pytest.mark.parametrize("sort", SORTERS)
def test_no_voter_makes_a_sort_ask_more_than_its_bound(sort: str) -> None:
    reached = 0.0
    for n, k in ((1, 1), (2, 1), (3, 3), (8, 3), (13, 20), (25, 6)):
        for seed in range(4):
            draw = np.random.default_rng(seed)
            voters = (
                lambda pairs: [float(a > b) for a, b in pairs],  # the first stage is upside down
                lambda pairs: [float(a < b) for a, b in pairs],
                lambda pairs, draw=draw: draw.choice([0.0, 0.5, 1.0], len(pairs)).tolist(),
            )
            for voter in voters:
                asked = run_sort(SORTERS[sort](n, k), voter).prompts
                most = most_prompts(SORTERS[sort], n, k)
                assert asked <= most
                reached = max(reached, asked / most if most else 0.0)
    assert reached > 0.6  # a bound worth having
    assert most_prompts(Active(prompts=7), 50, 5) == 7


def ways() -> dict[str, Ranking]:
    return {
        "setwise": Setwise(load_template("setwise", "setwise")),
        "setwise of two": Setwise(load_template("setwise", "setwise"), children=2),
        "listwise": Listwise(load_template("listwise", "listwise"), window=6, step=4, passes=2),
        "pointwise": Pointwise(load_template("pointwise", "pointwise")),
        "pairwise": Pairwise(load_template("pairwise", "pairwise"), SORTERS["heapsort"]),
    }


@pytest.mark.parametrize("way", ways())
@pytest.mark.parametrize("n", [1, 2, 6, 7, 23])
def test_no_ranking_asks_more_or_longer_prompts_than_it_says(way: str, n: int) -> None:
    documents = {f"d{i}": Document(f"d{i}", f"Paper {i}", "word " * (i * 7 % n)) for i in range(n)}
    hits = [Hit(id, float(n - i)) for i, id in enumerate(documents)]
    draw = np.random.default_rng(n)
    chat = ScriptedChat(lambda request: str(draw.choice(["A", "B", "C", "yes", "[2] > [1]"])))
    reranker = LLMReranker(chat, ways()[way], documents, k=5)
    reranker.rerank(Topic("t", text="need"), hits)
    prompts, longest = reranker.bound
    assert chat.calls <= prompts
    if chat.calls:
        assert longest is not None
        assert max(len(request.prompt.encode()) for request in chat.requests) <= len(longest.prompt.encode())
    if way == "listwise" and n > 1:
        assert chat.calls == prompts


def test_the_supposed_voter_never_errs_and_leans_on_the_first_stage() -> None:
    n, trust = 100, []
    for question in ("one", "two", "three"):
        voter = supposed(n, question)
        assert voter is supposed(n, question)
        best = np.argsort(-voter.strength)
        assert all(voter.vote((int(best[i]), int(best[j]))) == 1.0 for i in range(n) for j in range(i + 1, n))
        trust.append(np.corrcoef(voter.strength, -np.arange(n))[0, 1])
    assert 0.2 < np.mean(trust) < 0.6


@pytest.mark.parametrize("sort", ["active", "heapsort", "quickselect"])
def test_no_voter_asks_for_many_more_prompts_than_the_supposed_one(sort: str) -> None:
    n, k = 60, 10
    expected = run_sort(SORTERS[sort](n, k), lambda pairs: [supposed(n, "q").vote(pair) for pair in pairs]).prompts
    for error in (0.0, 0.1, 0.3):
        asked = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            strength, wrong = 0.4 * -np.arange(n) / n + 0.3 * rng.random(n), rng.random((n, n)) < error
            votes = (strength[:, None] > strength[None, :]) ^ wrong
            asked.append(run_sort(SORTERS[sort](n, k), lambda pairs, v=votes: [float(v[p]) for p in pairs]).prompts)
        assert np.mean(asked) <= 1.15 * expected


@pytest.mark.parametrize("way", ways())
def test_a_dry_run_leaves_every_order_as_it_was(way: str) -> None:
    documents = {f"d{i}": Document(f"d{i}", f"Paper {i}", "text") for i in range(12)}
    hits = [Hit(id, float(12 - i)) for i, id in enumerate(documents)]
    dry = ScriptedChat(lambda request: Answer(failure="dry run", dry=True))
    reranker = LLMReranker(dry, ways()[way], documents, k=4)
    assert [hit.id for hit in reranker.rerank(Topic("t", text="need"), hits)] == list(documents)
    assert reranker.tally.dry == reranker.tally.prompts > 0 == reranker.tally.failed
    assert reranker.tally.consistency is None


def test_a_setwise_dry_run_counts_as_many_prompts_as_a_run() -> None:
    documents = {f"d{i:02}": Document(f"d{i:02}", "", f"{i * 7 % 40}") for i in range(40)}
    hits = [Hit(id, float(40 - i)) for i, id in enumerate(documents)]

    def best(request: Request) -> str:
        shown = [int(line) for line in request.prompt.splitlines() if line.isdigit()]
        return "ABCD"[shown.index(max(shown))]

    counted = []
    for chat in (ScriptedChat(best), ScriptedChat(lambda request: Answer(failure="dry run", dry=True))):
        LLMReranker(chat, ways()["setwise"], documents, k=10).rerank(Topic("t", text="need"), hits)
        counted.append(chat.calls)
    assert counted[1] == pytest.approx(counted[0], rel=0.3)
