# ruff: noqa: E501
"""Sentences that speak about documents from outside: what is relevant, what the task is, what an aspect means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from heedful.explore.planning.lexicon import DOCUMENTS

_DOC = rf"(?:{DOCUMENTS}|candidate passages?|candidate documents?|clinical trials?|search results|discussions?)"
_REL = r"(?:relevant|on[- ]topic|of (?:some |great )?interest|pertinent|acceptable|appropriate|eligible|desired|wanted|useful|suitable|responsive|considered|sought|accepted)"
_IRREL = r"(?:irrelevant|non-?relevant|off[- ]topic|unwanted|unacceptable|undesired|inappropriate|excluded|out of scope|unsuitable|ineligible|disregarded|rejected|ignored|omitted|left out|filtered out|discarded|penali[sz]ed|skipped|avoided|a no-go|taboo|off[- ]limits|banned|removed|dropped)"
_BE = r"(?:is|are|was|were|be|being|been|should|must|may|might|can|could|will|would|shall|also|considered|deemed|judged|counted|regarded|treated|seen|as|to|however|likewise|all|both|always|only|still|has|have|do|does|count|counts|equally|to|strictly|generally|specifically|highly|particularly|clearly|an?|again|both)"
_NOT = r"(?:not|never|no longer|hardly|nor|neither)"

_JUDGED = re.compile(
    rf"^(?P<s>.+?)\s*,?\s+(?:(?:also|would|will|should|must|may|can|could|all|both|however|likewise|has|have|to|shall|might|always|only)\s+)*(?:(?P<neg0>not|never)\s+)?(?:is|are|was|were|be|being|been|counts?|considered|deemed|judged)\s+(?:{_BE}\s+)*(?:(?P<neg>{_NOT})\s+)?(?:{_BE}\s+)*(?:(?P<rel>{_REL})|(?P<irrel>{_IRREL}))(?P<rest>(?:[\s,].*)?)$",
    re.I | re.S,
)
_INVERTED = re.compile(
    rf"^(?:also\s+|likewise\s+|equally\s+)?(?:(?P<neg>not|neither|nor)\s+)?(?:(?P<rel>{_REL})|(?P<irrel>{_IRREL}))\s+(?:is|are|would be|will be)\s+(?P<s>.+)$",
    re.I | re.S,
)
_TO_BE = re.compile(
    rf"^(?:in order\s+)?(?:to be|to count as|to qualify as)\s+(?:considered\s+|judged\s+|deemed\s+)?(?:as\s+)?{_REL}\s*,?\s*(?:(?:an?|the|each|every|any|all)\s+)?(?:\w+\s+)?{_DOC}\s+(?P<v>.+)$",
    re.I | re.S,
)
_RELEVANT_DOC = re.compile(
    rf"^(?:narrative:?\s+)?(?:(?:an?|the|any|all|each|every|most|other|some|and|or|but|also|only)\s+)*(?P<irrel>(?:non-?|ir|not\s+)?)(?:{_REL})\s+{_DOC}(?:\s+for\s+this\s+\w+)?\s+(?P<v>.+)$",
    re.I | re.S,
)
_DOC_MODAL = re.compile(
    rf"^(?:(?:an?|the|any|all|each|every|your|good|ideal|such|only|and|or|but|also|matching|retrieved|returned|selected)\s+)*{_DOC}\s+(?P<v>(?:must|should|may|can|could|might|will|shall|needs?(?:\s+not)?\s+to|ha(?:s|ve)\s+to|ought\s+to|cannot)\s.+)$",
    re.I | re.S,
)
_MODAL = re.compile(
    r"^(?:(?P<soft>may|might|can|could)|(?P<hard>must|should|will|would|shall|needs?\s+to|ha(?:s|ve)\s+to|do(?:es)?|is|are|ought\s+to|cannot|to))\s+"
    r"(?:(?:also|either|at least|therefore|then|preferably|ideally|clearly|explicitly|specifically|actually|however|both|all|always|be (?:those|ones|one|documents|papers|articles)(?: that| which)?|include(?:s)? those(?: that| which)?|those(?: that| which))\s+)*"
    r"(?P<neg>(?:not|never)\s+)?(?:(?:only|merely|just|simply)\s+)?",
    re.I,
)
_CONDITION = re.compile(
    r"^\s*,?\s*(?P<c>unless|only if|only when|only where|if and only if|if|when|where|provided(?: that)?|as long as|so long as|except(?: when| if| where)?|even if|even when|even though|because|since|as|for)\b\s*,?\s*(?P<t>.+)$",
    re.I | re.S,
)
_ELLIPTIC = re.compile(r"^(?P<s>.+?)\s+(?:is|are|do|does|would|will|should|were|was)\s*(?P<neg>not|n't)?$", re.I | re.S)
_TASK = re.compile(
    r"^(?:(?:then\s+)?(?:retrieve|find|return|identify|select)\s+(?:\w+\s+){0,3}(?:that|which)\s+(?:best\s+|most\s+\w+\s+)?(?:answers?|supports?|refutes?|meets?|satisf\w+|address(?:es)?|is relevant to|are relevant to|helps? answer)\s+(?:or \w+ )?(?:it|the (?:question|query|claim|need|request|user)|this (?:question|query|claim))\b|you are|you're|you act|act as|imagine|assume (?:that )?you|suppose (?:that )?you|as an?\s|as the\s|i am an?\s|i'm an?\s|i am the\s|i am (?:currently|working|writing|preparing|doing)|i'm (?:currently|working|writing|preparing|doing)|we are\s+an?\s|"
    r"my (?:name|job|role) is|i work (?:as|in|for|at)|your (?:task|job|role|goal|objective) (?:is|will)|the (?:\w+\s+){0,4}(?:objective|goal|aim|purpose|task|motivation|query|passage|user|corpus|collection|candidate\w*|information retrieval task)\s+(?:of (?:this|the|our)|is\s+(?:to|an?|the|that)\s|consists?|will be|contains?|here is|describes|behind|for this)|"
    r"this (?:is an? )?(?:\w+\s+){0,3}(?:task|search|information retrieval task|benchmark|query)(?:\s|,)|the (?:overall|main|general|specific) (?:goal|aim|objective|task)|(?:each|every|the|a|an) (?:candidate )?(?:query|passage) (?:is(?! (?:not |only |also )?(?:ir)?relevant)|consists|contains|will)|"
    r"task:|instructions?:|context:|in this task|for this task|the following (?:is|are)|below (?:is|are)|here is|here are|this collection|queries are|passages are|documents are (?:abstracts|papers|scientific))",
    re.I,
)  # fmt: skip
_GIVEN = re.compile(r"^(?P<g>given (?:an?|the|some|any|each|this)\s[^,]{1,160}),\s*(?P<r>.+)$", re.I | re.S)
_PERSONA = re.compile(
    r"^(?P<g>(?:as an?|being an?|speaking as an?|i am an?|i'm an?)\s[^,]{1,120}),\s*(?P<r>(?:i|please|find|show|my|we|give|and i)\b.+)$",
    re.I | re.S,
)
_PERSONA_AND = re.compile(
    r"^(?P<g>(?:i am|i'm|we are)\s+(?:an?\s+|the\s+)?[^,]{1,120}?)\s*,?\s+(?:and|who|so)\s+(?P<r>(?:i\s+|we\s+)?(?:need|want|would like|am looking for|am searching for|look for|wants|needs|is looking for)\b.+)$",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about relevance. polarity: 1 wanted, -1 avoided, 0 neither. weight: in (0, 1]."""

    polarity: int
    text: str
    weight: float = 1.0


