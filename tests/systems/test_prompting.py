"""The experiment on pairwise prompting, first stages of experiments, and files that name systems."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.folders import lines
from tests.openai_server import Say, Server, serving

from heedful.benchmarks import load_benchmark
from heedful.cli.main import main
from heedful.errors import BadInput, BadSystem
from heedful.systems.experiments import Setting, run_experiment
from heedful.systems.prompting import VARIED, versions
from heedful.systems.recipes import read_recipes
from heedful.systems.trials import FirstStage

N, SEEDS = 5, 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seeds under two aspects; what is good under one is bad under the other."""
    folder = tmp_path / "two-sided"
    rows = [{"_id": f"s{i}", "title": f"Seed {i}", "text": "A seed."} for i in range(SEEDS)]
    rows += [{"_id": f"d{i}", "title": f"Paper {i}", "text": f"Its merit is {i * 3 % N} points."} for i in range(N)]
    lines(folder / "corpus.jsonl", rows)
    topics = [(f"s{i}_{aspect}", f"s{i}", aspect) for i in range(SEEDS) for aspect in ("background", "method")]
    lines(folder / "queries.jsonl", [{"_id": t, "seed": s, "aspect": a} for t, s, a in topics])
    judged = [f"{t} 0 d{i} {int((i * 3 % N >= N // 2) == (a == 'method'))}\n" for t, _, a in topics for i in range(N)]
    (folder / "qrels.tsv").write_text("".join(judged))
    settings = {"name": "two-sided", "pool": "judged", "relevant_from": 1, "aspect_pairs": True}
    (folder / "benchmark.json").write_text(json.dumps(settings))
    prices = tmp_path / "prices.toml"
    prices.write_text('[models]\n"m" = { input = 100.0, output = 100.0 }\n')
    monkeypatch.setenv("HEEDFUL_PRICES", str(prices))
    return folder


def heeding(asked: dict, number: int) -> Say:
    """Prefers merit where the method is asked for, and its opposite elsewhere; reasons where it is told to."""
    prompt = asked["messages"][-1]["content"]
    a, b = (int(x) for x in re.findall(r"merit is (\d+) points", prompt))
    answer = "Passage A" if (a > b) == ("method" in prompt) else "Passage B"
    return Say(f"(1) Merit.\nVerdict: {answer}" if "Work in steps" in prompt else answer)


def prp(server: Server, **options: object) -> str:
    merged = {"model": "m", "base_url": server.url, "first": "given", "k": 6, "sort": "allpairs", "cache": "none"}
    return f"prp({', '.join(f'{name}={value}' for name, value in (merged | options).items())})"


