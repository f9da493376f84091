"""CSFCube end to end: the official figures of the runs that ship with it, and what p-MRR must be there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.benchmarks import Benchmark, load_benchmark
from heedful.evaluate.trec import read_run
from heedful.systems.bench import SystemValues, evaluate_run
from heedful.systems.ranking import rank_topics, restricted
from heedful.systems.registry import parse_system

PRINTED = {
    "R-Precision": "RPrec",
    "Precision@20": "P@20",
    "Recall@20": "R@20",
    "NDCG": "nDCG",
    "NDCG@20": "nDCG@20",
    "NDCG%20": "nDCG%20",
}
UNROUNDED = {"mean_av_precision": "AP", "mean_reciprocal_rank": "RR"}


@pytest.fixture(scope="module")
def csfcube(shared_data: Path) -> Benchmark:
    return load_benchmark(shared_data / "csfcube")


@pytest.fixture(scope="module")
def specter(csfcube: Benchmark) -> SystemValues:
    run = read_run(csfcube.folder / "runs")
    return evaluate_run(csfcube, restricted(run, csfcube, "specter"))


def values_of(benchmark: Benchmark, name: str) -> SystemValues:
    return evaluate_run(benchmark, rank_topics(name, parse_system(name), benchmark, benchmark.topics).run)


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("aspect", ["background", "method", "result", "all"])
def test_the_shipped_runs_have_the_official_figures(csfcube: Benchmark, specter: SystemValues, aspect: str, split: str):
    official = json.loads((csfcube.folder / "official-specter-figures.json").read_text())["figures"][aspect][split]
    ours = {str(m): groups[aspect] for m, groups in specter.splits[split].groups.items()}
    assert {name: round(ours[PRINTED[name]], 4) for name in PRINTED} == official["printed"]
    for theirs, name in UNROUNDED.items():
        assert ours[name] == pytest.approx(official["unrounded"][theirs], abs=1e-12)


def test_a_system_that_cannot_see_the_aspect_follows_nothing(specter: SystemValues):
    for split in ("dev", "test", "clean"):
        assert specter.splits[split].following.value == 0.0
        assert specter.splits[split].from_1.value == 0.0


def test_pairs_documents_and_ceilings_are_those_of_the_collection(csfcube: Benchmark):
    values = values_of(csfcube, "oracle").splits["test"]
    assert (values.following.topics, values.following.documents) == (30, 212)
    assert (values.from_1.topics, values.from_1.documents) == (32, 507)
    assert round(values.following.ceiling, 1) == 83.0
    assert round(values.from_1.ceiling, 1) == 72.6
    assert values.following.value == pytest.approx(values.following.ceiling)
    assert {m: g["all"] for m, g in values.groups.items() if m.family == "nDCG"}.values() == {1.0} or all(
        g["all"] == pytest.approx(1) for m, g in values.groups.items() if m.family == "nDCG"
    )


def test_clean_and_dev_share_no_topic_and_no_pair(csfcube: Benchmark):
    dev, _, clean = csfcube.splits
    assert len(dev.topics) == 24 and len(clean.topics) == 26
    assert not set(dev.topics) & set(clean.topics)
    assert not set(dev.pairs) & set(clean.pairs)


def test_noise_in_place_of_a_ranking_is_not_following(csfcube: Benchmark):
    from heedful.records import Run
    from heedful.systems.bench import following_of

    specter = restricted(read_run(csfcube.folder / "runs"), csfcube, "specter").topics
    nets, values = [], []
    for seed in range(10):
        noise = rank_topics("random", parse_system(f"random(seed={seed})"), csfcube, csfcube.topics).run.topics
        changed = {f"{pair.id}-b": noise[pair.changed] for pair in csfcube.pairs}
        from dataclasses import replace

        pairs = tuple(replace(pair, changed=f"{pair.id}-b") for pair in csfcube.pairs)
        qrels = {f"{pair.id}-b": csfcube.qrels.topics[pair.changed] for pair in csfcube.pairs}
        topics = {**csfcube.topics, **{f"{pair.id}-b": csfcube.topics[pair.changed] for pair in csfcube.pairs}}
        mixed = replace(
            csfcube, pairs=pairs, topics=topics, qrels=replace(csfcube.qrels, topics={**csfcube.qrels.topics, **qrels})
        )
        found = following_of(mixed, Run({**specter, **changed}), csfcube.splits[1], 2)
        nets.append(found.net)
        values.append(found.value)
    assert 25 < sum(values) / 10 < 40
    assert abs(sum(nets) / 10) < 3
