"""p-MRR, the measure of following, with what it needs beside it: its null, its ceiling, its interval."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heedful.errors import BadInput, BadRank
from heedful.evaluate.intervals import mean_interval
from heedful.evaluate.ranks import NEAREST, Ints, Ranking, Rankings, ideal_ranks, nearest, read_rankings
from heedful.records import Qrels

Grades: TypeAlias = Qrels | Mapping[str, Mapping[str, int]]

Floats = NDArray[np.float64]
DRAWS = 1000
__all__ = [
    "DRAWS",
    "NEAREST",
    "PMRR",
    "NothingChanged",
    "Null",
    "Shift",
    "changed_documents",
    "p_mrr",
    "rank_shift",
    "rank_shifts",
]


def rank_shift(og: int, changed: int) -> float:
    """p-MRR of one document that the changed instruction made non-relevant.

    og, changed: 1-based ranks before and after. In (-1, 1): above 0 it sank, as asked. Raises BadRank below 1.
    Source: Weller et al. 2024, FollowIR, arXiv:2403.15246.
    """
    if min(og, changed) < 1:
        raise BadRank(f"found the ranks {og} and {changed}; expected ranks of 1 or more")
    return changed / og - 1 if og >= changed else 1 - og / changed


def rank_shifts(og: Ints, changed: Ints) -> Floats:
    """`rank_shift` of many documents at once: two arrays of 1-based ranks of one shape, values in (-1, 1)."""
    with np.errstate(divide="ignore"):
        return np.where(og >= changed, changed / og - 1, 1 - og / changed)


class NothingChanged(BadInput):
    """In no topic did a relevant document become non-relevant."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What one changed document contributes. ranks: 1-based; one past the end where a run lacks the document."""

    topic: str
    id: str
    og: int
    changed: int
    value: float