def split_task(sentence: str) -> tuple[str | None, str]:
    """(what describes the task or the user, what is left to read). Either may be empty."""
    for pattern in (_GIVEN, _PERSONA, _PERSONA_AND):
        match = pattern.match(sentence)
        if match:
            return match["g"], match["r"]
    return (sentence, "") if _TASK.match(sentence) else (None, sentence)


def is_definition(sentence: str, noun: str, after_definition: bool) -> bool:
    """Whether a sentence says what an aspect is ("The method is how ..."), which asks for nothing.

    noun: a regular expression of aspect nouns. after_definition: the sentence before was one.
    """
    start = rf"^(?:here|where|note|note that|in this context|by definition|that is)?\s*,?\s*(?:and\s+)?(?:(?:the|an?|its|@seed's|their|by|with|what we call|the term|the word|a paper's|an article's|a document's|each paper's|the paper's|the aspect)\s+)*[\"']?(?:{noun})(?:\s+aspect|\s+section|\s+part)?[\"']?"
    if re.match(
        rf"{start}(?:\s+(?:of|in)\s+(?:an?|the|this|each)\s+(?:\w+\s+)?(?:paper|article|document|abstract|study|work)|\s+here|\s+aspect)*\s*,?\s*(?:(?:is|are)\s+(?:what|how|why|the\s|about\s|an?\s|defined|understood|meant|taken|its\s|everything|whatever|those|all|that)|means?\b|refers?\b|"
        r"(?:is |are )?(?:here )?(?:describes?|covers?|includes?|comprises?|concerns?|consists?|denotes?|encompass(?:es)?|captures?|says?|tells?|states?|stands?|gives?|explains?|contains?|corresponds? to the|we mean|i mean|is meant|are meant))",
        sentence,
        re.I,
    ) and not re.search(
        r"\b(?:similar|the same|different|irrelevant|unimportant|(?:what|all that) (?:really )?(?:matters|counts|interests|i |we )|not (?:matter|important)|important|the (?:most|only|main) (?:thing|important|point|focus|criterion))\b",
        sentence[:120],
        re.I,
    ):
        return True
    if re.match(
        rf"^(?:by\s+[\"']?(?:the\s+)?(?:{noun})[\"']?,?\s+(?:i|we|is|one)\b|(?:i|we) (?:mean|understand)\b.{{0,40}}(?:{noun})|[\"']?(?:{noun})[\"']?\s*(?:=|:\s*(?:the|what|how|why))\s*)",
        sentence,
        re.I,
    ):
        return True
    return after_definition and bool(
        re.match(
            r"^(?:that is|i\.?e\.?|in other words|namely|this|it|these|they|such as|for (?:example|instance)|e\.?g\.?|examples?)\b.{0,12}?\b(?:is|are|means?|covers?|includes?|comprises?|refers?|concerns?|describes?|,|the|encompass(?:es)?|captures?|explains?|states?|says?|tells?|may|can|does not|do not)",
            sentence,
            re.I,
        )
    )


