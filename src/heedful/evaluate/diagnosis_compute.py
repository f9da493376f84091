"""Trials to a diagnosis: how relevant, how far it moved, whether the instruction arrived, what went the wrong way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from heedful.evaluate.diagnosis import (
    TOP,
    Delivery,
    Estimate,
    Exhibit,
    Flow,
    Moves,
    Spread,
    SystemDiagnosis,
    Trial,
    VariantResult,
    WrongWay,
)
from heedful.evaluate.diagnosis_words import findings, verdict
from heedful.evaluate.following import PMRR
from heedful.evaluate.intervals import mean_interval
from heedful.explore.moves import rank_biased_overlap
from heedful.records import Document, Hit, Qrels, Topic

DEPTH = 1000  # ranks that overlap and tau look at
SHOWN_RANKS = 20
WRONG_WAY_SHOWN = 8
TEXT_SHOWN = 700


class Paired(Protocol):
    """Two topics over one pool (a benchmark's pair)."""

    @property
    def id(self) -> str:
        """Its own name."""
        ...

    @property
    def og(self) -> str:
        """The topic before."""
        ...

    @property
    def changed(self) -> str:
        """The topic after."""
        ...

    @property
    def cluster(self) -> str:
        """What it shares with other pairs."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What trials are judged by, on one split.

    judgments: grades, seeds left out. topics: as the benchmark has them. documents: for titles and texts. weights:
    group ("all", aspects or sides) -> topic -> its weight in the group's mean, 1 on average. clusters: topic -> what
    it shares with others. asked: topic -> its aspect or side. word: what pairs differ in, "aspect" or "instruction".
    """

    judgments: Qrels
    topics: Mapping[str, Topic]
    documents: Mapping[str, Document]
    weights: Mapping[str, Mapping[str, float]]
    clusters: Mapping[str, str]
    asked: Mapping[str, str]
    pairs: tuple[Paired, ...]
    relevant_from: int
    word: str


def diagnose_system(name: str, given: Iterable[str], trials: Sequence[Trial], ground: Ground) -> SystemDiagnosis:
    """One system. trials: every probe, the one of variant base and wording 0 among them."""
    by_label = {trial.label: trial for trial in trials}
    base, empty = by_label["base"], by_label.get("empty")
    results = {trial.label: variant_result(trial, ground, base, empty) for trial in trials}
    spreads = tuple(_spread(variant, trials, results) for variant in dict.fromkeys(t.variant for t in trials))
    found = SystemDiagnosis(
        name=name,
        kind="not judged",
        verdict="",
        given=tuple(sorted(given)),
        results=results,
        spreads=tuple(spread for spread in spreads if spread.wordings > 1),
        wrong_way=wrong_way(base, ground),
        exhibits=exhibits(base, empty, ground),
    )
    kind, words = verdict(found, ground.word)
    return replace(found, kind=kind, verdict=words, findings=findings(found, ground.word, _losses(trials, ground)))


def variant_result(trial: Trial, ground: Ground, base: Trial, empty: Trial | None) -> VariantResult:
    """One trial's figures."""
    topics = list(ground.weights["all"])
    hits = trial.run.topics
    between = [(hits[pair.og], hits[pair.changed]) for pair in ground.pairs]
    apart = [pair for pair in ground.pairs if trial.instructions[pair.og] != trial.instructions[pair.changed]]
    told = [id for id in topics if trial.instructions[id]]
    return VariantResult(
        label=trial.label,
        variant=trial.variant,
        wording=trial.wording,
        about=trial.about,
        relevance={group: estimate(trial.values, ground, group) for group in ground.weights},
        following=trial.following,
        following_by=following_by(trial.following, ground),
        between=moves(between),
        from_empty=moves([(empty.run.topics[id], hits[id]) for id in topics]) if empty else None,
        from_base=None if trial is base else moves([(base.run.topics[id], hits[id]) for id in topics]),
        pairs=delivery((trial.inputs[pair.og], trial.inputs[pair.changed]) for pair in apart),
        topics=delivery((empty.inputs[id], trial.inputs[id]) for id in told) if empty else None,
        seconds=trial.seconds,
    )


def estimate(values: Mapping[str, float], ground: Ground, group: str) -> Estimate:
    """Mean of a group with its interval, clusters resampled."""
    return _weighed(values, ground.weights[group], ground.clusters, (0, 1))


def _weighed(
    values: Mapping[str, float],
    weights: Mapping[str, float],
    clusters: Mapping[str, str],
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """A weighted mean with its interval; the weights are fixed, so only the values' distance from it is uncertain."""
    centre = float(np.mean([values[id] * weight for id, weight in weights.items()]))
    linear = [centre + weight * (values[id] - centre) for id, weight in weights.items()]
    interval = mean_interval(linear, [clusters[id] for id in weights], bounds=bounds)
    return Estimate(centre, *(interval or (None, None)))


def following_by(following: PMRR | None, ground: Ground) -> dict[str, Estimate]:
    """Aspect (or side) that the changed instruction asked for -> net p-MRR x100."""
    if following is None:
        return {}
    nets: dict[str, list[tuple[float, str]]] = {}
    for pair in ground.pairs:
        if pair.id in following.per_topic:
            net = following.per_topic[pair.id] - following.per_topic_null[pair.id]
            nets.setdefault(ground.asked.get(pair.changed, ""), []).append((net, pair.cluster))
    found = {}
    for group in (group for group in ground.weights if group in nets):
        values = [net for net, _ in nets[group]]
        interval = mean_interval(values, [cluster for _, cluster in nets[group]], bounds=(-200, 200))
        found[group] = Estimate(float(np.mean(values)), *(interval or (None, None)))
    return found


def moves(rankings: Sequence[tuple[Sequence[Hit], Sequence[Hit]]]) -> Moves | None:
    """Mean distances of (before, after) rankings; None where there are none."""
    if not rankings:
        return None
    rows = []
    for before, after in rankings:
        old, new = [hit.id for hit in before[:DEPTH]], [hit.id for hit in after[:DEPTH]]
        kept = set(old[:TOP]) & set(new[:TOP])
        turnover = 1 - len(kept) / len(new[:TOP]) if new else 0.0
        if old == new:  # 1 to the last digit
            rows.append((1.0, 1.0, 0.0, 1.0))
        else:
            rows.append((rank_biased_overlap(old, new), kendall(old, new), turnover, 0.0))
    rbo, tau, turnover, same = np.array(rows).T
    return Moves(float(rbo.mean()), float(tau.mean()), float(turnover.mean()), int(same.sum()), len(rows))


def kendall(first: Sequence[str], second: Sequence[str]) -> float:
    """Kendall's tau of the documents that both rankings have, in [-1, 1]; 1 where fewer than two are shared."""
    from scipy.stats import kendalltau

    place = {id: rank for rank, id in enumerate(second)}
    ranks = [place[id] for id in first if id in place]
    if len(ranks) < 2:
        return 1.0
    return float(kendalltau(range(len(ranks)), ranks).statistic)


def delivery(inputs: Iterable[tuple[tuple[str, ...] | None, tuple[str, ...] | None]]) -> Delivery | None:
    """How many of the pairs of inputs differ; None where there are none, or one is unknown."""
    rows = list(inputs)
    if not rows or any(a is None or b is None for a, b in rows):
        return None
    return Delivery(sum(a != b for a, b in rows), len(rows))


def wrong_way(trial: Trial, ground: Ground, most: int = WRONG_WAY_SHOWN) -> tuple[WrongWay, ...]:
    """The documents that rose furthest although the changed instruction made them non-relevant, furthest first."""
    if trial.following is None:
        return ()
    pairs = {pair.id: pair for pair in ground.pairs}
    risen = sorted((s for s in trial.following.shifts if s.value < 0), key=lambda s: (s.value, s.topic, s.id))
    found = []
    for shift in risen[:most]:
        pair, document = pairs[shift.topic], ground.documents.get(shift.id)
        found.append(
            WrongWay(
                pair=shift.topic,
                og=pair.og,
                changed=pair.changed,
                id=shift.id,
                og_rank=shift.og,
                changed_rank=shift.changed,
                value=shift.value,
                title=document.title if document else "",
                text=_cut(document.text) if document else "",
                about=topic_name(ground.topics[pair.og], ground.documents),
                og_instruction=trial.instructions[pair.og],
                changed_instruction=trial.instructions[pair.changed],
            )
        )
    return tuple(found)


def topic_name(topic: Topic, documents: Mapping[str, Document]) -> str:
    """What people call a topic: its first seed's title, else its text."""
    if topic.seeds and topic.seeds[0] in documents:
        seed = documents[topic.seeds[0]]
        return seed.title or _cut(seed.text, 160)
    return _cut(topic.text, 160)


def exhibits(base: Trial, empty: Trial | None, ground: Ground) -> tuple[Exhibit, ...]:
    """A pair under base, and one topic with the instruction and without: what the model got."""
    found = []
    if ground.pairs:
        pair = ground.pairs[0]
        found.append(_exhibit("base", pair.og, pair.changed, base, base))
    if empty:
        told = [id for id in ground.weights["all"] if base.instructions[id]]
        first = ground.pairs[0].og if ground.pairs else told[0]
        found.append(_exhibit("empty, then base", first, first, empty, base))
    return tuple(found)


def _exhibit(variant: str, og: str, changed: str, before: Trial, after: Trial) -> Exhibit:
    return Exhibit(
        variant,
        og,
        changed,
        before.instructions[og],
        after.instructions[changed],
        before.inputs[og],
        after.inputs[changed],
    )


def with_flows(
    systems: Sequence[SystemDiagnosis], bases: Mapping[str, Trial], ground: Ground, most: int = 2
) -> list[SystemDiagnosis]:
    """The systems with rank flows of the same topics: the pairs on which the systems differ most in net p-MRR."""
    chosen = _telling_pairs([base.following for base in bases.values() if base.following], ground, most)
    return [
        replace(system, flows=tuple(flow(pair, bases[system.name], ground) for pair in chosen))
        if system.name in bases
        else system
        for system in systems
    ]


def _telling_pairs(found: Sequence[PMRR], ground: Ground, most: int) -> list[Paired]:
    scored = []
    for pair in ground.pairs:
        nets = [f.per_topic[pair.id] - f.per_topic_null[pair.id] for f in found if pair.id in f.per_topic]
        if nets:
            scored.append((max(nets) - min(nets) if len(nets) > 1 else abs(nets[0]), pair.id, pair))
    chosen: list[Paired] = []
    for _, _, pair in sorted(scored, key=lambda row: (-row[0], row[1])):
        if all(pair.cluster != other.cluster for other in chosen):
            chosen.append(pair)
    return chosen[:most]


def flow(pair: Paired, trial: Trial, ground: Ground) -> Flow:
    """The documents in the top of either ranking, with both ranks and what the change asked of them."""
    before = {hit.id: rank for rank, hit in enumerate(trial.run.topics[pair.og], 1)}
    after = {hit.id: rank for rank, hit in enumerate(trial.run.topics[pair.changed], 1)}
    old, new = ground.judgments.topics[pair.og], ground.judgments.topics[pair.changed]
    rows = []
    for id in dict.fromkeys([*before, *after]):
        ranks = before.get(id, len(before) + 1), after.get(id, len(after) + 1)
        was, now = old.get(id, 0) >= ground.relevant_from, new.get(id, 0) >= ground.relevant_from
        asked = "sink" if was and not now else "rise" if now and not was else ""
        if min(ranks) <= SHOWN_RANKS or asked:
            rows.append((id, *ranks, asked))
    return Flow(pair.og, pair.changed, tuple(rows))


def _spread(variant: str, trials: Sequence[Trial], results: Mapping[str, VariantResult]) -> Spread:
    made = [trial for trial in trials if trial.variant == variant]
    relevance = [results[trial.label].relevance["all"].value for trial in made]
    nets = [trial.following.net for trial in made if trial.following]
    first = made[0].run.topics
    against = [moves([(first[id], trial.run.topics[id]) for id in first]) for trial in made[1:]]
    return Spread(
        variant=variant,
        wordings=len(made),
        relevance=float(np.mean(relevance)),
        relevance_deviation=_deviation(relevance),
        net=float(np.mean(nets)) if nets else None,
        net_deviation=_deviation(nets) if nets else None,
        rbo=float(np.mean([m.rbo for m in against if m])) if against else 1.0,
    )


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _losses(trials: Sequence[Trial], ground: Ground) -> dict[str, Estimate]:
    """Variant -> mean relevance minus base's (of irrelevant words: minus that of none), with its interval."""
    by_label = {trial.label: trial for trial in trials}
    base, weights = by_label["base"], ground.weights["all"]
    found: dict[str, Estimate] = {}
    for label in ("empty", "wrong", "irrelevant"):
        if label in by_label:
            from_what = by_label.get("empty", base) if label == "irrelevant" else base
            differences = {id: by_label[label].values[id] - from_what.values[id] for id in weights}
            found[label] = _weighed(differences, weights, ground.clusters)
    return found


def _cut(text: str, most: int = TEXT_SHOWN) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"
