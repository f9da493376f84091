"""p-MRR against a plain copy of the reference's arithmetic, its null, and what must hold for any input."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heedful.errors import BadInput, BadRank
from heedful.evaluate.following import PMRR, NothingChanged, Null, p_mrr, rank_shift, rank_shifts
from heedful.evaluate.ranks import read_rankings
from heedful.records import Hit, Qrels, Run

ranks = st.integers(1, 10_000)


def reference(og, changed, documents):
    """The reference's arithmetic, written out: ranks by (score, id) descending, one past the end if missing."""

    def rank(scores, id):
        order = [d for d, _ in sorted(scores.items(), key=lambda x: (x[1], x[0]), reverse=True)]
        return order.index(id) + 1 if id in scores else len(scores) + 1

    topics = []
    for topic, ids in documents.items():
        values = []
        for id in ids:
            o, n = rank(og[topic], id), rank(changed[topic], id)
            values.append(n / o - 1 if o >= n else 1 - o / n)
        if values:
            topics.append(sum(values) / len(values))
    return sum(topics) / len(topics)


def test_it_equals_the_reference_on_random_runs_with_ties_and_missing_documents():
    draw = random.Random(7)
    compared = 0
    for _ in range(400):
        og, changed, documents = {}, {}, {}
        for topic in range(draw.randint(1, 6)):
            ids = [f"d{i}" for i in range(draw.randint(2, 25))]
            og[f"t{topic}"] = {id: float(draw.randint(0, 5)) for id in draw.sample(ids, draw.randint(1, len(ids)))}
            changed[f"t{topic}"] = {id: float(draw.randint(0, 5)) for id in draw.sample(ids, draw.randint(1, len(ids)))}
            documents[f"t{topic}"] = draw.sample(ids, draw.randint(0, min(6, len(ids))))
        if not any(documents.values()):
            continue
        found = p_mrr(og, changed, documents=documents, draws=10, samples=10)
        assert found.value / 100 == pytest.approx(reference(og, changed, documents), abs=1e-12)
        assert found.topics == sum(bool(ids) for ids in documents.values())
        compared += 1
    assert compared > 300


@given(ranks, ranks)
def test_a_shift_has_the_sign_of_sinking_and_stays_inside_its_bounds(og, changed):
    shift = rank_shift(og, changed)
    assert -1 < shift < 1
    assert np.sign(shift) == np.sign(changed - og)
    assert shift == pytest.approx(-rank_shift(changed, og))


@given(st.lists(st.tuples(ranks, ranks), min_size=1, max_size=20))
def test_many_shifts_are_the_shifts_of_each(pairs):
    og, changed = (np.array(column) for column in zip(*pairs, strict=True))
    assert rank_shifts(og, changed).tolist() == [rank_shift(o, n) for o, n in pairs]


def test_a_rank_below_one_is_refused():
    with pytest.raises(BadRank):
        rank_shift(0, 3)


def test_a_monotone_change_of_scores_changes_nothing():
    draw = random.Random(3)
    og = {"t": {f"d{i}": draw.random() for i in range(30)}}
    changed = {"t": {f"d{i}": draw.random() for i in range(30)}}
    documents = {"t": ["d1", "d5", "d9"]}
    cubed = {"t": {id: 5 * score**3 - 2 for id, score in changed["t"].items()}}
    assert p_mrr(og, changed, documents=documents).value == p_mrr(og, cubed, documents=documents).value


scores = st.lists(st.integers(-50, 50), min_size=12, max_size=12)


@given(scores, scores, st.sets(st.integers(0, 13), min_size=1))
def test_p_mrr_is_bounded_turns_with_the_runs_and_sees_ranks_only(first, second, asked):
    og, changed = ({"t": {f"d{i}": float(x) for i, x in enumerate(run)}} for run in (first, second))
    documents = {"t": [f"d{i}" for i in sorted(asked)]}  # d12 and d13 are in neither run
    found = p_mrr(og, changed, documents=documents, draws=20, samples=20)
    assert -100 < found.value < 100 and -200 < found.net < 200
    assert p_mrr(changed, og, documents=documents, draws=0, samples=0).value == pytest.approx(-found.value)
    stretched = [{"t": {id: math.exp(x / 10) for id, x in run["t"].items()}} for run in (og, changed)]
    assert p_mrr(*stretched, documents=documents, draws=20, samples=20) == found


@given(scores, st.sets(st.integers(0, 11), min_size=1, max_size=11))
def test_where_all_that_changed_goes_to_the_end_p_mrr_is_not_below_nought(first, asked):
    og = {"t": {f"d{i}": float(x) for i, x in enumerate(first)}}
    documents = {"t": [f"d{i}" for i in sorted(asked)]}
    sunk = {"t": {id: x - (1000 if id in documents["t"] else 0) for id, x in og["t"].items()}}
    found = p_mrr(og, sunk, documents=documents, draws=0, samples=0)
    assert found.value >= 0
    assert all(shift.value >= 0 for shift in found.shifts)
    assert (found.value > 0) == any(shift.changed > shift.og for shift in found.shifts)


def test_what_changed_is_read_from_the_two_qrels():
    run = Run({"t": [Hit("a", 3.0), Hit("b", 2.0), Hit("c", 1.0)]})
    after = Run({"t": [Hit("b", 3.0), Hit("c", 2.0), Hit("a", 1.0)]})
    og, changed = Qrels({"t": {"a": 2, "b": 1}}), Qrels({"t": {"a": 0, "b": 1}})
    found = p_mrr(run, after, og, changed)
    assert [(s.id, s.og, s.changed) for s in found.shifts] == [("a", 1, 3)]
    assert found.value == pytest.approx(100 * (1 - 1 / 3))
    assert p_mrr(run, after, og, changed, relevant_from=2).documents == 1


