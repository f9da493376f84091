# ruff: noqa: E501
"""Reads an instruction by rules: sentence by sentence, clause by clause, into the parts of a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heedful.explore.planning import frames as fr
from heedful.explore.planning.aspects import AspectWords, aspect_words, nearest_aspect
from heedful.explore.planning.clauses import Segment, mark_seeds, segments, settle_negations, write_out
from heedful.explore.planning.content import contents, is_hedged, is_vague, strip_light, trim, trim_edges, words
from heedful.explore.planning.filters import Columns, take_filters
from heedful.explore.planning.narrative import Claim, claims, is_definition, split_task
from heedful.explore.planning.text import fold, is_english, repair, sentences
from heedful.records import Clause, Plan

if TYPE_CHECKING:
    from heedful.corpus.aspects import AspectScheme
    from heedful.seams import DocumentEncoder

LONGEST = 20_000  # characters of an instruction that are read
MOST = 64  # clauses kept of each kind; what is beyond them is reported in `not_understood`
_SOME = re.compile(
    r"(?<![\w-])(?:to some extent|to a lesser (?:extent|degree)|partly|somewhat|a bit|a little|slightly|less so|secondarily|some)(?![\w-])",
    re.I,
)
_SEEDLIKE = re.compile(r"@seed|similar|same|different|other|unlike", re.I)


_DISCOURSE = re.compile(
    r"^(?:(?:in addition|additionally|moreover|furthermore|overall|for example|for instance|finally|first(?:ly| of all)?|second(?:ly)?|third(?:ly)?|lastly|however|therefore|thus|"
    r"in particular|in general|in short|in other words|e\.g\.|i\.e\.|also|besides|otherwise|hence|narrative:?|note that|please note that|of course|basically)\s*,?\s+)+(?=\S)", re.I
)  # fmt: skip


SET_ASIDE = 0.9
"""How far a plan steers that sets an aspect aside ("method, not topic")."""

_RELATIVE = re.compile(r"^(?:(?:the|an?|with|on|by|from|papers?)\s+)*(?:same|similar|different|other|another)\s", re.I)
_RELEVANT = re.compile(r"\b(?:ir|non-?)?relevant\b", re.I)
_LIKENESS = re.compile(r"\b(?:(?:this|the seed|the given) (?:paper|article|document)|similar|same|alike|seed)\b", re.I)


@dataclass(slots=True)
class Draft:
    """A plan while it is being read."""

    weights: dict[str, list[float]] = field(default_factory=dict)
    wanted: list[Clause] = field(default_factory=list)
    avoided: list[Clause] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    task: list[str] = field(default_factory=list)
    not_understood: list[str] = field(default_factory=list)
    narrative: bool = False
    claimed: int = 0
    framed: bool = False

    def give(self, aspect: str, weight: float) -> None:
        """One more statement about an aspect."""
        self.weights.setdefault(aspect, []).append(weight)

    def miss(self, text: str) -> None:
        """Something that fits nothing: wanted a little, and said so."""
        text = text.strip()
        if text:
            self.not_understood.append(text)
            self.wanted.append(Clause(text, 0.5))


def _is_narrative(text: str) -> bool:
    """Whether a text of several sentences tells what is relevant, without comparing anything with a seed."""
    return len(text) > 120 and _RELEVANT.search(text) is not None and not _LIKENESS.search(text)


class Reader:
    """Reads instructions for one scheme and one set of columns."""

    def __init__(
        self,
        scheme: AspectScheme,
        columns: Columns,
        encoder: DocumentEncoder | None = None,
        today: int | None = None,
    ):
        self.scheme, self.columns, self.encoder, self.today = scheme, columns, encoder, today
        self.words: AspectWords = aspect_words(scheme)
        self.frames = fr.frames_for(self.words)
        self._colon = re.compile(
            rf"^({self.words.noun})\s*[:=]\s*(?=(?:the\s+)?(?:same|similar|different|other|any|irrelevant|ignore[d]?|alike|open|unimportant|important|identical|comparable)\b)",
            re.I,
        )

    def read(self, text: str) -> Plan:
        """The plan that an instruction stands for; every text has one."""
        rest = max(0, len(text) - LONGEST)
        text = fold(text[:LONGEST])
        draft = Draft(narrative=_is_narrative(text))
        defined = False
        for sentence in sentences(text):
            defined = self._sentence(sentence, draft, defined)
        if rest:
            draft.not_understood.append(f"{rest} characters after the first {LONGEST} were not read")
        return self._plan(draft)

    def _sentence(self, sentence: str, draft: Draft, defined: bool) -> bool:
        """Read one sentence into the draft; True where it was a definition."""
        if not is_english(sentence):
            draft.miss(sentence)
            return False
        text = _DISCOURSE.sub("", write_out(repair(sentence)))
        if is_definition(mark_seeds(text), self.words.noun, defined):
            draft.task.append(sentence)
            return True
        task, text = split_task(text)
        if task and not text:
            if not self._requests(task):
                draft.task.append(sentence)
                return False
            text = re.sub(r"^.*?\b(?:is|are)\s+to\s+", "", task, count=1, flags=re.I)
        before = (len(draft.weights), len(draft.avoided), len(draft.where))
        asked = len(draft.wanted)
        self._statement(text, draft)
        if task:
            given = task.lower().startswith("given")
            if given and before == (len(draft.weights), len(draft.avoided), len(draft.where)):
                del draft.wanted[asked:]
                draft.task.append(sentence)
            else:
                draft.task.append(task)
        return False

    def _requests(self, text: str) -> bool:
        """Whether a task sentence also asks for an aspect ("Your task is to find papers with a similar method")."""
        text = mark_seeds(text)
        return bool(re.search(r"\b(?:similar|same|different|alike|match\w*)\b", text, re.I)) and any(
            self.frames.find(p, prose=True) for p in re.split(r"[,;]", text)
        )

    def _statement(self, text: str, draft: Draft) -> None:
        text = self._colon.sub(r"\1 is ", text.strip().rstrip(".!?;:"))
        draft.framed = False
        about = claims(text) or self._elliptic(text, draft)
        text, conditions, unclear = take_filters(
            text, self.columns, narrative=about is not None or draft.narrative, today=self.today
        )
        draft.where += conditions
        for words_ in unclear:
            draft.miss(words_)
        marked = text if draft.narrative else self.words.mark(mark_seeds(text))
        if about is not None and not self._aspect_only(marked):
            compares = _SEEDLIKE.search(marked)
            source = mark_seeds(text) if compares else text
            about = (claims(re.sub(r"\s+,\s+", " ", source)) or about) if conditions or compares else about
            for claim in about or [Claim(1, source)]:
                self._claim(claim, draft)
                draft.claimed = claim.polarity
            return
        text, _ = settle_negations(marked)
        prose = draft.narrative or len(words(text)) > 24
        parts = list(segments(text, lambda clause: self._settled(clause, draft, prose)))
        whole = (
            prose
            and len(words(text)) > 8
            and not any(p.negative for p in parts)
            and not self.frames.find(text, prose=True)
        )
        if whole:
            parts = [Segment(settle_negations(text)[0])]
        for part in parts:
            self._segment(part, draft, whole=whole, prose=prose)

    @staticmethod
    def _elliptic(text: str, draft: Draft) -> list[Claim] | None:
        """Read "... are not." that follows a sentence about relevance."""
        match = (
            re.match(r"(?P<s>.+?)\s+(?:is|are|do|does|would|will)\s+not$", text, re.I | re.S) if draft.claimed else None
        )
        return [Claim(-draft.claimed, match["s"])] if match else None

    def _settled(self, clause: str, draft: Draft, prose: bool) -> list[str]:
        """Give the aspects that a clause settles by itself; what is left of it to read."""
        rest: list[str] = []
        while found := self.frames.find_settled(clause, prose=prose):
            for aspect, value in found.weights:
                draft.give(aspect, self._polar(value, Segment(clause), clause, found))
            draft.framed = True
            rest.append(strip_light(found.left))
            clause = found.right
        return [text for text in (*rest, clause) if text.strip()]

    def _aspect_only(self, text: str) -> bool:
        """Whether a sentence with "relevant" or "must" is about an aspect: "the topic is not relevant"."""
        if re.search(r"(?:off|on)[- ]topic|^\W*an?\s", text, re.I):
            return False
        found = self.frames.find_settled(text) or self.frames.find(text)
        most = 3 if _SEEDLIKE.search(text) else 0
        return found is not None and not any(len(words(trim(t)[0])) > most for t in (found.left, found.right))

    def _claim(self, claim: Claim, draft: Draft) -> None:
        if not claim.polarity:
            return
        text, _ = settle_negations(re.sub(r"^according to (?:it|the \w+|@seed)\s*,\s*", "", claim.text, flags=re.I))
        whole = len(words(text)) > 8
        for part in _long_segments(text):
            negative = part.negative != (claim.polarity < 0)
            self._segment(Segment(part.text, negative, part.cue), draft, whole=whole, weight=claim.weight, prose=True)

    def _segment(
        self, part: Segment, draft: Draft, *, whole: bool = False, weight: float = 1.0, prose: bool = False
    ) -> None:
        text = part.text
        if part.neutral:
            found = self.frames.find(text)
            for aspect, _ in found.weights if found else ():
                draft.give(aspect, fr.IGNORE)
            return
        any_frame = False
        for _ in range(6):
            found = self.frames.find(text, prose=prose)
            if found is None:
                break
            any_frame = draft.framed = True
            for aspect, value in found.weights:
                draft.give(aspect, self._polar(value, part, text, found))
            if found.left.strip():
                self._segment(
                    Segment(strip_light(found.left), part.negative, part.cue),
                    draft,
                    whole=whole,
                    weight=weight,
                    prose=prose,
                )
            text, part = found.right, Segment(found.right)
        text, likened = fr.likeness().subn(" ", text)
        self._content(text, part, draft, whole=whole, weight=weight, likened=bool(likened) or any_frame)

    def _polar(self, value: float, part: Segment, text: str, found: fr.Found) -> float:
        if part.negative:
            plain = not _SEEDLIKE.search(text) or value == fr.IGNORE
            if re.search(r"\bneed\w* not|\bnot\s+(?:need|have\s+to|necessarily|required)", part.cue, re.I):
                return fr.IGNORE
            if value == fr.LIKE:
                strong = part.cue.lower().split(" ")[0].startswith(("avoid", "exclud", "unlike"))
                return fr.IGNORE if plain else (fr.UNLIKE if strong else fr.NOT_SAME)
            return fr.LIKE if value < 0 else fr.IGNORE
        if value == fr.LIKE and (is_hedged(text) or _SOME.search(text)):
            return 0.5
        if value < 0 and is_hedged(text):
            return value / 2
        return value

    def _content(self, text: str, part: Segment, draft: Draft, *, whole: bool, weight: float, likened: bool) -> None:
        for content in contents(text, negative=part.negative, whole=whole):
            if self.encoder is not None and not part.negative and _SEEDLIKE.search(part.text):
                aspect = nearest_aspect(content.text, self.scheme, self.encoder)
                if aspect:
                    draft.give(aspect, fr.LIKE)
                    continue
            if part.negative:
                draft.avoided.append(Clause(content.text, weight))
            elif (likened or draft.framed) and is_vague(content.text):
                continue
            elif (
                not whole
                and ("@seed" in text or _RELATIVE.match(text))
                and len(words(content.text)) < 4
                and not likened
            ):
                draft.miss(trim_edges(text))  # asks for something about the seed that is no aspect: "the same authors"
            elif not content.understood and not whole:
                draft.miss(content.text)
            else:
                draft.wanted.append(Clause(content.text, min(weight, content.weight) if not whole else weight))

    def _plan(self, draft: Draft) -> Plan:
        aspects, clashes = settle(draft.weights, self.scheme.names)
        wanted, more = _distinct(draft.wanted)
        avoided, still_more = _distinct(draft.avoided)
        missed = list(dict.fromkeys(draft.not_understood))[:MOST] + clashes
        if more or still_more:
            missed.append(f"{more + still_more} further clauses were left out")
        return Plan(
            aspects=aspects,
            wanted=wanted,
            avoided=avoided,
            where=" AND ".join(dict.fromkeys(_joined(draft.where))) or None,
            task=" ".join(draft.task)[:4000] or None,
            steer=_steer(draft.weights, aspects),
            not_understood=tuple(missed),
        )


def _steer(said: Mapping[str, list[float]], aspects: Mapping[str, float]) -> float | None:
    """Little is left to the whole where one aspect is asked for and another set aside: the whole is made of both."""
    asked = any(weight > 0 for weight in aspects.values())
    aside = any(aspects[name] <= 0 for name in said if name in aspects)
    return SET_ASIDE if asked and aside else None


def _long_segments(text: str) -> list[Segment]:
    """Of a long clause only what an exclusion cuts off stands alone."""
    parts = list(segments(text))
    if not any(p.negative for p in parts):
        return [Segment(text)]
    joined: list[Segment] = []
    for part in parts:
        if joined and not part.negative and not joined[-1].negative:
            joined[-1] = Segment(f"{joined[-1].text}, {part.text}")
        else:
            joined.append(part)
    return joined


def _joined(conditions: list[str]) -> list[str]:
    return [
        f"({c})" if " OR " in c and not c.startswith(("(", "NOT")) and len(conditions) > 1 else c for c in conditions
    ]


def _distinct(clauses: list[Clause]) -> tuple[tuple[Clause, ...], int]:
    """Each text once (with its greatest weight), at most `MOST`; and how many were left out."""
    best: dict[str, Clause] = {}
    for clause in clauses:
        key = clause.text.casefold()
        if key not in best or best[key].weight < clause.weight:
            best[key] = clause
    kept = tuple(best.values())
    return kept[:MOST], max(0, len(kept) - MOST)


def settle(said: dict[str, list[float]], names: tuple[str, ...]) -> tuple[dict[str, float], list[str]]:
    """One weight an aspect from everything said about it, and the contradictions among it.

    What was not mentioned is 0; where aspects were only set aside ("don't match on method"), the others are 1.
    """
    clashes = []
    weights: dict[str, float] = {}
    for name in names:
        values = said.get(name)
        if not values:
            continue
        signs = {v > 0 for v in values if v != 0}
        if len(signs) > 1:
            clashes.append(f"{name}: asked to be alike and different at once; read as half alike")
            weights[name] = 0.5
        elif 0.0 in values and any(v < 0 for v in values):
            weights[name] = min(values)
        elif 0.0 in values:
            weights[name] = values[-1]
        else:
            weights[name] = max(values, key=abs)
    ignoring_only = bool(weights) and all(v == 0 for v in weights.values()) and len(weights) < len(names)
    rest = 1.0 if ignoring_only else 0.0
    return {name: weights.get(name, rest) for name in names}, clashes
