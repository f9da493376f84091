"""How fast measures and p-MRR are computed, beside mteb, ir-measures and ranx: the same runs, in one process.

1,000 topics of 1,000 ranked documents, 60 of them judged, under an original and a changed instruction. Each side gets
the rankings in its own form, made before the clock starts: ours ranked hits, ir-measures and mteb dictionaries, ranx
its Run. The last line is one JSON object; a ratio above 1 says that ours is faster, null that the peer is not
installed. `vs_mteb` is over what both do (nDCG and AP of both sides, p-MRR of given documents); in
`vs_mteb_all_included` ours also has the null (1,000 draws), the ceiling and two intervals (1,000 bootstrap samples).
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from heedful.evaluate.following import PMRR, p_mrr  # noqa: E402
from heedful.evaluate.measures import Measure, mean, parse_measure, score_topics  # noqa: E402
from heedful.evaluate.ranks import read_rankings  # noqa: E402
from heedful.records import Qrels, Run, ranked  # noqa: E402

MEASURES = (parse_measure("nDCG"), parse_measure("AP"))
Scores = dict[str, dict[str, float]]
Grades = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Case:
    """Rankings and judgments under the original and the changed instruction, in both forms."""

    scores: tuple[Scores, Scores]
    grades: tuple[Grades, Grades]
    runs: tuple[Run, Run]
    changed: dict[str, list[str]]


def make_case(topics: int, documents: int, judged: int = 60, seed: int = 0) -> Case:
    """Random rankings; a quarter of the relevant documents becomes non-relevant. Names as long as those of news."""
    draw = np.random.default_rng(seed)
    ids = [f"LA{number:06}-{number % 7919:04}" for number in range(20 * documents)]
    scores: tuple[Scores, Scores] = ({}, {})
    grades: tuple[Grades, Grades] = ({}, {})
    for number in range(topics):
        topic, chosen = f"t{number}", draw.choice(len(ids), documents, replace=False)
        first = draw.normal(size=documents)
        second = first + draw.normal(size=documents)
        # in rank order, as files of runs are
        for side, values in zip(scores, (first, second), strict=True):
            side[topic] = {ids[chosen[i]]: float(values[i]) for i in np.argsort(-values)}
        drawn = draw.choice(4, judged, p=[0.7, 0.15, 0.1, 0.05])
        own = {ids[i]: int(g) for i, g in zip(chosen[:judged], drawn, strict=True)}
        grades[0][topic] = own
        grades[1][topic] = {id: 0 if g and draw.random() < 0.25 else g for id, g in own.items()}
    changed = {t: [d for d, g in own.items() if g and not grades[1][t][d]] for t, own in grades[0].items()}
    runs = tuple(Run({topic: ranked(values) for topic, values in side.items()}) for side in scores)
    return Case(scores, grades, (runs[0], runs[1]), {t: ids for t, ids in changed.items() if ids})


def classic(case: Case) -> dict[Measure, dict[str, float]]:
    """Ours: nDCG and AP of one side."""
    return score_topics(case.runs[0], Qrels(case.grades[0]), MEASURES)


def following(case: Case, everything: bool) -> tuple[PMRR, list[float]]:
    """Ours: nDCG and AP of both sides, and p-MRR.

    everything: with null, ceiling and intervals, and what changed is found in the qrels; else its value alone, and the
    documents are given.
    """
    og, changed = (read_rankings(run) for run in case.runs)
    qrels = [Qrels(grades) for grades in case.grades]
    if everything:
        found = p_mrr(og, changed, *qrels, draws=1000, samples=1000)
    else:
        found = p_mrr(og, changed, documents=case.changed, draws=0, samples=0)
    sides = [score_topics(run, judged, MEASURES) for run, judged in zip((og, changed), qrels, strict=True)]
    return found, [mean(values) for side in sides for values in side.values()]


def with_ir_measures(case: Case) -> Callable[[], list[float]] | None:
    """Measure one side: nDCG and AP of one side."""
    if find_spec("ir_measures") is None:
        return None
    import ir_measures

    def run() -> list[float]:
        found = list(ir_measures.iter_calc([ir_measures.nDCG, ir_measures.AP], case.grades[0], case.scores[0]))
        return [
            float(np.mean([m.value for m in found if m.measure == asked]))
            for asked in (ir_measures.nDCG, ir_measures.AP)
        ]

    return run


def with_ranx(case: Case) -> Callable[[], list[float]] | None:
    """Measure one side: nDCG and AP of one side, on its own objects, compiled before."""
    if find_spec("ranx") is None:
        return None
    import ranx

    qrels, run = ranx.Qrels(case.grades[0]), ranx.Run(case.scores[0])
    ranx.evaluate(qrels, run, ["ndcg", "map"])
    return lambda: list(ranx.evaluate(qrels, run, ["ndcg", "map"]).values())


def with_mteb(case: Case) -> Callable[[], list[float]] | None:
    """Nothing but what both do, as far as mteb can be asked so: p-MRR, and its measures of both sides at 1,000."""
    if find_spec("mteb") is None:
        return None
    from mteb._evaluators.retrieval_metrics import evaluate_p_mrr_change

    logging.disable(logging.WARNING)
    sides = ("og", "changed")
    scores = {f"{t}-{side}": r for side, runs in zip(sides, case.scores, strict=True) for t, r in runs.items()}
    grades = {f"{t}-{side}": r for side, qrels in zip(sides, case.grades, strict=True) for t, r in qrels.items()}

    def run() -> list[float]:
        found: Any = evaluate_p_mrr_change(grades, scores, case.changed, [1, 1000])
        return [found["p-MRR"], *(found[side][m] for side in sides for m in ("ndcg_at_1000", "map_at_1000"))]

    return run


def timed(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The best of a few rounds, in seconds of processor time (all of them run in one thread), and what came out."""
    best, found = float("inf"), None
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        found = call()
        best = min(best, time.process_time() - start)
    return best, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 topics instead of 1,000")
    arguments = parser.parse_args()
    topics, rounds = (100, 2) if arguments.quick else (1_000, 3)
    case = make_case(topics, 1_000)
    changed = sum(map(len, case.changed.values()))
    print(f"{topics} topics, 1,000 documents each, {changed} changed documents; best of {rounds}, processor seconds")
    own, values = timed(lambda: classic(case), rounds)
    both, (found, sides) = timed(lambda: following(case, False), rounds)
    whole, (found_all, _) = timed(lambda: following(case, True), rounds)
    if found_all.value != found.value:
        raise SystemExit(f"found {found.value} and {found_all.value} for one p-MRR")
    rows = [
        ("ours: nDCG, AP", own),
        ("ours: nDCG, AP of both sides, p-MRR", both),
        ("ours: ... with null, ceiling, intervals", whole),
    ]
    ratios: dict[str, float | None] = {"vs_mteb": None, "vs_mteb_all_included": None}
    ours = [mean(v) for v in values.values()]
    for name, peer, base, expected in (
        ("mteb", with_mteb(case), both, [found.value / 100, *sides]),
        ("ir_measures", with_ir_measures(case), own, ours),
        ("ranx", with_ranx(case), own, ours),
    ):
        ratios[f"vs_{name}"] = None
        if peer is None:
            print(f"{name}: not installed")
            continue
        seconds, theirs = timed(peer, min(rounds, 2) if name == "mteb" else rounds)
        apart = max(abs(a - b) for a, b in zip(expected, theirs, strict=True))
        if apart > 1e-5:  # mteb rounds its means to five places
            raise SystemExit(f"{name} found {theirs}, ours is {expected}")
        ratios[f"vs_{name}"] = round(seconds / base, 2)
        if name == "mteb":
            ratios["vs_mteb_all_included"] = round(seconds / whole, 2)
        rows.append((f"{name} (values apart by {apart:.0e})", seconds))
    for what, seconds in rows:
        print(f"{what:62} {seconds:8.3f}")
    print(json.dumps(ratios))


if __name__ == "__main__":
    main()
