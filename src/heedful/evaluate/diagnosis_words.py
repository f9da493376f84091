"""A system's figures in words. Everything said here follows from the figures alone; no system's name is known."""

from __future__ import annotations

from collections.abc import Mapping

from heedful.evaluate.diagnosis import TOP, Estimate, Kind, SystemDiagnosis, VariantResult
from heedful.evaluate.following import PMRR

BARELY = 0.05  # net p-MRR over the ideal ranking's p-MRR: below it following is shown, and worth little
MOTION_BELOW = 0.8  # rank-biased overlap between a pair's two rankings: below it the top visibly moves


def verdict(system: SystemDiagnosis, word: str) -> tuple[Kind, str]:
    """What the base instruction did. word: what the pairs differ in, "aspect" or "instruction"."""
    base = system.results["base"]
    if base.following is None:
        return _unpaired(base)
    found, between = base.following, base.between
    arrived = base.pairs
    if arrived and not arrived.delivered:
        same = between is not None and between.same == between.topics
        consequence = " So it ranked both alike, and p-MRR is 0." if same else f" Its p-MRR is {_signed(found.value)}."
        return "not delivered", (
            f"Was not delivered the {word}: in all {arrived.of} pairs the two instructions reached its model as one "
            f"and the same input.{consequence} Nothing can be said about following before it arrives."
        )
    partly = ""
    if arrived and arrived.delivered < arrived.of:
        partly = f" In {arrived.of - arrived.delivered} of the {arrived.of} pairs the {word} did not arrive."
    if found.verdict == "followed" and found.ceiling is not None and found.net < BARELY * found.ceiling:
        start = f"Was delivered the {word} and barely follows it" if arrived else f"Barely follows the {word}"
        share = f"{max(1, round(100 * found.net / found.ceiling))} %"
        return "barely followed", (
            f"{start}: net p-MRR {_net(found)} above its null is {share} of what the ideal ranking reaches "
            f"({_against_null(found)}).{partly}"
        )
    if found.verdict == "followed":
        share = f"; the ideal ranking reaches p-MRR {_signed(found.ceiling)}" if found.ceiling is not None else ""
        return (
            "followed",
            f"Follows the {word}: net p-MRR {_net(found)} above its null ({_against_null(found)}{share}).{partly}",
        )
    if found.verdict == "against the instruction":
        return "against the instruction", (
            f"Moves against the {word}: net p-MRR {_net(found)}. What became non-relevant rose "
            f"({_against_null(found)}).{partly}"
        )
    unsure = " More pairs might show it." if found.net > 0 else ""
    if arrived:
        return "delivered, not followed", (
            f"Was delivered the {word} and did not follow it: {_against_null(found)}; net p-MRR {_net(found)} is not "
            f"shown to be above 0.{unsure}{partly}"
        )
    if between and between.same == between.topics:
        return "not followed", f"Does not follow the {word}: it ranks alike for both instructions of every pair."
    if between and between.rbo < MOTION_BELOW:
        return "motion, not following", (
            f"Moves, and does not follow: {100 * between.turnover:.0f} % of its top {TOP} changes between the "
            "instructions of a pair, but documents that nobody asked to move sink as far "
            f"({_against_null(found)}; net {_net(found)}). This is what noise does, and it is no following."
        )
    return (
        "not followed",
        f"Does not follow the {word}: {_against_null(found)}; net p-MRR {_net(found)}.{unsure}{partly}",
    )


def _unpaired(base: VariantResult) -> tuple[Kind, str]:
    told, moved = base.topics, base.from_empty
    if told and not told.delivered:
        return "not delivered", (
            f"Was not delivered the instruction: in all {told.of} topics its model got the same input with the "
            "instruction and without."
        )
    nothing = "Following cannot be judged here: no two topics ask differently about the same documents"
    if moved is None:
        return "not judged", f"{nothing}, and nothing is instructed."
    arrival = f" The instruction reached its model in {told.delivered} of {told.of} topics." if told else ""
    return "not judged", (
        f"{nothing}.{arrival} It changes {100 * moved.turnover:.0f} % of the top {TOP} against no instruction "
        f"(overlap {moved.rbo:.2f})."
    )


def findings(system: SystemDiagnosis, word: str, losses: Mapping[str, Estimate]) -> tuple[str, ...]:
    """What else the probes showed, one sentence each.

    losses: variant -> relevance minus base's; for irrelevant words minus that without any.
    """
    if _unmoved(system):
        still = "Nothing that it was told moved a single ranking"
        if system.results["base"].between and system.results["base"].between.rbo < 1:
            still += "; its topics differ by themselves"
        return tuple(filter(None, (f"{still}.", _hardest(system.results["base"]))))
    said = [
        _loss("Without the instruction", losses.get("empty")),
        _loss(f"Told the wrong {word}", losses.get("wrong")),
        _turned(system.results.get("wrong")),
        _distracted(system.results.get("irrelevant"), losses.get("irrelevant")),
        _wordings(system),
        _hardest(system.results["base"]),
        _undelivered(system),
    ]
    return tuple(sentence for sentence in said if sentence)


