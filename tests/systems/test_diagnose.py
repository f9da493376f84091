"""Diagnoses of systems whose behaviour is known: the verdicts are computed, and nothing finished is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.folders import lines
from tests.known import Known, write_collection

from heedful.benchmarks import load_benchmark
from heedful.errors import BadInput, Mismatch
from heedful.systems import diagnose as room
from heedful.systems.diagnose import delivery_lines, diagnose


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "known")


@pytest.fixture
def systems(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Known]:
    known = {how: Known(how, folder) for how in ("heeds", "deaf", "reads", "noise")}
    monkeypatch.setattr(room, "parse_system", known.__getitem__)
    return known


def test_verdicts_are_what_the_systems_are(folder: Path, systems: dict[str, Known]):
    found, _ = diagnose(load_benchmark(folder), list(systems), paraphrases=False)
    assert {system.name: system.kind for system in found.systems} == {
        "heeds": "followed",
        "deaf": "not delivered",
        "reads": "delivered, not followed",
        "noise": "motion, not following",
    }
    words = {system.name: system.verdict for system in found.systems}
    heeds = found.systems[0].results["base"].following
    assert f"net p-MRR +{heeds.net:.1f}" in words["heeds"] and heeds.net > 20
    assert "all 16 pairs" in words["deaf"] and "not delivered the aspect" in words["deaf"]
    assert "did not follow" in words["reads"]


def test_a_name_decides_nothing(folder: Path, systems: dict[str, Known], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "parse_system", lambda name: systems["deaf"])
    found, _ = diagnose(load_benchmark(folder), ["heedful", "random"], paraphrases=False)
    assert {system.kind for system in found.systems} == {"not delivered"}


def test_a_follower_turns_round_when_told_the_wrong_aspect(folder: Path, systems: dict[str, Known]):
    found, _ = diagnose(load_benchmark(folder), ["heeds"], paraphrases=False)
    results = found.systems[0].results
    assert results["base"].relevance["all"].value == 1
    assert results["wrong"].relevance["all"].value < 0.95
    assert results["wrong"].following.value < 0 < results["base"].following.value
    assert results["irrelevant"].following.value == 0
    assert results["generic"].pairs is None  # both topics of a pair are told the same
    assert results["base"].pairs.delivered == results["base"].pairs.of == 16
    assert any("turns negative" in sentence for sentence in found.systems[0].findings)


def test_paraphrases_are_counted_and_compared(folder: Path, systems: dict[str, Known]):
    found, _ = diagnose(load_benchmark(folder), ["heeds"])
    spread = {spread.variant: spread for spread in found.systems[0].spreads}
    assert spread["base"].wordings == 4 and spread["base"].rbo == 1
    bare, _ = diagnose(load_benchmark(folder), ["heeds"], paraphrases=False)
    assert not bare.systems[0].spreads and "base (2)" not in bare.systems[0].results


def test_documents_that_moved_the_wrong_way_come_with_their_texts(folder: Path, systems: dict[str, Known]):
    found, _ = diagnose(load_benchmark(folder), ["noise", "heeds"], paraphrases=False)
    noise, heeds = found.systems
    assert noise.wrong_way and not heeds.wrong_way
    for one in noise.wrong_way:
        assert one.changed_rank < one.og_rank and one.value < 0
        assert one.title.endswith(one.id) and one.text
    assert [one.value for one in noise.wrong_way] == sorted(one.value for one in noise.wrong_way)


def test_a_crash_loses_neither_finished_topics_nor_other_systems(
    folder: Path, systems: dict[str, Known], tmp_path: Path
):
    systems["reads"].fails = 21  # in the second of the probes
    out = tmp_path / "out"
    found, trials = diagnose(load_benchmark(folder), ["reads", "heeds"], out=out, paraphrases=False)
    failed, fine = found.systems
    assert failed.kind == "failed" and "fell over" in failed.error and not failed.results
    assert fine.kind == "followed"
    assert isinstance(trials[0].error, RuntimeError)
    again, _ = diagnose(load_benchmark(folder), ["reads", "heeds"], out=out, paraphrases=False)
    probes = len(again.systems[0].results)
    assert again.systems[0].kind == "delivered, not followed"
    assert systems["reads"].calls == probes * 16 + 1  # the one that failed is all that was done twice
    assert systems["heeds"].calls == probes * 16


def test_other_data_is_not_mixed_with_what_was_finished(folder: Path, systems: dict[str, Known], tmp_path: Path):
    diagnose(load_benchmark(folder), ["heeds"], out=tmp_path / "out", paraphrases=False)
    with (folder / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "d99", "title": "new", "text": "new"}) + "\n")
    with pytest.raises(Mismatch, match="another corpus"):
        diagnose(load_benchmark(folder), ["heeds"], out=tmp_path / "out", paraphrases=False)


def test_the_delivery_record_has_every_topic_under_every_probe(folder: Path, systems: dict[str, Known]):
    found, trials = diagnose(load_benchmark(folder), ["heeds", "noise"], paraphrases=False)
    rows = delivery_lines(trials)
    assert len(rows) == 2 * 16 * len(found.systems[0].results)
    heeds = next(r for r in rows if (r["system"], r["probe"], r["topic"]) == ("heeds", "base", "s0_method"))
    assert heeds["instruction"] in heeds["inputs"][0]
    assert all(row["inputs"] is None for row in rows if row["system"] == "noise")


def test_instructions_that_come_in_pairs_are_diagnosed(paired: Path, systems: dict[str, Known]):
    found, _ = diagnose(load_benchmark(paired), ["deaf", "reads"])
    assert [system.kind for system in found.systems] == ["not delivered", "delivered, not followed"]
    assert set(found.systems[0].results) == {"empty", "base", "wrong", "irrelevant"}
    assert found.groups == ("og", "changed") and found.word == "instruction"


def test_without_aspects_or_pairs_following_is_not_judged(tmp_path: Path, systems: dict[str, Known]):
    lines(tmp_path / "corpus.jsonl", [{"_id": id, "text": f"text {id}"} for id in "abcd"])
    lines(
        tmp_path / "queries.jsonl",
        [{"_id": "q", "text": "question", "instruction": "Be brief."}, {"_id": "r", "text": "other"}],
    )
    (tmp_path / "qrels.tsv").write_text("q 0 a 1\nr 0 b 1\n")
    found, _ = diagnose(load_benchmark(tmp_path), ["reads", "deaf"])
    assert [system.kind for system in found.systems] == ["not judged", "not delivered"]
    assert found.systems[0].results["base"].following is None and found.pairs == 0


def test_what_was_used_stands_in_the_manifest(folder: Path, systems: dict[str, Known]):
    found, _ = diagnose(load_benchmark(folder), ["heeds"], paraphrases=False)
    assert found.facts["probes"]["base"]["template_hash"] != found.facts["probes"]["generic"]["template_hash"]
    assert {"corpus", "topics", "judgments"} <= found.facts["data"].keys()
    assert found.facts["cost"]["heeds"]["base"]["topics"] == 16
    assert found.facts["cost"]["heeds"]["base"]["characters"] > 0


@pytest.mark.parametrize("names", [[], ["heeds", "heeds"]])
def test_no_system_or_one_twice_is_bad_input(folder: Path, systems: dict[str, Known], names: list[str]):
    with pytest.raises(BadInput, match="system"):
        diagnose(load_benchmark(folder), names)


def test_an_unknown_split_is_bad_input(folder: Path, systems: dict[str, Known]):
    with pytest.raises(BadInput, match="--split"):
        diagnose(load_benchmark(folder), ["heeds"], split="clean")


def test_rankings_of_other_code_are_refused(folder: Path, systems: dict[str, Known], tmp_path: Path, monkeypatch):
    diagnose(load_benchmark(folder), ["heeds"], out=tmp_path / "out", paraphrases=False)
    monkeypatch.setattr("heedful.systems.trials.ranking_code", lambda: "newer")
    with pytest.raises(Mismatch, match="another code"):
        diagnose(load_benchmark(folder), ["heeds"], out=tmp_path / "out", paraphrases=False)
