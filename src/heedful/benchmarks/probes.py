"""Probes: everything that a diagnosis tells a system about a topic, to see what the telling changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from heedful.benchmarks.benchmark import Benchmark
from heedful.benchmarks.variants import BASE, Variants, instructed, variants_of
from heedful.records import Topic

EMPTY, WRONG, IRRELEVANT = "empty", "wrong", "irrelevant"
OFF_TOPIC = "Please answer politely, and keep in mind that the office is closed on Friday afternoon."


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to instruct every topic of a benchmark.

    variant: its name. wording: 0, or the number of the paraphrase. topics: id -> topic as the system gets it. about:
    what the probe is, in a few words. templates: what its instructions were written from (empty: the folder's own).
    """

    variant: str
    wording: int
    topics: Mapping[str, Topic]
    about: str
    template: str = ""

    @property
    def label(self) -> str:
        """`base`, `base (2)`, ..."""
        return self.variant if not self.wording else f"{self.variant} ({self.wording + 1})"

    def instructions(self) -> Mapping[str, str]:
        """Topic -> instruction."""
        return {id: topic.instruction for id, topic in self.topics.items()}


_ABOUT = {
    EMPTY: "no instruction at all",
    "generic": "likeness, no aspect named",
    BASE: "the instruction itself",
    "definition": "base, and a sentence that defines the aspect",
    "subset": "base, and the seed cut to its sentences of the aspect",
    WRONG: "the instruction of another aspect, judged by this one",
    IRRELEVANT: "a sentence that has nothing to do with ranking",
}


def probes_of(benchmark: Benchmark, *, paraphrases: bool = True) -> tuple[Probe, ...]:
    """Every probe that this benchmark allows, from saying nothing to saying something else.

    Always base and irrelevant; empty where base says something; the named variants where every topic has an aspect;
    paraphrases of those whose wording is ours; wrong where topics differ in what base tells them.
    """
    words = variants_of(benchmark)
    base = instructed(benchmark, words)
    own = any(topic.instruction or not topic.aspect for topic in benchmark.topics.values())
    template = "" if own else words[BASE].wordings[0]
    probes = [Probe(BASE, 0, base, "the folder's own instruction" if own else _ABOUT[BASE], template)]
    if any(topic.instruction for topic in base.values()):
        silent = {id: replace(topic, instruction="") for id, topic in base.items()}
        probes.append(Probe(EMPTY, 0, silent, _ABOUT[EMPTY]))
    if all(topic.aspect for topic in benchmark.topics.values()):
        for name, variant in words.by_name.items():
            wordings = variant.wordings if paraphrases and not (own and name == BASE) else variant.wordings[:1]
            for wording, text in enumerate(wordings):
                if name != BASE or wording:
                    topics = instructed(benchmark, words, name, wording)
                    probes.append(Probe(name, wording, topics, _ABOUT.get(name, ""), text))
    wrong = _wrong(benchmark, words, base)
    if wrong:
        what = _ABOUT[WRONG] if any(t.aspect for t in base.values()) else "another topic's instruction"
        probes.append(Probe(WRONG, 0, wrong, what))
    off = {id: replace(topic, instruction=OFF_TOPIC) for id, topic in base.items()}
    probes.append(Probe(IRRELEVANT, 0, off, _ABOUT[IRRELEVANT], OFF_TOPIC))
    order = {name: place for place, name in enumerate([EMPTY, *words.by_name, WRONG, IRRELEVANT])}
    return tuple(sorted(probes, key=lambda probe: (order[probe.variant], probe.wording)))


def _wrong(benchmark: Benchmark, words: Variants, base: Mapping[str, Topic]) -> dict[str, Topic] | None:
    """Each topic with the instruction of what it is paired with, else of another aspect, else another instruction.

    None where all topics are told the same.
    """
    partner: dict[str, str] = {}
    for pair in benchmark.pairs:  # of several partners the first
        partner.setdefault(pair.og, pair.changed)
    for pair in benchmark.pairs:
        if benchmark.sides:
            partner[pair.changed] = pair.og
    aspects = list(dict.fromkeys(topic.aspect for topic in base.values()))
    said = list(dict.fromkeys(topic.instruction for topic in base.values()))
    if len(said) < 2:
        return None
    by_aspect = {aspect: [t.instruction for t in base.values() if t.aspect == aspect] for aspect in aspects}
    topics = {}
    for id, topic in base.items():
        if id in partner:
            other = base[partner[id]].instruction
        elif topic.aspect and len(aspects) > 1:
            other = by_aspect[aspects[(aspects.index(topic.aspect) + 1) % len(aspects)]][0]
        else:
            other = said[(said.index(topic.instruction) + 1) % len(said)]
        topics[id] = replace(topic, instruction=other)
    return topics