def _unmoved(system: SystemDiagnosis) -> bool:
    """Whether every probe that leaves the seed whole gave the rankings of base."""
    moved = [r.from_base for r in system.results.values() if r.from_base and r.variant != "subset"]
    return bool(moved) and all(m.same == m.topics for m in moved)


def _loss(start: str, loss: Estimate | None) -> str:
    if loss is None:
        return ""
    if loss.value == 0 and not loss.low and not loss.high:
        return f"{start}, its relevance is the same to the last digit."
    if loss.low is None or loss.high is None:
        return f"{start}, its relevance differs by {_signed(100 * loss.value)} points."
    interval = _points(loss)
    if loss.high < 0:
        return f"{start}, it is less relevant: {interval}."
    if loss.low > 0:
        return f"{start}, it is more relevant: {interval}."
    return f"{start}, its relevance is not shown to differ: {interval}."


def _points(loss: Estimate) -> str:
    interval = (
        "" if loss.low is None or loss.high is None else f" [{_signed(100 * loss.low)}, {_signed(100 * loss.high)}]"
    )
    return f"{_signed(100 * loss.value)} points{interval}"


def _turned(wrong: VariantResult | None) -> str:
    if wrong is None or wrong.following is None or wrong.following.verdict != "against the instruction":
        return ""
    value = wrong.following.value
    return f"With instructions exchanged its p-MRR turns negative ({_signed(value)}), as that of a follower should."


def _distracted(irrelevant: VariantResult | None, loss: Estimate | None) -> str:
    if irrelevant is None:
        return ""
    moved = irrelevant.from_empty or irrelevant.from_base
    if moved is None:
        return ""
    if moved.same == moved.topics:
        return "A sentence that has nothing to do with ranking leaves every ranking as it was."
    said = (
        f"A sentence that has nothing to do with ranking replaces {100 * moved.turnover:.0f} % of the top {TOP} "
        f"(overlap {moved.rbo:.2f})"
    )
    if loss is None or loss.low is None or loss.high is None or loss.low <= 0 <= loss.high:
        return f"{said}; relevance is not shown to change."
    return f"{said} and changes relevance by {_points(loss)}."


def _wordings(system: SystemDiagnosis) -> str:
    base = next((spread for spread in system.spreads if spread.variant == "base"), None)
    if base is None:
        return ""
    start = f"Over {base.wordings} wordings of one instruction "
    if base.rbo == 1:
        return start + "its rankings are the same."
    net = "" if base.net is None else f" and net p-MRR {_signed(base.net)} (deviation {base.net_deviation:.1f})"
    return (
        f"{start}relevance is {100 * base.relevance:.1f} (deviation {100 * base.relevance_deviation:.1f}){net}; "
        f"overlap between them {base.rbo:.2f}."
    )


def _hardest(base: VariantResult) -> str:
    groups = {group: value.value for group, value in base.relevance.items() if group != "all"}
    if len(groups) < 2 or max(groups.values()) - min(groups.values()) < 0.0005:
        return ""
    worst, best = min(groups, key=lambda g: groups[g]), max(groups, key=lambda g: groups[g])
    return f"Hardest is {worst} ({100 * groups[worst]:.1f}), easiest {best} ({100 * groups[best]:.1f})."


def _undelivered(system: SystemDiagnosis) -> str:
    counts: dict[str, list[int]] = {}
    for result in system.results.values():
        if result.topics:
            count = counts.setdefault(result.variant, [0, 0])
            count[0] += result.topics.of - result.topics.delivered
            count[1] += result.topics.of
    missed = [f"{variant} ({lost} of {all})" for variant, (lost, all) in counts.items() if lost]
    every = [r for r in system.results.values() if r.topics]
    if not missed or all(r.topics and not r.topics.delivered for r in every if r.variant != "subset"):
        return ""
    return f"Words that reached the model as no instruction at all (topics x wordings): {', '.join(missed)}."


def _net(found: PMRR) -> str:
    if found.net_low is None or found.net_high is None:
        return f"{_signed(found.net)}"
    return f"{_signed(found.net)} [{_signed(found.net_low)}, {_signed(found.net_high)}]"


def _against_null(found: PMRR) -> str:
    null = f"{_signed(found.null.mean)} [{_signed(found.null.low)}, {_signed(found.null.high)}]"
    return f"p-MRR {_signed(found.value)}, null {null}"


def _signed(value: float) -> str:
    text = f"{value:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text