@dataclass(frozen=True, slots=True)
class Null:
    """p-MRR (x100) of controls that nobody asked to move: mean and the 2.5 and 97.5 percentiles over the draws.

    Unbiased for systems that move without listening as long as the changed documents stand among others. Where they
    fill the top of the og ranking alone, all controls stand below them and the null is too low (by up to 8 points in
    simulation, when the changed documents hold the first ranks of 100).
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PMRR:
    """p-MRR (x100, above 0: what became non-relevant sank) and what it is worth.

    low, high: 95 % interval of value, clusters resampled; None below two clusters. net: value minus the null's mean,
    with its own interval. ceiling: p-MRR between the two ideal rankings, None where no judgments were given.
    topics, documents: how many counted. unchanged: topics in which nothing changed, left out. per_topic: topic ->
    p-MRR x100. shifts: each document's contribution, in (-1, 1).
    """

    value: float
    low: float | None
    high: float | None
    net: float
    net_low: float | None
    net_high: float | None
    null: Null
    ceiling: float | None
    topics: int
    documents: int
    unchanged: tuple[str, ...] = ()
    per_topic: Mapping[str, float] = field(default_factory=dict)
    per_topic_null: Mapping[str, float] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()

    @property
    def verdict(self) -> str:
        """What these topics show.

        'followed': value is above the null's upper end, and net's interval above 0. 'not shown': value is above the
        null's upper end, but the topics are too few to be sure of net (or net has no interval at all). 'against the
        instruction': value is below the null's lower end, and net's interval below 0. 'not followed': anything else.
        """
        if self.value > self.null.high:
            return "followed" if self.net_low is not None and self.net_low > 0 else "not shown"
        against = self.value < self.null.low and self.net_high is not None and self.net_high < 0
        return "against the instruction" if against else "not followed"

    def as_dict(self, value: str = "value", topics: str = "pairs") -> dict[str, Any]:
        """JSON-ready figures under the names that a report uses for the value and for what was averaged over."""
        return {
            value: self.value,
            "net": self.net,
            "low": self.low,
            "high": self.high,
            "net_low": self.net_low,
            "net_high": self.net_high,
            "null": {"mean": self.null.mean, "low": self.null.low, "high": self.null.high},
            "ceiling": self.ceiling,
            topics: self.topics,
            "documents": self.documents,
            "left_out": len(self.unchanged),
            "verdict": self.verdict,
        }


def changed_documents(og: Grades, changed: Grades, relevant_from: int = 1) -> dict[str, list[str]]:
    """Topic -> the documents that were relevant (grade >= relevant_from) and no longer are; topics of both qrels.

    A document that the changed qrels do not judge is not relevant there. Raises BadInput where the topics differ.
    """
    before, after = _grades(og), _grades(changed)
    if before.keys() != after.keys():
        only = sorted(before.keys() ^ after.keys())
        raise BadInput(
            f"og and changed qrels are no pair: {len(only)} topics are in one of them only ({_some(only)}); "
            "expected the same topics in both"
        )
    return {
        topic: [
            id for id, grade in grades.items() if grade >= relevant_from and after[topic].get(id, 0) < relevant_from
        ]
        for topic, grades in before.items()
    }


def p_mrr(
    og: Rankings,
    changed: Rankings,
    og_qrels: Grades | None = None,
    changed_qrels: Grades | None = None,
    *,
    documents: Mapping[str, Sequence[str]] | None = None,
    relevant_from: int = 1,
    clusters: Mapping[str, Hashable] | None = None,
    draws: int = DRAWS,
    samples: int = 2000,
    seed: int = 0,
) -> PMRR:
    """How far the ranking heeded a changed instruction, x100.

    og, changed: the rankings before and after: topic -> hits, document -> score, or what `read_rankings` made of them.
    What changed comes from two qrels, or is given as `documents` (topic -> ids). relevant_from: the lowest relevant
    grade. clusters: topic -> what it shares with others (a seed); each topic its own otherwise. draws: of the null; 0
    leaves it out (null and net are NaN). samples: of the intervals; 0 leaves them out (None).

    Ties rank by score down, then id down. A document that a run lacks ranks one past its end. A topic in which nothing
    changed is left out and named. Raises BadInput for a topic that a run lacks, NothingChanged where no topic is left.
    Source: Weller et al. 2024, FollowIR, arXiv:2403.15246; mteb's reading of it.
    """
    if documents is None:
        if og_qrels is None or changed_qrels is None:
            raise BadInput("p-MRR needs og and changed qrels, or the changed documents of each topic")
        documents = changed_documents(og_qrels, changed_qrels, relevant_from)
    before, after = read_rankings(og), read_rankings(changed)
    for name, run in (("og", before), ("changed", after)):
        missing = [topic for topic in documents if not run.get(topic)]
        if missing:
            raise BadInput(
                f"the {name} run lacks {len(missing)} of {len(documents)} topics ({_some(missing)}); "
                "expected a ranking for each"
            )
    topics = [topic for topic, ids in documents.items() if ids]
    if not topics:
        raise NothingChanged("in no topic did a relevant document become non-relevant; p-MRR has nothing to average")
    rng = np.random.default_rng(seed)
    shifts: list[Shift] = []
    per_topic, per_null, totals = {}, {}, np.zeros(draws)
    for topic in topics:
        ids = list(dict.fromkeys(documents[topic]))
        shifts.extend(own := _shifts(topic, before[topic], after[topic], ids))
        per_topic[topic] = 100 * math.fsum(shift.value for shift in own) / len(own)
        if draws:
            options, counts = _controls(before[topic], after[topic], own)
            present = np.arange(options.shape[1]) < counts[:, None]
            per_null[topic] = 100 * float((np.where(present, options, 0).sum(axis=1) / counts).mean())
            totals += _null_draws(options, counts, draws, rng)
    value = math.fsum(per_topic.values()) / len(per_topic)
    null = Null(math.nan, math.nan, math.nan)
    if draws:
        drawn = 100 * totals / len(topics)
        null = Null(float(drawn.mean()), *(float(x) for x in np.quantile(drawn, [0.025, 0.975])))
    groups = [clusters.get(topic, topic) if clusters else topic for topic in topics]
    interval = net = None
    if samples:
        interval = mean_interval(list(per_topic.values()), groups, samples=samples, seed=seed, bounds=(-100, 100))
    if samples and draws:
        nets = [per_topic[topic] - per_null[topic] for topic in topics]
        net = mean_interval(nets, groups, samples=samples, seed=seed, bounds=(-200, 200))
    return PMRR(
        value=value,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        net=value - null.mean,
        net_low=net[0] if net else None,
        net_high=net[1] if net else None,
        null=null,
        ceiling=_ceiling(before, after, og_qrels, changed_qrels, documents),
        topics=len(topics),
        documents=len(shifts),
        unchanged=tuple(topic for topic in documents if not documents[topic]),
        per_topic=per_topic,
        per_topic_null=per_null,
        shifts=tuple(shifts),
    )


def _shifts(topic: str, first: Ranking, second: Ranking, ids: Sequence[str]) -> list[Shift]:
    """What the changed documents contribute."""
    ranks = ((id, first.rank.get(id, len(first) + 1), second.rank.get(id, len(second) + 1)) for id in ids)
    return [Shift(topic, id, og, changed, rank_shift(og, changed)) for id, og, changed in ranks]


def _controls(first: Ranking, second: Ranking, own: Sequence[Shift]) -> tuple[Floats, Ints]:
    """The shifts of each changed document's possible controls, (documents, NEAREST), and how many there are of each.

    The first `counts` of a row are there. A document without any neighbour is its own control.
    """
    og = np.array([shift.og for shift in own], dtype=np.int64)
    unchanged = np.delete(np.arange(1, len(first) + 1), og[og <= len(first)] - 1)
    at, exist = nearest(unchanged, og)
    options = np.zeros(at.shape)
    if len(unchanged):
        asked, where = np.unique(unchanged[at], return_inverse=True)
        after = second.ranks([first.order[rank - 1] for rank in asked.tolist()])
        options = rank_shifts(asked, after)[where.reshape(at.shape)]
    counts = exist.sum(axis=1)
    alone = counts == 0
    options[alone, 0], counts[alone] = np.array([shift.value for shift in own])[alone], 1
    return options, counts


def _null_draws(options: Floats, counts: Ints, draws: int, rng: np.random.Generator) -> Floats:
    """(draws,): the topic's p-MRR when every changed document is exchanged for one of its controls."""
    chosen = (rng.random((len(options), draws)) * counts[:, None]).astype(np.intp)
    drawn: Floats = np.take_along_axis(options, chosen, 1).mean(axis=0)
    return drawn


def _ceiling(
    before: Mapping[str, Ranking],
    after: Mapping[str, Ranking],
    og_qrels: Grades | None,
    changed_qrels: Grades | None,
    documents: Mapping[str, Sequence[str]],
) -> float | None:
    """p-MRR x100 between the two ideal rankings (grade down, id down) of the candidates: every ranked document."""
    if og_qrels is None or changed_qrels is None:
        return None
    first, second = _grades(og_qrels), _grades(changed_qrels)
    means = []
    for topic, ids in documents.items():
        if not ids:
            continue
        candidates = sorted(before[topic].rank.keys() | after[topic].rank.keys() | set(ids))
        og = ideal_ranks(first[topic], candidates, ids)
        means.append(rank_shifts(og, ideal_ranks(second[topic], candidates, ids)).mean())
    return 100 * float(np.mean(means))


def _grades(qrels: Grades) -> Mapping[str, Mapping[str, int]]:
    return qrels.topics if isinstance(qrels, Qrels) else qrels


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
