"""Chat models as systems: registered, killed and resumed, capped, against a scripted server."""

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
from tests.openai_server import Say, Server, serving

from heedful.chat import AnswerCache
from heedful.errors import BadInput, BadSystem, BudgetSpent, HeedfulError
from heedful.records import Document, Topic
from heedful.systems import Collection, parse_system

N = 20
DOCUMENTS = {f"d{i:02}": Document(f"d{i:02}", f"Paper {i}", f"Its merit is {i * 7 % N} points.") for i in range(N)}
BEST = sorted(DOCUMENTS, key=lambda id: -(int(id[1:]) * 7 % N))


def right(asked: dict, number: int, seconds: float = 0.0) -> Say:
    a, b = (int(x) for x in re.findall(r"merit is (\d+) points", asked["messages"][-1]["content"]))
    return Say("Passage A" if a > b else "Passage B", seconds=seconds)


def system(server: Server, **options: object) -> str:
    merged = {"model": "m", "base_url": server.url, "first": "given", "k": 5} | options
    return f"prp({', '.join(f'{name}={value}' for name, value in merged.items())})"


def rank(name: str) -> list[str]:
    ranker = parse_system(name).open(Collection(DOCUMENTS))
    return [hit.id for hit in ranker.rank(Topic("t", text="merit"), list(DOCUMENTS)).hits]


@pytest.mark.parametrize("sort", ["active", "heapsort"])
def test_prp_ranks_through_a_server(sort: str) -> None:
    with serving(right) as server:
        assert rank(system(server, sort=sort, **({"prompts": 300} if sort == "active" else {})))[:5] == BEST[:5]
        assert server.calls


@pytest.mark.parametrize(
    "name",
    [
        "prp(model=m, template=nonsense)",
        "prp(model=m, sort=bogo)",
        "prp(model=m, depth=0)",
        "prp(sort=active)",
        "listwise(model=m, step=30)",
        "setwise(model=m, children=99)",
        "prp(model=m, template=pointwise)",
    ],
)
def test_options_that_are_off_are_refused_at_birth(name: str) -> None:
    with pytest.raises((BadSystem, BadInput)):
        parse_system(name)


def test_the_first_stage_decides_what_is_declared_as_given() -> None:
    assert parse_system("prp(model=m, first=bm25)").given == frozenset()
    assert parse_system("prp(model=m, first=run(path=x.run))").given == {"id"}


def test_a_ranking_that_was_killed_goes_on_without_paying_twice(tmp_path: Path) -> None:
    cache = tmp_path / "answers.sqlite"
    script = (
        "import json, sys\nfrom tests.systems.test_chat_systems import rank\nprint(json.dumps(rank(sys.argv[1])))\n"
    )
    root = Path(__file__).parents[2]

    def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, name]
        return subprocess.Popen(
            command, cwd=root, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}
        )

    with serving(lambda asked, n: right(asked, n, 0.02)) as server:
        name = system(server, cache=cache, concurrency=4)
        whole = rank(system(server, cache="none", concurrency=4))
        needed = len(server.calls)
        server.calls.clear()
        first = start(name)
        while len(server.calls) < needed // 2:
            assert first.poll() is None
            time.sleep(0.005)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(0.1)
        kept, sent = len(AnswerCache(cache)), len(server.calls)
        assert sent - 4 <= kept <= sent  # no more is lost than was in flight
        paid = [json.dumps(call["messages"]) for call in server.calls[: sent - 4]]
        server.calls.clear()
        second = start(name)
        ranking = json.loads(second.communicate(timeout=60)[0])
        assert ranking == whole
        assert len(server.calls) == needed - kept
        assert len(paid) > 3
        server.calls.clear()
        assert rank(name) == whole
        assert server.calls == []


def test_half_the_money_gives_a_partial_ranking_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[models]\n"m" = { input = 100.0, output = 100.0 }\n')
    monkeypatch.setenv("HEEDFUL_PRICES", str(prices))
    with serving(right) as server:
        with pytest.raises(BudgetSpent, match="partial") as stop:
            rank(system(server, budget=0.3, cache="none", sort="heapsort"))
        assert 0 < len(server.calls) < 40
        assert sorted(hit.id for hit in stop.value.partial) == sorted(DOCUMENTS)  # type: ignore[attr-defined]


def test_a_storm_of_every_trouble_ends_with_the_right_ranking() -> None:
    troubles = [
        Say(status=429, headers={"Retry-After": "0.01"}, body="{}"),
        Say(status=500, body="x"),
        Say(drop=True),
        Say(truncate=True),
        Say("I'm sorry, I cannot help with that."),
        Say(""),
    ]

    def stormy(asked: dict, number: int) -> Say:
        return troubles[(number // 7) % len(troubles)] if number % 7 == 3 else right(asked, number)

    with serving(stormy) as server:
        ranker = parse_system(system(server, cache="none", prompts=300)).open(Collection(DOCUMENTS))
        hits = ranker.rank(Topic("t", text="merit"), list(DOCUMENTS)).hits
        tally = ranker.tallies["t"]  # type: ignore[attr-defined]
    assert [hit.id for hit in hits[:3]] == BEST[:3]
    assert tally.malformed > 0
    assert tally.failed == 0


def test_an_unknown_model_is_one_clear_error() -> None:
    with serving(lambda asked, n: Say(status=404, body={"error": {"message": "nope"}})) as server:
        with pytest.raises(HeedfulError, match="no such model") as error:
            rank(system(server, cache="none"))
        assert error.value.exit_code == 3


def test_an_exploration_is_reranked_by_a_chat_model(tmp_path: Path) -> None:
    from heedful.encode import HashEncoder
    from heedful.explore import Explorer
    from heedful.index import Index, build_index
    from heedful.systems import open_reranker

    build_index(DOCUMENTS.values(), tmp_path / "index", HashEncoder())
    index = Index.open(tmp_path / "index")
    with serving(right) as server:
        reranker = open_reranker(system(server, cache="none", prompts=300), index)
        found = Explorer(index, HashEncoder()).explore(query="merit", k=5, rerank=reranker)
        assert server.calls and [hit.id for hit in found.hits] == BEST[:5]