def test_a_topic_in_which_nothing_changed_is_left_out_and_named():
    run = {"t": {"a": 2.0, "b": 1.0}, "u": {"a": 2.0, "b": 1.0}}
    found = p_mrr(run, run, documents={"t": ["a"], "u": []})
    assert (found.topics, found.unchanged) == (1, ("u",))


def test_nothing_changed_anywhere_is_an_error_of_its_own():
    with pytest.raises(NothingChanged):
        p_mrr({"t": {"a": 1.0}}, {"t": {"a": 1.0}}, documents={"t": []})


def test_a_topic_that_a_run_lacks_is_an_error_that_names_it():
    with pytest.raises(BadInput, match=r"changed run lacks 1 of 2 topics \(u\)"):
        p_mrr({"t": {"a": 1.0}, "u": {"a": 1.0}}, {"t": {"a": 1.0}}, documents={"t": ["a"], "u": ["a"]})


def test_qrels_that_are_no_pair_are_refused():
    with pytest.raises(BadInput, match="no pair"):
        p_mrr({"t": {"a": 1.0}}, {"t": {"a": 1.0}}, {"t": {"a": 1}}, {"u": {"a": 0}})


def test_nan_scores_are_refused():
    with pytest.raises(BadInput, match="NaN"):
        p_mrr({"t": {"a": float("nan")}}, {"t": {"a": 1.0}}, documents={"t": ["a"]})


def test_without_draws_and_samples_the_value_stands_alone():
    draw = random.Random(2)
    og, changed = ({t: {f"d{i}": draw.random() for i in range(20)} for t in "ab"} for _ in range(2))
    documents = {t: ["d1", "d2", "beyond"] for t in "ab"}
    whole = p_mrr(og, changed, documents=documents)
    bare = p_mrr(read_rankings(og), read_rankings(changed), documents=documents, draws=0, samples=0)
    assert (bare.value, bare.per_topic, bare.shifts) == (whole.value, whole.per_topic, whole.shifts)
    assert (bare.low, bare.net_low) == (None, None) and np.isnan([bare.net, bare.null.mean]).all()
    assert whole.low is not None and bare.verdict == "not followed"


def test_the_null_exchanges_a_document_for_its_four_neighbours_in_the_og_ranking():
    og = {"t": {f"d{i}": 10.0 - i for i in range(10)}}  # d0 first
    changed = {"t": {**og["t"], "d3": 0.5, "d9": 9.5}}  # only others move
    after = sorted(changed["t"], key=lambda d: (changed["t"][d], d), reverse=True)
    near = ["d3", "d5", "d2", "d6"]  # of d4
    expected = np.mean([rank_shift(int(d[1]) + 1, after.index(d) + 1) for d in near])
    found = p_mrr(og, changed, documents={"t": ["d4"]}, draws=20_000)
    assert found.null.mean == pytest.approx(100 * expected, abs=1.0)
    assert found.per_topic_null["t"] == pytest.approx(100 * expected)


def test_a_document_without_neighbours_is_its_own_control():
    found = p_mrr({"t": {"a": 2.0, "b": 1.0}}, {"t": {"a": 1.0, "b": 2.0}}, documents={"t": ["a", "b"]})
    assert found.net == 0
    assert found.verdict == "not followed"


def test_the_null_is_unbiased_for_systems_that_move_without_listening():
    rng = np.random.default_rng(11)
    nets = []
    for trial in range(60):
        og, changed, documents = {}, {}, {}
        for t in range(12):
            quality = rng.normal(size=60)
            og[t] = {f"d{i}": float(x) for i, x in enumerate(quality)}
            changed[t] = {f"d{i}": float(x) for i, x in enumerate(quality + rng.normal(size=60) * (trial % 3))}
            top = np.argsort(-quality + 2 * rng.normal(size=60))[:5]  # relevant ones sit high, and not alone
            documents[t] = [f"d{i}" for i in top]
        nets.append(p_mrr(og, changed, documents=documents, draws=200, samples=50, seed=trial).net)
    assert abs(np.mean(nets)) < 3 * np.std(nets) / np.sqrt(len(nets))
    assert np.std(nets) > 1


def test_the_same_seed_gives_the_same_figures():
    draw = random.Random(1)
    og = {t: {f"d{i}": draw.random() for i in range(20)} for t in "ab"}
    changed = {t: {f"d{i}": draw.random() for i in range(20)} for t in "ab"}
    documents = {t: ["d1", "d2"] for t in "ab"}
    assert p_mrr(og, changed, documents=documents) == p_mrr(og, changed, documents=documents)


@pytest.mark.parametrize(
    ("value", "net", "verdict"),
    [
        (20.0, (5.0, 9.0), "followed"),
        (20.0, (-1.0, 9.0), "not shown"),
        (5.0, (1.0, 9.0), "not followed"),
        (0.0, (0.0, 0.0), "not followed"),
        (-20.0, (-9.0, -1.0), "against the instruction"),
        (-20.0, (-9.0, 1.0), "not followed"),
        (20.0, (None, None), "not shown"),
        (-20.0, (None, None), "not followed"),
    ],
)
def test_the_verdict_needs_both_the_null_and_the_interval(
    value: float, net: tuple[float | None, float | None], verdict: str
):
    found = PMRR(value, None, None, value, *net, Null(0.0, -10.0, 10.0), None, 5, 20)
    assert found.verdict == verdict
