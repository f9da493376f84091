"""What is asked of a ranking: a measure has a name that parses, prints and compares; two conventions answer it.

`trec` is trec_eval's reading; `csfcube` is the official CSFCube script's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heedful.errors import BadInput, BadMeasure
from heedful.evaluate.classic import (
    Judged,
    average_precision,
    dcg,
    judged,
    ndcg,
    precision,
    r_precision,
    recall,
    reciprocal_rank,
)
from heedful.evaluate.ranks import Ranking, Rankings
from heedful.records import Qrels, Run

Convention = Literal["trec", "csfcube"]
CONVENTIONS: tuple[Convention, ...] = ("trec", "csfcube")
STATED: Mapping[str, str] = {
    "trec": "trec: linear gain, rank 1 undiscounted, ideal from the qrels, as trec_eval",
    "csfcube": "csfcube: linear gain, ranks 1 and 2 undiscounted, ideal from the ranked list, P R AP RR from grade 2",
}
_FAMILIES = {  # name -> may it have a cutoff at a rank, must it, may it have a share of the list
    "nDCG": (True, False, True),
    "P": (True, True, True),
    "R": (True, True, True),
    "AP": (True, False, False),
    "RR": (True, False, False),
    "RPrec": (False, False, False),
}
_ALIASES = {"ndcg": "nDCG", "p": "P", "r": "R", "recall": "R", "map": "AP", "ap": "AP", "rr": "RR", "mrr": "RR"}
_NAME = re.compile(r"(?P<family>[A-Za-z]+)(?:(?P<kind>[@%])(?P<number>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class Measure:
    """A question to a ranking. cutoff: a rank (`@20`). percent: that share of the ranked list, rounded down (`%20`)."""

    family: str
    cutoff: int | None = None
    percent: int | None = None

    def __str__(self) -> str:
        if self.cutoff is not None:
            return f"{self.family}@{self.cutoff}"
        return self.family if self.percent is None else f"{self.family}%{self.percent}"

    def depth(self, n: int) -> int:
        """How many ranks of a list of n count."""
        if self.cutoff is not None:
            return self.cutoff
        return n if self.percent is None else int(self.percent / 100 * n)


def parse_measure(text: str) -> Measure:
    """A measure from its name: nDCG, nDCG@20, nDCG%20, P@20, R@20, AP, RR, RPrec. Raises BadMeasure."""
    match = _NAME.fullmatch(text.strip())
    family = _ALIASES.get(match["family"].lower(), match["family"]) if match else ""
    family = "RPrec" if family.lower() in ("rprec", "rprecision") else family
    if not match or family not in _FAMILIES:
        raise BadMeasure(f"unknown measure {text!r}; there are nDCG, nDCG@20, nDCG%20, P@20, R@20, AP, RR, RPrec")
    may_cut, must_cut, may_share = _FAMILIES[family]
    kind, number = match["kind"], int(match["number"]) if match["number"] else None
    if (kind == "@" and not may_cut) or (kind == "%" and not may_share):
        raise BadMeasure(f"{text!r}: {family} takes no {'cutoff' if kind == '@' else 'share of the list'}")
    if must_cut and number is None:
        raise BadMeasure(f"{text!r}: {family} needs a cutoff, as in {family}@20")
    if number is not None and (number < 1 or (kind == "%" and number > 100)):
        raise BadMeasure(f"{text!r}: found {number}; expected a cutoff of 1 or more (a share of 1 to 100)")
    return Measure(family, number if kind == "@" else None, number if kind == "%" else None)


DEFAULT_MEASURES: Mapping[str, tuple[Measure, ...]] = {
    "csfcube": tuple(map(parse_measure, ("nDCG@20", "nDCG%20", "nDCG", "P@20", "R@20", "AP", "RR", "RPrec"))),
    "trec": tuple(map(parse_measure, ("nDCG@20", "nDCG@10", "nDCG%20", "nDCG", "P@20", "R@20", "AP", "RR", "RPrec"))),
}


def csfcube_value(measure: Measure, grades: Sequence[int], relevant_from: int = 2) -> float:
    """One measure of one ranked list by the official CSFCube script. In [0, 1].

    grades: of the ranked documents, best rank first, unjudged as 0. `RPrec` is precision at the last relevant rank;
    R divides by the relevant documents of the ranked list. A list without relevant documents gives 0.
    Source: Mysore et al. 2021, eval_scripts/ranking_eval.py.
    """
    n = len(grades)
    k = min(measure.depth(n), n)
    if measure.family == "nDCG":
        gains = np.asarray(grades, dtype=float)
        ideal = dcg(np.sort(gains)[::-1][:k], 2)
        return dcg(gains[:k], 2) / ideal if ideal > 0 else 0.0
    where = [rank for rank, grade in enumerate(grades, 1) if grade >= relevant_from]
    if not where:
        return 0.0
    kept = [rank for rank in where if rank <= k]
    if measure.family == "P":
        return len(kept) / (measure.cutoff or max(k, 1))
    if measure.family == "R":
        return len(kept) / len(where)
    if measure.family == "AP":
        return sum(i / rank for i, rank in enumerate(kept, 1)) / len(where)
    if measure.family == "RR":
        return 1 / kept[0] if kept else 0.0
    return len(where) / where[-1]


def score_topics(
    run: Rankings,
    qrels: Qrels,
    measures: Sequence[Measure],
    convention: Convention = "trec",
    relevant_from: int | None = None,
) -> dict[Measure, dict[str, float]]:
    """Measure -> topic -> value in [0, 1], for the topics of the qrels; a topic that the run lacks gives 0.

    run: hits in any order, or document -> score, or rankings that were read before (`read_rankings`).
    relevant_from: the lowest grade that P, R, AP, RR and RPrec count as relevant (1 for trec, 2 for csfcube).
    """
    threshold = relevant_from if relevant_from is not None else (2 if convention == "csfcube" else 1)
    rankings = run.topics if isinstance(run, Run) else run
    values: dict[Measure, dict[str, float]] = {m: {} for m in measures}
    for topic, grades in qrels.topics.items():
        found = rankings.get(topic, ())
        ranking = found if isinstance(found, Ranking) else Ranking(found, topic)
        if convention == "csfcube":
            graded = [grades.get(id, 0) for id in ranking.order]
            for m in measures:
                values[m][topic] = csfcube_value(m, graded, threshold)
        else:
            read = judged(ranking, grades, threshold)
            for m in measures:
                values[m][topic] = _trec_value(m, read)
    return values


def mean(values: Mapping[str, float], topics: Iterable[str] | None = None) -> float:
    """The mean over topics (all of them unless told which). Raises BadInput where there are none."""
    chosen = list(values.values()) if topics is None else [values[topic] for topic in topics]
    if not chosen:
        raise BadInput("found no topic to average over; expected at least one that run and qrels share")
    return math.fsum(chosen) / len(chosen)


def _trec_value(measure: Measure, ranking: Judged) -> float:
    k = measure.cutoff if measure.percent is None else measure.depth(ranking.length)
    match measure.family:
        case "nDCG":
            return ndcg(ranking, k)
        case "AP":
            return average_precision(ranking, k)
        case "RR":
            return reciprocal_rank(ranking, k)
        case "P":
            return precision(ranking, k or 0)
        case "R":
            return recall(ranking, k or 0)
        case _:
            return r_precision(ranking)
