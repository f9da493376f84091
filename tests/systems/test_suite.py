"""Systems on a benchmark: what they are told, what is reported, and what survives a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.benchmarks import load_benchmark
from heedful.errors import BadBenchmark, BadInput, Mismatch
from heedful.evaluate.measures import parse_measure
from heedful.evaluate.trec import write_run
from heedful.records import Hit, Run, ranked
from heedful.systems import suite
from heedful.systems.protocol import ASPECT, Ranking
from heedful.systems.ranking import rank_topics, restricted
from heedful.systems.suite import bench


class Spy:
    """Ranks by id and remembers what it was shown."""

    def __init__(self, given=(), fail_at: int | None = None, answer=None):
        self.given, self.fail_at, self.answer = frozenset(given), fail_at, answer
        self.topics, self.opened = [], []

    def open(self, collection):
        self.opened.append(collection)
        return self

    def rank(self, topic, candidates):
        self.topics.append(topic)
        if len(self.topics) == self.fail_at:
            raise RuntimeError("the model fell over")
        hits = self.answer if self.answer is not None else ranked({id: float(ord(id)) for id in candidates})
        return Ranking(hits, (topic.instruction,))


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    made = Spy()
    monkeypatch.setattr(suite, "parse_system", lambda name: made)
    return made


def test_a_system_never_sees_the_aspects_name_nor_an_id_that_tells_it(aspects: Path, spy: Spy):
    bench(load_benchmark(aspects), ["spy"], variants=["generic"])
    assert len(spy.topics) == 2 + 2 * 4
    assert all(topic.aspect == "" for topic in spy.topics)
    assert all("method" not in topic.id and "background" not in topic.id for topic in spy.topics)
    assert all(not collection.qrels.topics for collection in spy.opened)


def test_a_system_that_declares_the_aspect_is_given_it(aspects: Path):
    made = Spy({ASPECT})
    found = load_benchmark(aspects)
    rank_topics("spy", made, found, found.topics)
    assert {topic.aspect for topic in made.topics} == {"background", "method"}


def test_the_report_has_the_promised_shape(aspects: Path):
    report = bench(load_benchmark(aspects), ["oracle", "random"], measures=[parse_measure("nDCG@20")])
    assert (report["benchmark"], report["convention"]) == ("toy", "csfcube")
    split = report["systems"]["oracle"]["all"]
    assert split["measures"] == {"nDCG@20": {"all": 1.0, "background": 1.0, "method": 1.0}}
    assert {"value", "net", "low", "high", "null", "ceiling", "pairs", "documents"} <= split["p-MRR"].keys()
    assert (split["p-MRR"]["pairs"], split["p-MRR"]["documents"]) == (2, 2)
    assert split["p-MRR"]["value"] == split["p-MRR"]["ceiling"]
    compared = report["comparisons"]["all"]["nDCG@20"]
    assert [(c["a"], c["b"]) for c in compared] == [("oracle", "random")]
    json.dumps(report, allow_nan=False)


def test_og_and_changed_have_a_value_each(paired: Path):
    report = bench(load_benchmark(paired), ["oracle"], measures=[parse_measure("RR")])
    assert report["systems"]["oracle"]["all"]["measures"] == {"RR": {"og": 1.0, "changed": 1.0}}
    assert report["systems"]["oracle"]["all"]["p-MRR"]["pairs"] == 2


def test_identical_inputs_under_different_instructions_are_not_delivered(aspects: Path, spy: Spy):
    report = bench(load_benchmark(aspects), ["spy"], variants=["generic"])
    assert report["delivery"] == {
        "spy": {"pairs": 2, "delivered": 2, "not_delivered": 0},
        "spy[generic]": {"pairs": 2, "delivered": 0, "not_delivered": 2},
    }


def test_a_variant_reports_mean_and_spread_over_its_paraphrases(aspects: Path, spy: Spy):
    report = bench(load_benchmark(aspects), ["spy"], measures=[parse_measure("RR")], variants=["definition"])
    assert set(report["systems"]) == {"spy", "spy[definition]"}
    spread = report["paraphrases"]["spy[definition]"]["all"]["RR"]
    assert len(spread["values"]) == 4 and spread["spread"] == 0
    assert spread["mean"] == report["systems"]["spy"]["all"]["measures"]["RR"]["all"]


def test_finished_topics_survive_a_crash_and_are_not_asked_for_again(aspects: Path, tmp_path: Path, monkeypatch):
    first, second = Spy(fail_at=2), Spy()
    monkeypatch.setattr(suite, "parse_system", lambda name: first)
    found = load_benchmark(aspects)
    with pytest.raises(RuntimeError):
        bench(found, ["spy"], out=tmp_path / "out")
    assert len(first.topics) == 2
    monkeypatch.setattr(suite, "parse_system", lambda name: second)
    resumed = bench(found, ["spy"], out=tmp_path / "out")
    assert len(second.topics) == 1
    assert resumed["systems"] == bench(found, ["spy"])["systems"]
    assert json.loads((tmp_path / "out" / "bench.json").read_text())["systems"] == resumed["systems"]


def test_a_line_that_a_crash_cut_off_is_done_again(aspects: Path, tmp_path: Path, spy: Spy):
    found = load_benchmark(aspects)
    whole = bench(found, ["spy"], out=tmp_path / "out")
    kept = next((tmp_path / "out").glob("*/topics.jsonl"))
    kept.write_bytes(kept.read_bytes()[:-9])
    spy.topics.clear()
    assert bench(found, ["spy"], out=tmp_path / "out") == whole
    assert len(spy.topics) == 1


def test_rankings_of_other_topics_are_not_taken_for_these(aspects: Path, tmp_path: Path, spy: Spy):
    bench(load_benchmark(aspects), ["spy"], out=tmp_path / "out")
    corpus = (aspects / "corpus.jsonl").read_text()
    (aspects / "corpus.jsonl").write_text(corpus.replace("wavelets", "kites"))
    with pytest.raises(Mismatch, match="another corpus"):
        bench(load_benchmark(aspects), ["spy"], out=tmp_path / "out")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ([Hit("a", 1.0), Hit("a", 0.5)], "twice"),
        ([Hit("s", 1.0)], "no candidate"),
        ([Hit("a", float("nan"))], "nan"),
    ],
)
def test_an_answer_that_is_no_ranking_of_the_candidates_is_refused(aspects: Path, answer, what: str):
    found = load_benchmark(aspects)
    with pytest.raises(BadInput, match=what):
        rank_topics("spy", Spy(answer=answer), found, found.topics)


def test_a_first_stage_passes_on_its_top(aspects: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []

    class Second(Spy):
        def rank(self, topic, candidates):
            seen.append(list(candidates))
            return super().rank(topic, candidates)

    monkeypatch.setattr(suite, "parse_system", {"first": Spy(), "second": Second()}.__getitem__)
    bench(load_benchmark(aspects), ["second"], first_stage="first", depth=2)
    assert seen == [["c", "b"], ["c", "b"]]


def test_a_run_is_cut_to_the_candidates_and_must_have_every_topic(aspects: Path, tmp_path: Path):
    found = load_benchmark(aspects)
    run = Run({t: [Hit("s", 9.0), Hit("a", 1.0)] for t in found.topics})
    assert restricted(run, found, "mine").topics["s_method"] == [Hit("a", 1.0)]
    with pytest.raises(BadInput, match=r"lacks 1 of the 2 judged topics \(s_method\)"):
        restricted(Run({"s_background": [Hit("a", 1.0)]}), found, "mine")
    write_run(Run(dict(run.topics), "x"), tmp_path / "a.run")
    by_system = bench(found, [f"run(path={tmp_path / 'a.run'})"])["systems"].popitem()[1]
    assert by_system == bench(found, runs={"mine": run})["systems"]["mine"]


def test_names_that_come_twice_or_not_at_all_are_refused(aspects: Path):
    found = load_benchmark(aspects)
    with pytest.raises(BadInput, match="twice"):
        bench(found, ["random", "random"])
    with pytest.raises(BadInput, match="nothing to measure"):
        bench(found)
    with pytest.raises(BadBenchmark, match="--variant"):
        bench(found, ["random"], variants=["nicely"])
