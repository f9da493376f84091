"""The classic measures, with ir-measures (and trec_eval below it) as the witness."""

from __future__ import annotations

import math
import random

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heedful.errors import BadInput
from heedful.evaluate.classic import average_precision, judged, ndcg, precision, r_precision, recall, reciprocal_rank
from heedful.evaluate.measures import parse_measure, score_topics
from heedful.evaluate.ranks import Ranking
from heedful.records import Hit, Qrels, Run

NAMES = ("nDCG", "nDCG@5", "nDCG@100", "AP", "AP@7", "RR", "P@1", "P@10", "P@100", "R@3", "R@100", "RPrec")
THEIRS = {name: ir_measures.parse_measure(name.replace("RPrec", "Rprec")) for name in NAMES}


def cases(draw: random.Random) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """Runs and judgments: ties, scores that differ below single precision, unjudged, unranked, none.

    No negative grades: pytrec_eval crashes on them.
    """
    run: dict[str, dict[str, float]] = {}
    qrels: dict[str, dict[str, int]] = {}
    for topic in range(draw.randint(1, 5)):
        ids = [f"d{draw.choice(['', 'é', 'ß'])}{i}" for i in range(draw.randint(1, 40))]
        kind = draw.choice(["ties", "near", "apart"])
        made = {
            "ties": lambda: float(draw.randint(0, 4)),
            "near": lambda: 1 + draw.randint(0, 4) * 1e-9,
            "apart": lambda: draw.gauss(0, 1e3),
        }[kind]
        if draw.random() < 0.9:
            run[f"t{topic}"] = {id: made() for id in draw.sample(ids, draw.randint(1, len(ids)))}
        grades = draw.choice([[0], [0, 1], [0, 0, 1, 2, 3], [3]])
        qrels[f"t{topic}"] = {id: draw.choice(grades) for id in draw.sample(ids, draw.randint(1, len(ids)))}
    return run, qrels


def test_every_measure_is_that_of_trec_eval():
    draw = random.Random(1)
    compared = positive = 0
    for _ in range(600):
        run, qrels = cases(draw)
        hits = Run({t: [Hit(*pair) for pair in draw.sample(list(r.items()), len(r))] for t, r in run.items()})
        ours = score_topics(hits, Qrels(qrels), [parse_measure(name) for name in NAMES])
        for metric in ir_measures.iter_calc(list(THEIRS.values()), qrels, run):
            name = next(name for name, theirs in THEIRS.items() if theirs == metric.measure)
            found = ours[parse_measure(name)][metric.query_id]
            assert found == pytest.approx(metric.value, abs=1e-12), (name, run, qrels)
            compared += 1
            positive += metric.value > 0
    assert compared > 10_000 and positive > 3_000


def test_what_counts_as_relevant_is_that_of_trec_eval_too():
    draw = random.Random(2)
    for _ in range(100):
        run, qrels = cases(draw)
        hits = Run({t: [Hit(*pair) for pair in r.items()] for t, r in run.items()})
        ours = score_topics(hits, Qrels(qrels), [parse_measure("AP"), parse_measure("P@5")], relevant_from=2)
        asked = {"AP": ir_measures.AP(rel=2), "P@5": ir_measures.P(rel=2) @ 5}
        for metric in ir_measures.iter_calc(list(asked.values()), qrels, run):
            name = next(name for name, theirs in asked.items() if theirs == metric.measure)
            assert ours[parse_measure(name)][metric.query_id] == pytest.approx(metric.value, abs=1e-12)


def test_the_reciprocal_rank_may_be_cut():
    hits = [Hit("a", 3.0), Hit("b", 2.0), Hit("c", 1.0)]
    assert reciprocal_rank(judged(Ranking(hits), {"b": 1}), 1) == 0
    assert reciprocal_rank(judged(Ranking(hits), {"b": 1}), 2) == 0.5


@given(
    st.dictionaries(st.sampled_from([f"d{i}" for i in range(12)]), st.integers(-1000, 1000), min_size=1),
    st.dictionaries(st.sampled_from([f"d{i}" for i in range(12)]), st.integers(0, 3)),
)
def test_measures_stay_in_bounds_and_a_monotone_change_of_scores_changes_none(scores, grades):
    def values(of):
        topic = judged(Ranking({id: float(of(score)) for id, score in scores.items()}), grades)
        return [
            ndcg(topic),
            ndcg(topic, 3),
            average_precision(topic),
            reciprocal_rank(topic),
            precision(topic, 3),
            recall(topic, 3),
            r_precision(topic),
        ]

    plain = values(lambda score: score)
    assert all(0 <= value <= 1 + 1e-12 for value in plain)
    assert plain == values(lambda score: 7 * score + 3) == values(lambda score: math.atan(score / 1000))


def test_the_ideal_order_is_worth_one():
    grades = {f"d{i}": i % 4 for i in range(20)}
    topic = judged(Ranking({id: float(grade) for id, grade in grades.items()}), grades)
    assert ndcg(topic) == pytest.approx(1) and average_precision(topic) == 1 and r_precision(topic) == 1


@pytest.mark.parametrize(
    ("hits", "what"),
    [
        ([Hit("a", 2.0), Hit("a", 1.0)], "'t' ranks a document twice"),
        ([Hit("a", 2.0), Hit("b", float("nan"))], "'t' has a score that is NaN"),
    ],
)
def test_what_is_no_ranking_is_refused(hits, what: str):
    with pytest.raises(BadInput, match=what):
        score_topics(Run({"t": hits}), Qrels({"t": {"a": 1}}), [parse_measure("AP")])
