"""Other measures of following: what one ranking did to a document when the instruction changed, or was reversed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from heedful.evaluate.measures import Measure, score_topics
from heedful.records import Hit, Qrels, Run

DEPTH = 20  # beyond this original rank WISE hardly rewards


def paired_accuracy(
    og: Run, changed: Run, og_qrels: Qrels, changed_qrels: Qrels, relevant_from: int = 1
) -> dict[str, float]:
    """Topic -> share of its document pairs that both instructions order rightly, in [0, 1]; chance is 1/4.

    A pair is one document relevant only under og and one relevant only under changed: og must rank the first above
    the second, changed the second above the first. Ties by id, descending; a document that a run lacks ranks last.
    Topics without such a pair are left out. Source: Weller et al. 2024, NevIR, arXiv:2305.07614.
    """
    values = {}
    for topic, first in og_qrels.topics.items():
        second = changed_qrels.topics.get(topic, {})
        before = {id for id, grade in first.items() if grade >= relevant_from}
        after = {id for id, grade in second.items() if grade >= relevant_from}
        pairs = [(a, b) for a in before - after for b in after - before]
        if not pairs:
            continue
        rank_og, rank_changed = _ranks(og.topics.get(topic, ())), _ranks(changed.topics.get(topic, ()))
        right = [
            _rank(rank_og, a) < _rank(rank_og, b) and _rank(rank_changed, b) < _rank(rank_changed, a) for a, b in pairs
        ]
        values[topic] = sum(right) / len(right)
    return values


def robustness(values: Mapping[str, float], groups: Mapping[str, str]) -> dict[str, float]:
    """Group -> the lowest value of its topics: one query under several instructions is as good as its worst.

    values: topic -> value, as nDCG@10. groups: topic -> the query that it instructs; groups of one topic are left out.
    Source: Oh et al. 2024, InstructIR, arXiv:2402.14334.
    """
    together: dict[str, list[float]] = {}
    for topic, group in groups.items():
        if topic in values:
            together.setdefault(group, []).append(values[topic])
    return {group: min(found) for group, found in together.items() if len(found) > 1}


def robustness_at(run: Run, qrels: Qrels, groups: Mapping[str, str], k: int = 10) -> dict[str, float]:
    """Robustness@k: `robustness` of nDCG@k by the trec convention."""
    measure = Measure("nDCG", k)
    return robustness(score_topics(run, qrels, [measure])[measure], groups)


def sicr(
    og: Run, instructed: Run, reversed_: Run, og_qrels: Qrels, instructed_qrels: Qrels, relevant_from: int = 1
) -> dict[str, float]:
    """Topic -> strict instruction compliance ratio, in [0, 1].

    The share of documents relevant under og and instructed for which the instruction raises rank and score and its
    reversal lowers both (one that is first already must stay there, and not lose score). A document that a run lacks
    ranks one past its end with score 0. Source: Zhou et al. 2025, InfoSearch, arXiv:2410.23841.
    """
    return {
        topic: sum(_complies(*place) for place in places) / len(places)
        for topic, places, _ in _places(og, instructed, reversed_, og_qrels, instructed_qrels, relevant_from)
    }


def wise(
    og: Run, instructed: Run, reversed_: Run, og_qrels: Qrels, instructed_qrels: Qrels, relevant_from: int = 1
) -> dict[str, float]:
    """Topic -> weighted instruction sensitivity, in (-1, 1]: mean of `wise_of` over the documents that stay relevant.

    Source: Zhou et al. 2025, InfoSearch, arXiv:2410.23841, and its evaluation code.
    """
    return {
        topic: sum(wise_of(o[0], i[0], r[0], relevant) for o, i, r in places) / len(places)
        for topic, places, relevant in _places(og, instructed, reversed_, og_qrels, instructed_qrels, relevant_from)
    }


def wise_of(og: int, instructed: int, reversed_: int, relevant: int) -> float:
    """WISE of one document from its three ranks (1-based). relevant: documents relevant under og.

    Moved rightly (not lower when instructed, lower when reversed): 1 where it comes first from above `relevant`, else
    a reward that falls with its distance from the top; 0.01 from an original rank beyond DEPTH. Else a penalty: how
    far it fell when instructed, or rose when reversed, in (-1, 0].
    """
    if instructed <= og < reversed_:
        if og < relevant and instructed == 1:
            return 1.0
        return (1 - (og - instructed) / DEPTH) / sqrt(instructed) if og <= DEPTH else 0.01
    if og <= instructed:
        return (og - instructed) / instructed
    return (reversed_ - og) / og


Place = tuple[int, float]


def _places(
    og: Run, instructed: Run, reversed_: Run, og_qrels: Qrels, instructed_qrels: Qrels, relevant_from: int
) -> list[tuple[str, list[tuple[Place, Place, Place]], int]]:
    """(topic, each lasting document's rank and score in the three runs, documents relevant under og)."""
    found = []
    for topic, grades in og_qrels.topics.items():
        relevant = [id for id, grade in grades.items() if grade >= relevant_from]
        later = instructed_qrels.topics.get(topic, {})
        lasting = [id for id in relevant if later.get(id, 0) >= relevant_from]
        if not lasting:
            continue
        runs = [(_ranks(run.topics.get(topic, ())), _scores(run, topic)) for run in (og, instructed, reversed_)]
        places = [tuple((_rank(ranks, id), scores.get(id, 0.0)) for ranks, scores in runs) for id in lasting]
        found.append((topic, [(p[0], p[1], p[2]) for p in places], len(relevant)))
    return found


def _complies(og: Place, instructed: Place, reversed_: Place) -> bool:
    sinks = reversed_[0] > og[0] and og[1] > reversed_[1]
    if og[0] == 1:
        return sinks and instructed[0] == 1 and instructed[1] >= og[1]
    return sinks and instructed[0] < og[0] and instructed[1] > og[1]


def _ranks(hits: Sequence[Hit]) -> dict[str, int]:
    order = sorted(hits, key=lambda hit: (hit.score, hit.id), reverse=True)
    return {hit.id: rank for rank, hit in enumerate(order, 1)}


def _rank(ranks: Mapping[str, int], id: str) -> int:
    return ranks.get(id, len(ranks) + 1)


def _scores(run: Run, topic: str) -> dict[str, float]:
    return {hit.id: hit.score for hit in run.topics.get(topic, ())}