def claims(sentence: str) -> list[Claim] | None:
    """What a sentence says about relevance, or None where it says nothing about it."""
    sentence = sentence.strip().rstrip(".!")
    plain = re.sub(r"^(?:narrative:?\s+)(?=\w)", "", sentence, flags=re.I)
    plain = re.sub(
        r"^(not relevant|non-?relevant|irrelevant|relevant|off[- ]topic|on[- ]topic)\s*:\s*(.+)$",
        r"\2 are \1",
        plain,
        flags=re.I | re.S,
    )
    if not _speaks_of_relevance(plain):
        return None
    found: list[Claim] = []
    last = 0
    for part in _halves(plain):
        read = _one(part, last)
        if read is None:
            if not found:
                return None
            found.append(Claim(1, part, found[-1].weight))
            continue
        found += read
        last = read[-1].polarity if read else last
    return found


def _speaks_of_relevance(text: str) -> bool:
    return bool(re.search(rf"\b(?:{_REL}|{_IRREL})\b", text, re.I) or _DOC_MODAL.match(text))


def _halves(text: str) -> list[str]:
    """Parts that each make a statement: "X is relevant, but Y is not"."""
    pieces = re.split(
        r"\s*(?:,|;)?\s+(?:but|while|whereas|although|though|however|yet)\s+|\s*[;]\s*|,\s+and\s+(?=(?:\w+\s+){1,14}(?:is|are|should|must|will|would)\s+(?:not|also|never|ir))",
        text,
        flags=re.I,
    )
    parts: list[str] = []
    for piece in pieces:
        if not piece:
            continue
        stands = re.search(
            rf"\b(?:{_REL}|{_IRREL})\b|\b(?:is|are|do|does)\s*(?:not|n't)?\s*$", piece, re.I
        ) or _DOC_MODAL.match(piece)
        if (
            parts
            and not stands
            and (re.match(r"(?:only|not|if|when|unless|in|on)\b", piece, re.I) or len(piece.split()) < 3)
        ):
            at = text.find(piece)
            joint = text[text.find(parts[-1]) : at + len(piece)]
            parts[-1] = joint if joint.startswith(parts[-1]) else f"{parts[-1]}, {piece}"
        else:
            parts.append(piece)
    return parts