def test_prompt_order_and_reasoning_are_varied_method_first(folder: Path, tmp_path: Path) -> None:
    with serving(heeding) as server:
        system = prp(server)
        found = run_experiment("prp", Setting(load_benchmark(folder), [system], out=tmp_path / "rankings"))
        sent = [call["messages"][-1]["content"] for call in server.calls]
    assert len(sent) == len(VARIED) * 2 * SEEDS * N * (N - 1)
    per_version = 2 * SEEDS * N * (N - 1)
    for version in range(len(VARIED)):
        asked = sent[version * per_version : (version + 1) * per_version]
        assert all("method" in prompt for prompt in asked[: per_version // 2])
        assert not any("method" in prompt for prompt in asked[per_version // 2 :])
    assert sum("Work in steps" in prompt for prompt in sent) == per_version
    assert sum(prompt.startswith("Two passages follow") for prompt in sent) == per_version
    tables = {table.name: table.as_dict() for table in found.tables}
    rows = tables["versions"]["rows"]
    assert [row["varied"] for row in rows] == list(VARIED)
    assert tables["versions"]["columns"][2:5] == ["nDCG@20 method", "nDCG@20", "nDCG@20 background"]
    assert all(row["nDCG@20 method"] == row["nDCG@20 background"] == 1.0 for row in rows)
    assert all(row["p-MRR"] > 0 and row["top 10 shared"] == 1.0 for row in rows)
    voters = tables["voters"]["rows"]
    assert all(row["prompts"] == per_version and row["first shown wins"] == 0.5 for row in voters)
    assert all(row["agreement"] == 1.0 and row["intransitive"] == row["malformed"] == 0 for row in voters)
    assert all(row["paid"].startswith("$") for row in voters)
    assert len(found.sentences) == len(VARIED) - 1 and "on method 100.0 to 100.0" in found.sentences[0]
    assert found.facts["chat"][system]["base"]["prompts"] == per_version


def test_a_voter_that_likes_what_comes_first_is_seen_by_the_order(folder: Path, tmp_path: Path) -> None:
    with serving(lambda asked, n: Say("Passage A")) as server:
        found = run_experiment("prp", Setting(load_benchmark(folder), [prp(server)]))
    tables = {table.name: table.as_dict()["rows"] for table in found.tables}
    by_name = {row["varied"]: row for row in tables["versions"]}
    assert by_name["as given"]["nDCG@20 method"] != by_name["order: reversed"]["nDCG@20 method"]
    voters = {row["varied"]: row for row in tables["voters"]}
    assert voters["as given"]["first shown wins"] == 1.0 and voters["as given"]["agreement"] == 0.0
    assert voters["reasoning before the verdict"]["malformed"] == 1.0  # it gave no verdict


def test_versions_keep_the_options_and_are_made_once() -> None:
    made = versions(["prp(model=m, mode=score, first=run(path=x.run), cache='a, b')"])
    assert [version.varied for version in made] == list(VARIED)
    assert made[1].name == ('prp(model=m, mode=generate, first=run(path=x.run), cache="a, b", template=pairwise-last)')
    assert "mode=score" in made[2].name and "start=shuffled" in made[2].name
    assert len(versions(["prp(model=m, start=reversed)"])) == len(VARIED) - 1
    for bad in ([], ["minilm"]):
        with pytest.raises(BadInput, match="prp"):
            versions(bad)


def test_an_experiment_stops_at_its_budget_with_method_done_and_goes_on(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(heeding) as server:
        command = ["experiment", "prp", "--data", str(folder), "--system", prp(server, cache=tmp_path / "c.sqlite")]
        command += ["--out", str(tmp_path / "out"), "--format", "json"]
        assert main([*command, "--dry-run"]) == 0
        counted = json.loads(capsys.readouterr().out)
        every = 2 * SEEDS * N * (N - 1)
        assert counted["total"]["calls_at_most"] == len(VARIED) * every
        assert counted["total"]["calls"] == 3 * every  # all pairs in another order are the same prompts
        assert len(counted["systems"]) == len(VARIED) and not server.calls
        assert main([*command, "--budget", "0.8"]) == 3
        said = capsys.readouterr()
        assert "the budget" in said.err and 0 < len(server.calls) < every
        assert set(json.loads(said.out)["failed"]) and all(
            "method" in call["messages"][-1]["content"] for call in server.calls[: SEEDS * N * (N - 1)]
        )
        assert main(command) == 0
        assert json.loads(capsys.readouterr().out)["failed"] == {}
        assert len(server.calls) == counted["total"]["calls"]
    assert (tmp_path / "out" / "prp.svg").exists() and (tmp_path / "out" / "prp-voters.csv").exists()


def test_a_first_stage_passes_on_its_top_and_is_asked_once_a_topic(folder: Path) -> None:
    benchmark = load_benchmark(folder)
    first = FirstStage("random(seed=3)", 2)
    top = first.candidates(benchmark, benchmark.topics)
    topic = next(iter(benchmark.topics))
    assert len(top(topic)) == 2 and top(topic) is top(topic)
    found = run_experiment("baselines", Setting(benchmark, ["oracle", "random"], first=first))
    rows = {row["system"]: row for table in found.tables for row in table.as_dict()["rows"] if table.name == "measures"}
    assert rows["random"]["R@20"] == rows["oracle"]["R@20"] < 1.0
    with pytest.raises(BadInput, match="--depth"):
        FirstStage("random", 0)


def test_a_file_names_systems_and_their_first_stage(folder: Path, tmp_path: Path, capsys) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'first_stage = "random(seed=1)"\ndepth = 3\n[rows."The best"]\nsystem = "oracle"\n'
        '[rows."Not there"]\nsystem = "prp(model=m, first=given, cache=none)"\n'
    )
    out = tmp_path / "out"
    command = ["experiment", "baselines", "--data", str(folder), "--systems-file", str(path), "--out", str(out)]
    assert main([*command, "--format", "json"]) == 3  # no key for the second; the first is done all the same
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert "OPENAI_API_KEY" in said.err
    rows = {row["row"]: row["state"] for row in report["tables"]["rows"]["rows"]}
    assert rows["The best"] == "done" and rows["Not there"].startswith("failed: no key")
    assert report["manifest"]["systems_file"]["first_stage"] == "random(seed=1)"
    assert json.loads(next((out / "rankings" / "oracle").glob("*/manifest.json")).read_text())["depth"] == 3


def test_the_file_that_ships_names_every_row_of_the_paper() -> None:
    recipes = read_recipes("paper")
    assert list(recipes.rows) == [
        "SciNCL", "SPECTER2", "otAspire", "GritLM-7B", "gpt-3.5-turbo", "gpt-4o", "Mistral-7B", "Llama-3-8B",
        "Llama-3-70B",
    ]  # fmt: skip
    assert recipes.first_stage.startswith("scincl") and recipes.depth == 200


@pytest.mark.parametrize(
    "text",
    ["x = 1", "", "[rows", '[rows.a]\nname = "x"', '[rows.a]\nsystem = "oracle"\n[rows.b]\nsystem = "oracle"'],
)
def test_a_broken_systems_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"--systems-file .*x\.toml"):
        read_recipes(path)
    path.write_text('[rows.a]\nsystem = "nonsense"')
    with pytest.raises(BadSystem):
        read_recipes(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_recipes(tmp_path / "none.toml")


def test_the_documented_rows_are_those_of_the_file_that_ships() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| (\S+) \| `(\w+(?:\(.*\))?)` \|", page, re.MULTILINE))
    assert documented == read_recipes("paper").rows
