"""Measures: their names, both conventions, and trec_eval as the witness."""

from __future__ import annotations

import math
import random

import pytest
import pytrec_eval

from heedful.errors import BadMeasure
from heedful.evaluate.classic import judged, ndcg
from heedful.evaluate.measures import Measure, csfcube_value, parse_measure, score_topics
from heedful.evaluate.ranks import Ranking
from heedful.evaluate.trec import in_order
from heedful.records import Hit, Qrels, Run


@pytest.mark.parametrize("name", ["nDCG", "nDCG@20", "nDCG%20", "P@20", "R@20", "AP", "RR", "RPrec", "RR@10"])
def test_a_measure_prints_as_it_was_written(name: str):
    assert str(parse_measure(name)) == name


def test_equal_measures_are_one_key():
    assert {parse_measure("nDCG@10"): 1}[Measure("nDCG", 10)] == 1


@pytest.mark.parametrize("name", ["nDGC@10", "P", "AP%20", "nDCG@0", "nDCG%101", "RPrec@5", "", "nDCG@-1", "@20"])
def test_a_measure_that_is_none_fails_at_birth(name: str):
    with pytest.raises(BadMeasure):
        parse_measure(name)


def random_case(draw: random.Random) -> tuple[Run, Qrels]:
    run, qrels = {}, {}
    for topic in range(5):
        ids = [f"d{i}" for i in range(40)]
        run[f"t{topic}"] = in_order([Hit(id, float(draw.randint(0, 6))) for id in draw.sample(ids, 30)])
        qrels[f"t{topic}"] = {id: draw.choice([0, 0, 1, 2, 3]) for id in draw.sample(ids, 25)}
    return Run(run), Qrels(qrels)


def test_the_trec_convention_is_trec_eval():
    names = {
        "nDCG": "ndcg",
        "nDCG@10": "ndcg_cut_10",
        "AP": "map",
        "RR": "recip_rank",
        "P@10": "P_10",
        "R@10": "recall_10",
    }
    for seed in range(10):
        run, qrels = random_case(random.Random(seed))
        ours = score_topics(run, qrels, [parse_measure(n) for n in names])
        judge = pytrec_eval.RelevanceEvaluator(
            dict(qrels.topics), {"ndcg", "ndcg_cut.10", "map", "recip_rank", "P.10", "recall.10"}
        )
        theirs = judge.evaluate({t: {h.id: h.score for h in hits} for t, hits in run.topics.items()})
        for name, foreign in names.items():
            for topic in qrels.topics:
                assert ours[parse_measure(name)][topic] == pytest.approx(theirs[topic][foreign], abs=1e-12)


def test_the_share_of_the_list_agrees_with_the_cutoff_that_it_stands_for():
    run, qrels = random_case(random.Random(1))  # 30 documents: 20 % are 6
    for family in ("nDCG", "P", "R"):
        values = score_topics(run, qrels, [Measure(family, percent=20), Measure(family, 6)])
        for topic in qrels.topics:
            assert values[Measure(family, percent=20)][topic] == pytest.approx(values[Measure(family, 6)][topic])


def test_a_topic_that_the_run_lacks_counts_nought():
    qrels = Qrels({"a": {"d": 1}, "b": {"d": 1}})
    for convention in ("trec", "csfcube"):
        values = score_topics(
            Run({"a": [Hit("d", 1.0)]}), qrels, [parse_measure("AP"), parse_measure("nDCG%50")], convention, 1
        )
        assert values[parse_measure("AP")] == {"a": 1.0, "b": 0.0}
    assert score_topics(Run({}), qrels, [parse_measure("AP")])[parse_measure("AP")] == {"a": 0.0, "b": 0.0}


def test_csfcube_by_hand():
    grades = [0, 3, 1, 2, 0]
    ideal = 3 + 2 + 1 / math.log2(3)
    found = 0 + 3 + 1 / math.log2(3) + 2 / math.log2(4)
    assert csfcube_value(parse_measure("nDCG"), grades) == pytest.approx(found / ideal)
    assert csfcube_value(parse_measure("nDCG%40"), grades) == pytest.approx(3 / 5)
    assert csfcube_value(parse_measure("P@2"), grades) == 0.5
    assert csfcube_value(parse_measure("P@20"), grades) == 2 / 20
    assert csfcube_value(parse_measure("R@2"), grades) == 0.5
    assert csfcube_value(parse_measure("AP"), grades) == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert csfcube_value(parse_measure("RR"), grades) == 0.5
    assert csfcube_value(parse_measure("RPrec"), grades) == 0.5


@pytest.mark.parametrize("name", ["nDCG", "nDCG@20", "nDCG%20", "P@20", "R@20", "AP", "RR", "RPrec"])
def test_a_list_without_relevant_documents_is_worth_nought(name: str):
    assert csfcube_value(parse_measure(name), [0, 0]) == 0.0
    assert csfcube_value(parse_measure(name), []) == 0.0


def test_negative_grades_gain_nothing():
    hits = [Hit("a", 2.0), Hit("b", 1.0)]
    assert ndcg(judged(Ranking(hits), {"a": -2, "b": 1}), 2) == pytest.approx(1 / math.log2(3))
