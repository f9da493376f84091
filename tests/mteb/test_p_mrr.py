"""p-MRR and the measures of both sides, against mteb's own."""

from __future__ import annotations

import random

import numpy as np
import pytest

from heedful.evaluate.following import p_mrr
from heedful.evaluate.measures import mean, parse_measure, score_topics


def pair(draw: random.Random):
    """Two runs and the documents that changed: ties, missing documents, topics in which nothing changed."""
    og, changed, documents = {}, {}, {}
    for topic in range(draw.randint(1, 5)):
        ids = [f"d{i}" for i in range(draw.randint(2, 25))]
        values = draw.choice([3, 1000])
        for run in (og, changed):
            kept = draw.sample(ids, draw.randint(1, len(ids)))
            run[f"t{topic}"] = {id: draw.randint(0, values) / 7 for id in kept}
        documents[f"t{topic}"] = draw.sample(ids, draw.randint(0, min(5, len(ids))))
    return og, changed, documents


def test_p_mrr_is_that_of_mteb_on_thousands_of_random_pairs():
    from mteb._evaluators.retrieval_metrics import calculate_pmrr

    draw = random.Random(13)
    compared, unchanged, ties, missing = 0, 0, 0, 0
    while compared < 3000:
        og, changed, documents = pair(draw)
        if not any(documents.values()):
            continue
        theirs = calculate_pmrr(
            {f"{t}-og": run for t, run in og.items()}, {f"{t}-changed": run for t, run in changed.items()}, documents
        )
        found = p_mrr(og, changed, documents=documents, draws=1, samples=1)
        assert found.value / 100 == pytest.approx(theirs, abs=1e-12), (og, changed, documents)
        compared += 1
        unchanged += bool(found.unchanged)
        ties += any(len(set(run.values())) < len(run) for run in og.values())
        missing += any(id not in og[t] for t, ids in documents.items() for id in ids)
    assert min(unchanged, ties, missing) > 300


def test_the_measures_of_both_sides_are_those_of_mteb():
    from mteb._evaluators.retrieval_metrics import evaluate_p_mrr_change

    draw = random.Random(14)
    names = {"nDCG@5": "ndcg_at_5", "AP@100": "map_at_100", "P@5": "precision_at_5", "R@5": "recall_at_5"}
    for _ in range(100):
        og, changed, documents = pair(draw)
        if not any(documents.values()):
            continue
        grades = [{t: {id: draw.randint(0, 2) for id in run} for t, run in og.items()} for _ in range(2)]
        scores = {**{f"{t}-og": r for t, r in og.items()}, **{f"{t}-changed": r for t, r in changed.items()}}
        judged = {
            f"{t}-{side}": g for side, qrels in zip(("og", "changed"), grades, strict=True) for t, g in qrels.items()
        }
        with np.errstate(all="ignore"):
            theirs = evaluate_p_mrr_change(judged, scores, documents, [1, 5, 100])
        for side, run, qrels in (("og", og, grades[0]), ("changed", changed, grades[1])):
            for name, foreign in names.items():
                measure = parse_measure(name)
                ours = mean({t: score_topics({t: run[t]}, _only(qrels, t), [measure])[measure][t] for t in qrels})
                assert ours == pytest.approx(theirs[side][foreign], abs=6e-6)  # mteb rounds to five places


def _only(qrels, topic):
    from heedful.records import Qrels

    return Qrels({topic: qrels[topic]})
