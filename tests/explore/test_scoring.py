from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import sparse

from heedful.explore.scoring import (
    CLIP,
    Block,
    ClauseVector,
    aspect_alignment,
    blend,
    coverage,
    in_aspect,
    max_similarity,
    meant,
    spoken_of,
    standardized,
    whole_of_seeds,
)
from heedful.index import VectorBlock
from heedful.index.terms import TermBlock
from heedful.records import Plan

ASPECTS = ("background", "method")
WORDS = 30
DIM = 8


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


def block(sentences: Sequence[int], seed: int = 0, without_method: Sequence[int] = ()) -> Block:
    """Documents with so many sentences each; odd sentences are of the method."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(sentences)]).astype(np.int64)
    total = int(offsets[-1])
    vectors = unit(random.normal(size=(total, DIM)))
    probabilities = np.zeros((total, 2), np.float32)
    probabilities[np.arange(total), np.arange(total) % 2] = 1
    for i in without_method:
        probabilities[offsets[i] : offsets[i + 1]] = [1, 0]
    aspects = {}
    for column, name in enumerate(ASPECTS):
        rows = [
            (probabilities[a:b, column : column + 1] * vectors[a:b]).sum(axis=0) for a, b in itertools.pairwise(offsets)
        ]
        aspects[name] = unit(np.array(rows))
    whole = unit(random.normal(size=(len(sentences), DIM)))
    ids = tuple(f"d{i}" for i in range(len(sentences)))
    units = offsets + np.arange(len(offsets))
    counts = sparse.csr_matrix(random.poisson(0.3, (int(units[-1]), WORDS)).astype(np.float32))
    terms = TermBlock(counts, units, np.linspace(0.5, 3, WORDS).astype(np.float32))
    return Block(VectorBlock(ids, whole, aspects, vectors, offsets, probabilities), terms)


SEEDS = block([4], seed=9)


def test_z_scores_have_mean_zero_and_deviation_one():
    z = standardized(np.random.default_rng(0).normal(3, 5, 1000))
    assert abs(z.mean()) < 0.01
    assert 0.97 < z.std() < 1.01


def test_one_outlier_moves_no_further_than_the_clip():
    assert standardized(np.array([0.0] * 999 + [1.0])).max() == CLIP


def test_equal_values_say_nothing():
    assert not standardized(np.ones(5)).any()
    assert standardized(np.empty(0)).shape == (0,)


def test_max_similarity_agrees_with_the_plain_version():
    candidates = block([3, 0, 5, 1])
    queries = SEEDS.vectors.sentences
    fast = max_similarity(queries, candidates.vectors.sentences, candidates.vectors.offsets)
    offsets = candidates.vectors.offsets
    for i in range(4):
        own = candidates.vectors.sentences[offsets[i] : offsets[i + 1]]
        plain = np.mean([max(float(q @ s) for s in own) for q in queries]) if len(own) else 0.0
        assert fast[i] == pytest.approx(plain, abs=1e-6)


def test_words_alike_are_the_cosine_of_weighted_counts():
    candidates = block([3, 2, 5])
    rows = []
    for one in (SEEDS, candidates):
        dense = one.terms.counts.toarray()
        offsets = one.terms.offsets
        counts = np.array([dense[a:b].sum(axis=0) for a, b in itertools.pairwise(offsets)])
        rows.append(unit(np.log1p(counts) * one.terms.idf))
    words = rows[1] @ rows[0][0]
    expected = standardized(candidates.vectors.whole @ SEEDS.vectors.whole[0]) + 0.5 * standardized(words)
    assert whole_of_seeds(SEEDS, candidates) == pytest.approx(expected, abs=1e-4)


def test_a_candidate_without_the_aspect_is_put_in_the_lower_quarter():
    candidates = block([4] * 40, without_method=[0])
    aligned = aspect_alignment("method", SEEDS, candidates)
    assert aligned is not None
    below = (aligned < aligned[0]).mean()
    assert 0.05 < below < 0.5


def test_a_seed_without_the_aspect_is_compared_as_a_whole_and_says_so():
    seed = block([4], seed=9, without_method=[0])
    candidates = block([4] * 10)
    whole = whole_of_seeds(seed, candidates)
    scores = blend(whole, seed, candidates, Plan(aspects={"method": 1.0, "background": 0.0}))
    assert scores.warnings and "method" in scores.warnings[0]
    assert scores.parts["method"] == pytest.approx(scores.parts["whole"])


def test_an_empty_plan_leaves_the_order_of_the_whole():
    candidates = block([4] * 10)
    whole = whole_of_seeds(SEEDS, candidates)
    scores = blend(whole, SEEDS, candidates, Plan(aspects={"background": 0.0, "method": 0.0}, steer=1.0))
    assert scores.total.argsort().tolist() == whole.argsort().tolist()


def test_a_negative_weight_asks_for_difference():
    candidates = block([4] * 20)
    whole = np.zeros(20, np.float32)
    like = blend(whole, SEEDS, candidates, Plan(aspects={"method": 1.0, "background": 0.0}))
    unlike = blend(whole, SEEDS, candidates, Plan(aspects={"method": -1.0, "background": 0.0}))
    assert like.total == pytest.approx(-unlike.total)
    assert like.total.any()


def test_steer_zero_is_the_whole_and_steer_one_is_the_plan():
    candidates = block([4] * 20)
    whole = whole_of_seeds(SEEDS, candidates)
    plan = {"method": 1.0, "background": 0.0}
    none = blend(whole, SEEDS, candidates, Plan(aspects=plan, steer=0.0))
    full = blend(whole, SEEDS, candidates, Plan(aspects=plan, steer=1.0))
    assert none.total == pytest.approx(none.parts["whole"])
    assert full.total == pytest.approx(full.parts["method"])


def test_equal_weights_mean_no_aspect():
    assert meant({"background": 1.0, "method": 1.0}) == {}
    assert meant({"background": 0.0, "method": 1.0}) == {"method": 1.0}
    assert meant({"claim": 1.0}) == {"claim": 1.0}


def clause(candidates: Block, words: Sequence[int]) -> ClauseVector:
    return ClauseVector("x", 1.0, candidates.vectors.sentences[0], np.array(words, np.int32))


def test_wanted_raises_the_document_that_says_it_and_avoided_sinks_it():
    candidates = block([4] * 20)
    whole = np.zeros(20, np.float32)
    asked = clause(candidates, [])
    assert blend(whole, SEEDS, candidates, Plan(), wanted=[asked]).total.argmax() == 0
    assert blend(whole, SEEDS, candidates, Plan(), avoided=[asked]).total.argmin() == 0


def test_what_the_start_itself_says_is_not_held_against_others():
    candidates = block([4] * 20)
    asked = ClauseVector("x", 1.0, candidates.vectors.sentences[0], np.array([], np.int32))
    same = block([4] * 20)  # a start that says the avoided thing itself
    scores = blend(np.zeros(20, np.float32), same, candidates, Plan(), avoided=[asked])
    assert not scores.parts["avoided"].any()


def test_coverage_is_the_weighted_share_of_the_words():
    candidates = block([4, 4])
    dense = candidates.terms.counts.toarray()
    has = [(dense[a:b].sum(axis=0) > 0)[[3, 20]] for a, b in ((0, 5), (5, 10))]
    idf = candidates.terms.idf[[3, 20]]
    assert coverage(np.array([3, 20]), candidates.terms) == pytest.approx([h @ idf / idf.sum() for h in has])


def test_a_sentence_of_no_aspect_is_in_none():
    vectors = block([2]).vectors
    vectors.probabilities[:] = [0.3, 0.3]
    assert not in_aspect(vectors, 0).any()
    assert not in_aspect(vectors, 1).any()


def test_a_text_that_no_candidate_speaks_of_moves_nothing():
    candidates = block([4] * 20)
    far = -candidates.vectors.sentences.mean(axis=0) / np.linalg.norm(candidates.vectors.sentences.mean(axis=0))
    asked = ClauseVector("x", 1.0, far.astype(np.float32) * 0.2, np.array([], np.int32))
    assert spoken_of(asked, candidates) == 0
    scores = blend(np.zeros(20, np.float32), SEEDS, candidates, Plan(), wanted=[asked], avoided=[asked])
    assert not scores.plan.any()


def test_a_text_that_a_candidate_says_word_for_word_is_spoken_of():
    candidates = block([4] * 20)
    assert spoken_of(clause(candidates, []), candidates) == 1
    assert spoken_of(ClauseVector("x", 1.0, np.zeros(DIM, np.float32), np.array([3], np.int32)), candidates) == 1
