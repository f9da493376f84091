from __future__ import annotations

import numpy as np
import pytest

from heedful.rerank.alignment import align

DRAW = np.random.default_rng(1)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


START = unit(DRAW.normal(size=(4, 16)))
SENTENCES = unit(DRAW.normal(size=(19, 16)))
OFFSETS = np.array([0, 5, 6, 6, 19])  # the third candidate has no sentences


def plain(by: str, start: np.ndarray, rows: np.ndarray, temperature: float = 1.0) -> float:
    """One candidate's score, written out."""
    distance = np.array([[np.linalg.norm(a - b) for b in rows] for a in start.astype(float)])
    if by == "nearest":
        return -distance.min()
    if by == "maxsim":
        return float(np.mean([max(a @ b for b in rows) for a in start.astype(float)]) - 1)
    ot = pytest.importorskip("ot")
    left = np.exp(-distance.min(axis=1) / temperature)
    right = np.exp(-distance.min(axis=0) / temperature)
    plan = ot.sinkhorn(
        left / left.sum(), right / right.sum(), distance, 0.05, method="sinkhorn_log", numItermax=10**5, stopThr=1e-10
    )
    return -float((plan * distance).sum())


@pytest.mark.parametrize("by", ["ot", "maxsim", "nearest"])
def test_scores_are_those_of_the_plain_version(by: str):
    found = align(START, SENTENCES, OFFSETS, by)
    assert np.isfinite(found.scores).all()
    for one in (0, 1, 3):
        assert found.scores[one] == pytest.approx(
            plain(by, START, SENTENCES[OFFSETS[one] : OFFSETS[one + 1]]), abs=1e-5
        )
        assert found.plan[one].sum() == pytest.approx(1)


def test_vectors_that_are_not_unit_are_aligned_as_pot_does():
    start, rows = START * 7, SENTENCES * 6
    found = align(start, rows, np.array([0, 9, 19]), "ot")
    assert found.scores[1] == pytest.approx(plain("ot", start, rows[9:]), rel=1e-4)


def test_the_temperature_is_that_of_the_weights():
    cold = align(START, SENTENCES, np.array([0, 19]), "ot", temperature=0.1)
    assert cold.scores[0] == pytest.approx(plain("ot", START, SENTENCES, 0.1), abs=1e-5)
    assert cold.scores[0] != pytest.approx(plain("ot", START, SENTENCES, 1.0), abs=1e-3)


@pytest.mark.parametrize("by", ["ot", "maxsim", "nearest"])
def test_a_candidate_without_sentences_comes_last_and_shows_nothing(by: str):
    found = align(START, SENTENCES, OFFSETS, by)
    assert found.scores.argmin() == 2 and np.isfinite(found.scores).all()
    assert found.plan[2].sum() == 0 and found.pairs(2) == []


@pytest.mark.parametrize("by", ["ot", "maxsim", "nearest"])
def test_where_no_candidate_has_sentences_all_are_alike(by: str):
    found = align(START, np.zeros((0, 16), np.float32), np.zeros(3, np.int64), by)
    assert len(found.scores) == 2 and found.scores[0] == found.scores[1]


@pytest.mark.parametrize("by", ["ot", "maxsim", "nearest"])
def test_a_document_is_nearest_to_itself(by: str):
    rows = np.concatenate([SENTENCES[:5], START, SENTENCES[5:9]])
    found = align(START, rows, np.array([0, 5, 9, 13]), by)
    assert found.scores.argmax() == 1 and found.scores[1] == pytest.approx(0, abs=1e-3)


def test_pairs_are_the_heaviest_and_use_no_sentence_twice():
    found = align(START, SENTENCES, np.array([0, 19]), "ot")
    pairs = found.pairs(0, most=4)
    assert pairs[0][2] == found.plan[0].max()
    assert len({row for row, *_ in pairs}) == len({column for _, column, *_ in pairs}) == 4
    row, column, mass, distance = pairs[0]
    assert distance == pytest.approx(float(np.linalg.norm(START[row] - SENTENCES[column])), abs=1e-5) and 0 < mass <= 1