def _one(text: str, last: int) -> list[Claim] | None:
    match = _TO_BE.match(text)
    if match:
        return _predicate(match["v"], 1)
    match = _RELEVANT_DOC.match(text)
    if match and not re.match(r"(?:about|on|that|which)\b", match["v"], re.I):
        return _predicate(match["v"], -1 if match["irrel"].strip() else 1)
    match = _INVERTED.match(text)
    if match:
        return [Claim(-1 if bool(match["irrel"]) != bool(match["neg"]) else 1, match["s"])]
    match = _JUDGED.match(text)
    if match:
        return _judged(match)
    match = _DOC_MODAL.match(text)
    if match:
        return _predicate(match["v"], 1)
    match = _ELLIPTIC.match(text)
    if match and last:
        return [Claim((-last if match["neg"] else last), match["s"])]
    return None


def _judged(match: re.Match[str]) -> list[Claim]:
    subject, rest = match["s"].strip(), match["rest"].strip()
    negative = bool(match["irrel"]) != bool(match["neg"] or match["neg0"])
    if re.match(r"(?:no|neither|none of the)\s", subject, re.I):
        negative, subject = not negative, subject.split(None, 1)[1]
    condition = _CONDITION.match(rest)
    hollow = re.fullmatch(
        rf"(?:(?:an?|the|any|such|each|that|this|it|these|those|they|all)\s*)*(?:{_DOC})?", subject, re.I
    )
    sign = -1 if negative else 1
    if condition:
        word, then = condition["c"].lower(), condition["t"]
        if word.startswith(("because", "since", "as", "for", "even")) and word not in ("as long as",):
            return [Claim(sign, subject)] if not hollow else []
        if word.startswith(("unless", "except")):
            return ([] if hollow else [Claim(sign, subject)]) + [Claim(-sign, then, 1.0 if hollow else 0.5)]
        return [Claim(sign, then if hollow else f"{subject} {rest.lstrip(', ')}")]
    if hollow:
        match_to = re.match(r"(?:to|for)\s+(?P<t>.+)", rest, re.I | re.S)
        return [Claim(sign, match_to["t"])] if match_to else []
    return [Claim(sign, subject)]


def _predicate(verb_phrase: str, sign: int) -> list[Claim]:
    modal = _MODAL.match(verb_phrase)
    if not modal:
        return [Claim(sign, verb_phrase)]
    negative = bool(modal["neg"]) or modal.group().lower().startswith("cannot")
    text = verb_phrase[modal.end() :]
    if negative and re.match(r"(?:have to|need to|necessarily|required to)\b", text, re.I):
        return []
    soft = modal["soft"] and not negative
    return [Claim(-sign if negative else sign, text, 0.7 if soft else 1.0)]
