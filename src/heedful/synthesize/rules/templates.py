"""Instructions in many words: an opening, what is asked, an ending, each drawn apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from heedful.synthesize.rules.groups import Ask

WORDS: Mapping[str, tuple[str, ...]] = {  # an aspect in other words, singular, so that any sentence can hold them
    "background": (
        "background",
        "background",
        "motivation",
        "problem setting",
        "research problem",
        "research question",
    ),
    "method": ("method", "method", "approach", "technique", "methodology", "proposed solution"),
    "result": ("result", "result", "main finding", "outcome", "conclusion", "reported result"),
}
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "background": ("what is studied and why", "the problem that is addressed", "what the work sets out from"),
    "method": ("how the problem is solved", "what is proposed or done", "the way the work is carried out"),
    "result": ("what was found", "what the experiments or proofs show", "what comes out of the work"),
}
OPENINGS = (
    "Find papers",
    "Find other papers",
    "Find papers",
    "I want papers",
    "I am looking for papers",
    "Give me papers",
    "Show me articles",
    "Retrieve publications",
    "Search for work",
    "List studies",
    "Rank highest the papers",
    "Please find articles",
    "We need papers",
    "Suggest papers",
    "Relevant are papers",
)
CORES: Mapping[str, tuple[str, ...]] = {
    "aspect": (
        "whose {A} is similar to this paper's",
        "whose {A} is similar to that of this paper",
        "with a similar {A}",
        "that resemble this one in their {A}",
        "which share the {A} of this paper",
        "that have much the same {A} as the given paper",
        "comparable to this one in {A}",
        "whose {A} matches the one here",
        "that agree with this paper on {M}",
        "that are like this one in {M}",
    ),
    "both": (
        "whose {A} and {O} are both similar to this paper's",
        "that share the {A} of this paper and its {O} too",
        "with the same {A} and the same {O}",
        "alike in {A} as well as in {O}",
        "whose {A} matches this paper's, by a similar {O}",
        "that agree with this one on {M}, and on {N} as well",
    ),
    "not": (
        "whose {A} is similar to this paper's but whose {O} is not",
        "that share the {A} of this paper, with a different {O}",
        "with the same {A} and another {O}",
        "alike in {A} and unlike in {O}",
        "whose {A} matches this paper's, but not by a similar {O}",
        "that agree with this one on {M}, though not on {N}",
    ),
    "with": (
        "like this one that are about {P}",
        "similar to this one that deal with {P}",
        "on this subject that involve {P}",
        "close to this paper, as long as they concern {P}",
        "related to this one in which {P} plays a part",
        "of this kind, only such as treat {P}",
    ),
    "without": (
        "like this one that are not about {P}",
        "similar to this one that do not deal with {P}",
        "on this subject that do without {P}",
        "close to this paper, unless they concern {P}",
        "related to this one in which {P} plays no part",
        "of this kind, except such as treat {P}",
    ),
    "from": (
        "like this one whose {F} is {V} or later",
        "similar to this one, with {F} {V} or above",
        "on the same subject, {F} at least {V}",
        "close to this paper, none with a {F} before {V}",
    ),
    "before": (
        "like this one whose {F} is before {V}",
        "similar to this one, with {F} below {V}",
        "on the same subject, {F} less than {V}",
        "close to this paper, none with a {F} of {V} or later",
    ),
    "only": (
        "like this one whose {F} include {V}",
        "similar to this one, filed under {V}",
        "on the same subject, only from {V}",
        "close to this paper that have {V} among their {F}",
    ),
}
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "aspect": (
        ".",
        ".",
        ".",
        ".",
        "; the {O} does not matter.",
        ", even if the {O} is another one.",
        ". Ignore the {O}.",
        ". A similar {O} alone is not enough.",
        ". By {A} I mean {M}.",
        ", that is, {M}.",
        ". Everything else may differ.",
    ),
    "with": (".", ".", ". Others are of no use.", ". Leave out everything else."),
    "without": (".", ".", ". I have enough of those.", ". Such papers are not relevant."),
    "both": (".", ".", ". One of the two is not enough."),
    "not": (".", ".", ". A paper that repeats it is not relevant."),
}
WHOLE: Mapping[str, tuple[str, ...]] = {  # said without opening and ending
    "aspect": (
        "Match the {A}.",
        "Match the {A}, not the {O}.",
        "Same {A}, whatever the {O}.",
        "similar {A}",
        "similar {A}, other {O}",
        "Judge by the {A} only.",
        "What matters is the {A}; disregard the {O}.",
        "The {A} should be like this paper's.",
        "Who else has a {A} like this?",
        "Compare {M}, nothing else.",
    ),
    "both": ("same {A}, same {O}", "Match the {A} and the {O}.", "Both {A} and {O} should be like this paper's."),
    "not": (
        "same {A}, different {O}",
        "Match the {A} but not the {O}.",
        "The {A} should be like this paper's, the {O} unlike it.",
    ),
    "with": ("similar, and about {P}", "Only those on {P}.", "The same, restricted to {P}."),
    "without": ("similar, but not about {P}", "None of those on {P}.", "The same, without {P}."),
    "from": ("{F} from {V} on",),
    "before": ("{F} before {V}",),
    "only": ("only {V}", "{F}: {V}"),
}
_WHOLE_SHARE = 0.25


def render(ask: Ask, rng: np.random.Generator) -> tuple[str, str]:
    """An instruction that asks it, and the id of the templates that made it."""
    words = _words(ask, rng)
    if rng.random() < _WHOLE_SHARE:
        at = int(rng.integers(len(WHOLE[ask.form])))
        return _filled(WHOLE[ask.form][at], words), f"{ask.form}/whole{at}"
    endings = ENDINGS.get(ask.form, (".",))
    opening, core, ending = (int(rng.integers(len(some))) for some in (OPENINGS, CORES[ask.form], endings))
    text = f"{OPENINGS[opening]} {CORES[ask.form][core]}{endings[ending]}"
    return _filled(text, words), f"{ask.form}/{opening}.{core}.{ending}"


def _words(ask: Ask, rng: np.random.Generator) -> dict[str, str]:
    aspect, other = ask.slots.get("aspect", ""), ask.slots.get("other", "")
    return {
        "A": _pick(WORDS.get(aspect, (aspect.replace("_", " "),)), rng),
        "O": _pick(WORDS.get(other, (other.replace("_", " "),)), rng),
        "M": _pick(MEANINGS.get(aspect, (f"the {aspect.replace('_', ' ')}",)), rng),
        "N": _pick(MEANINGS.get(other, (f"the {other.replace('_', ' ')}",)), rng),
        "P": ask.slots.get("phrase", ""),
        "F": ask.slots.get("field", ""),
        "V": ask.slots.get("value", ""),
    }


def _filled(text: str, words: Mapping[str, str]) -> str:
    """One pass over the template: what fills a slot is never taken for one."""
    text = text.format_map(words)
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    return text


def _pick(some: Sequence[str], rng: np.random.Generator) -> str:
    return some[int(rng.integers(len(some)))]
