# ruff: noqa: E501
"""Sentences to clauses with a polarity: where "without", "rather than" or "no" begins, and how far it reaches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from heedful.explore.planning.lexicon import DOCUMENTS

_CONTRACTIONS = (
    (re.compile(r"\bcan't\b|\bcannot\b|\bcant\b", re.I), "can not"),
    (re.compile(r"\bwon't\b", re.I), "will not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|should|must|need|would|could|has|have|had)n'?t\b", re.I), r"\1 not"),
    (
        re.compile(
            r"\b(it|that|what|there)'s(?=\s+(?:not|no|the|about|all|in|on|fine|ok|a|an|been|important|irrelevant))",
            re.I,
        ),
        r"\1 is",
    ),
    (re.compile(r"\bi'm\b", re.I), "I am"),
    (re.compile(r"\b(they|we|you)'re\b", re.I), r"\1 are"),
    (re.compile(r"\bi'd\b", re.I), "I would"),
)

_NOUN = r"(?:seed|given|query|source|original|input|current|present|reference|target|above|starting|base|first|chosen|selected|initial)"
_PAPER = (
    r"(?:papers?|articles?|works?|documents?|one|stud(?:y|ies)|abstract|publication|seed|manuscript|query|example|text)"
)
_SEED = re.compile(
    rf"(?<![\w@-])(?:(?:this|our|my)\s+(?:{_NOUN}\s+)?(?:{_PAPER})|that\s+(?:{_NOUN}\s+)?(?:paper|article|document|one|publication)|the\s+{_NOUN}(?:\s+{_PAPER})?|(?:the\s+)?seed(?:\s+(?:paper|document|article|one))?|"
    rf"the one (?:i (?:gave|have|chose|picked|mentioned|am reading)|at hand|given|here)|theirs|mine|ours|"
    rf"(?<=\bas )(?:here|in here)|(?<=\bto )(?:this|it|that|the (?:paper|article|document))(?=\s*(?:$|[,.;:)]|in\b|but\b|and\b|method))|(?<=\blike )(?:this|it|that|these|the (?:paper|article|document))(?=\s*(?:$|[,.;:)]|in\b|but\b|and\b|or\b|on\b|from\b|with))|"
    rf"(?<=\bas )(?:this|it|that|the (?:paper|article|document))(?=\s*(?:$|[,.;:)]|but\b|and\b))|(?<=\bfrom )(?:this|it)(?=\s*(?:$|[,.;:)]))|(?<=\bwith )(?:this|it)(?=\s*(?:$|[,.;:)]))|(?<=\bthan )(?:this|it)(?=\s*(?:$|[,.;:)]))|"
    rf"these\s+(?:papers|articles|documents|seeds|works|studies)|(?<=\bto )these|(?<=\blike )these|(?<=\w )these(?=\s*(?:$|[,.;:)]))|the\s+paper(?='s))('s|s')?(?![\w-])",
    re.I,
)

_VERBS = (
    r"us(?:e|es|ed|ing)|rel(?:y|ies|ied|ying)\s+(?:up)?on|involv(?:e|es|ed|ing)|mention(?:s|ed|ing)?|includ(?:e|es|ed|ing)|contain(?:s|ed|ing)?|discuss(?:es|ed|ing)?|"
    r"describ(?:e|es|ed|ing)|cover(?:s|ed|ing)?|concern(?:s|ed|ing)?|deal(?:s|t|ing)?\s+with|show(?:\s+me|s|ing)?|give(?:\s+me|s)?|return(?:s|ing)?|retriev(?:e|es|ing)|"
    r"want(?:ed|s)?(?:\s+to\s+(?:see|read|have|get|know))?|need(?:ed|s)?(?:\s+to\s+(?:see|read))?|like|wish(?:\s+to\s+see)?|report(?:s|ed)?(?:\s+on)?|apply|applies|applied(?:\s+to)?|employ(?:s|ed)?|bring(?:\s+up)?|"
    r"work(?:s|ed|ing)?\s+(?:on|with)|do(?:es|ing)?\s+with|have\s+to\s+do\s+with|having\s+to\s+do\s+with|train(?:s|ed)?\s+(?:on|with)|depend(?:s|ed)?\s+on|requir(?:e|es|ed|ing)|list|recommend|suggest|propos(?:e|es|ed|ing)|"
    r"consider(?:s|ed)?|address(?:es|ed)?|stud(?:y|ies|ied)|touch(?:es)?(?:\s+on)?|refer(?:s|red)?\s+to|evaluat(?:e|es|ed)(?:\s+on)?|based\s+on|about|on|using|in|from|for|of|related\s+to|interested\s+in|concerned\s+with|dealing\s+with|limited\s+to|focus(?:s?ed|es)?\s+on|looking\s+for|after|with|by|at|have|has|having|be|being"
)
_THEM = rf"(?:(?:anything|everything|all|any|those|{DOCUMENTS})\s+)?(?:(?:about|on|in|from|using|with|that\s+(?:is|are)|which\s+(?:is|are)|that|which|related\s+to|involving|concerning|of|dealing\s+with|based\s+on)\s+)?(?:(?:use|uses|rely\s+on|relies\s+on|involve|involves|mention|mentions|discuss|discusses|deal\s+with|deals\s+with|about|on|apply|are|is|employ|employs|focus\s+on|work\s+on|concern|come\s+from|use\s+of)\s+)?"
_EXCLUDING = (
    r"without(?:\s+(?:any|the\s+use\s+of|use\s+of|using|relying\s+on|resorting\s+to|involving|recourse\s+to|having\s+to\s+use|need\s+for|mention(?:ing)?(?:\s+of)?))*|"
    r"excluding|excludes?|exclude(?:d)?|except(?:ing)?(?:\s+(?:for|from|those|when|if))*|with\s+the\s+exception\s+of|other\s+than|aside\s+from|apart\s+from|besides|rather\s+than|instead\s+of|as\s+opposed\s+to|in\s+place\s+of|in\s+lieu\s+of|in\s+contrast\s+to|"
    r"avoid(?:s|ing)?|steer(?:ing)?\s+clear\s+of|stay(?:ing)?\s+away\s+from|keep(?:ing)?\s+away\s+from|away\s+from|leav(?:e|ing)\s+out|leav(?:e|ing)\s+aside|filter(?:ing)?\s+out|tak(?:e|ing)\s+out|rul(?:e|ing)\s+out|weed(?:ing)?\s+out|throw(?:ing)?\s+(?:out|away)|"
    r"drop(?:ping)?|skip(?:ping)?|omit(?:s|ting)?|remov(?:e|es|ing)|reject(?:ing)?|discard(?:ing)?|ban(?:ning)?|penali[sz](?:e|ing)|down-?rank(?:ing)?|demot(?:e|ing)|down-?weight(?:ing)?|hid(?:e|ing)|suppress(?:ing)?|ignor(?:e|es|ing)|disregard(?:ing)?|spare\s+me|shun|eliminat(?:e|ing)|unwanted|excluded|"
    r"(?:tired|sick)\s+of|enough\s+of|(?:i|we)\s+(?:really\s+)?(?:hate|dislike)|fed\s+up\s+with|can\s+do\s+without|minus|sans|save\s+for|barring|bar(?=\s+\w+s\b)|lacking|free\s+of|free\s+from|devoid\s+of|absent|"
    r"none\s+of|nothing\s+(?:about|on|with|using|that|from|related\s+to|involving|in|to\s+do\s+with|which|based\s+on|but)|anything\s+but|everything\s+but|all\s+but|neither|nor|nothing(?=\s+\w+\s*$)|outside(?:\s+of)?(?=\s)|less\s+(?:about|of|on)|fewer|under\s+no\s+circumstances|on\s+no\s+account|in\s+no\s+case|no\s+more(?!\s+than)|with\s+no|no|zero(?=\s+(?:surveys|reviews))|unlike|but\s+not|not\s+the\s+ones?(?:\s+(?:on|about|using|with|that|from))?|"
    r"(?:(?:do|does|did|should|must|may|can|could|would|will|need|is|are|was|were|be|has|have|am|ought)\s+)?(?:not|never)(?:\s+(?:to|even|be|been|an?|any|really|just|the|at\s+all|primarily|mainly|simply|interested\s+in\s+seeing|too\s+much|actually))*(?:\s+(?:"
    + _VERBS
    + r"))*"
)
_EXC = re.compile(
    rf"(?<![\w@'-])(?:and\s+|but\s+|or\s+)?(?P<cue>{_EXCLUDING})(?![\w-])(?:\s+(?:{_THEM})(?<=\s))?", re.I
)
_NEUTRAL = re.compile(
    r"(?:there (?:is|are)\s+)?(?:no\s+(?:need|reason|requirement)\s+to|(?:do|does|need|you|should)\s*(?:not|n't)\s+(?:need\s+to|have\s+to|necessarily)?\s*(?=avoid|exclud|skip|omit|filter|leave\s+out|remove|drop|ignore)|need\s+not|without\s+(?=avoiding|excluding|skipping|omitting|filtering))\s*"
    r"(?:avoid(?:ing)?|exclud(?:e|ing)|skip(?:ping)?|omit(?:ting)?|filter(?:ing)?(?:\s+out)?|leav(?:e|ing)\s+out|remov(?:e|ing)|drop(?:ping)?|ignor(?:e|ing)|rule\s+out|shun|discard|reject)\s+(?P<t>[^,.;:]*?)(?=\s+(?:but|and\s+(?:no|not|only|use|similar|the same))\b|[,.;:]|$)",
    re.I,
)
_WELCOME = re.compile(
    r"^(?P<t>.+?)\s+(?:(?:is|are|would be|also|perfectly|totally|still|equally)\s+)+(?:fine|ok(?:ay)?|welcome|acceptable|allowed|permitted|no problem|not a problem|not excluded|not out of the question|good too)(?:\s+(?:too|as well|with me|by me))?\s*$",
    re.I,
)
_MAY = re.compile(
    r"^(?:you\s+(?:may|can|could)|feel\s+free\s+to|it\s+is\s+(?:fine|ok(?:ay)?|allowed|all\s+right)\s+to|i\s+(?:do\s+not\s+mind|am\s+(?:fine|ok(?:ay)?|happy)\s+with))\s+(?:also\s+)?(?:(?:include|show|return|keep|list|have|see|give|mix\s+in)\s+)?(?P<t>.+)$|"
    r"^(?:.+?)\s+(?:may|can|could|might)\s+(?:also\s+)?be\s+(?:included|shown|returned|kept|listed|present|there)$",
    re.I,
)
_POST_EXCLUDED = re.compile(
    r"^(?P<t>.+?)\s+(?:(?:should|must|can|could|may|shall|will|would|need\s+to|ought\s+to|have\s+to|has\s+to|is|are|to|be|please|all)\s+)*(?:(?:be\s+)?(?:excluded|omitted|left\s+out|avoided|skipped|dropped|filtered(?:\s+out)?|removed|ignored|rejected|discarded|disregarded|banned|penali[sz]ed|excepted|ruled\s+out|kept\s+out|hidden|demoted|thrown\s+out)|"
    r"not\s+(?:be\s+)?(?:wanted|welcome|included|interesting|of\s+interest|needed|returned|shown|retrieved|listed|required|what\s+i\s+want|appear|allowed|permitted|considered|ranked|desired|show\s+up|occur|present|for\s+me)|(?:are|is)\s+(?:out|unwanted|unwelcome|off[- ]limits|undesired|undesirable|taboo|forbidden)|aside)\s*(?:please|altogether|entirely|completely)?\s*$",
    re.I,
)
_PREFER_OVER = re.compile(
    r"^(?P<lead>.*?\b(?:(?P<prefer>prefer(?:s|ring|ably)?|favou?r(?:s|ing)?|rather have)|choose|pick|rank))\s+(?P<a>.+?)\s+"
    r"(?P<over>over|to|above|rather than|instead of|and not|not|ahead of|before)\s+(?P<b>.+)$",
    re.I,
)
_TAKES_TO = re.compile(
    r"(?:\w+ed|similar|relevant|respect|regard|relation|close|according|attention|contrast|specific|akin|due|how|what|"
    r"likeness|similarity|resemblance|approach(?:es)?|solutions?|not|devoted|identical|answers?|have|going|back|up)$",
    re.I,
)
_NOT_ONLY = re.compile(
    r"\bnot\s+(?:only|just|merely|solely|exclusively|simply|limited\s+to)\s+(?P<a>(?:(?!\bnot\b).){1,120}?)\s*,?\s+but\s+(?:also\s+|rather\s+|as\s+well\s+)?(?P<b>)",
    re.I,
)
_DOUBLE = re.compile(
    r"\b(?:not|never)\s+(?:(?:be|do|to|come)\s+)?(?:without|lacking|devoid\s+of|free\s+of)\b|\bnot\s+(?:un|in)(?=related\s+to\b)|\b(?:do|does|must|should|can|may|will)\s+not\s+(?:ever\s+)?(?:lack|omit|leave\s+out|miss|skip|fail\s+to\s+(?:\w+)|exclude|ignore|neglect|forget(?:\s+about)?|avoid|be\s+without|do\s+without)\b|\bnever\s+(?:omit|lack|skip|ignore|forget|exclude)\b|\bnot\s+excluding\b|\bno\s+(?:papers?|work|articles?|documents?|stud(?:y|ies)|one|ones)\s+(?:without|lacking|that\s+(?:do|does)\s+not\s+(?:use|have|include|contain|mention|report|discuss|involve)|not\s+using|not\s+about)\b|\bnothing\s+(?:without|that\s+(?:lacks|is\s+not\s+about|does\s+not\s+(?:use|mention|have|include)))\b",
    re.I,
)
_LISTED = re.compile(
    r"^\s*(avoid|exclude|excluding|excluded|without|not|no|skip|omit|except|reject|unwanted|ignore)\s*:\s*(.+)$", re.I
)
_RATHER = re.compile(r"\brather\s+(?!than\b)((?:[\w-]+\s+){0,5}?[\w-]+)\s+than\s+", re.I)
_KIND = (
    r"(?:tasks?|domains?|topics?|subjects?|languages?|data\s?sets?|data|applications?|problems?|areas?|fields?|settings?|"
    r"purposes?|goals?|methods?|models?|techniques?|approach(?:es)?|architectures?|algorithms?|modalit(?:y|ies)|uses?)"
)
_NAMED = r"(?!(?:@seed|this|that|these|those|it|its|theirs?|ours?|mine|what|here|the\s+(?:one|seed|paper|article|current|original|given|same|usual))\b)"
_OTHER_THAN = re.compile(
    rf"\b(?:(?P<before>(?:an?|some|any|the)\s+)?(?P<kind>{_KIND})\s+(?:other|different)\s+(?:than|from)|"
    rf"(?P<other>other|another|different)\s+(?P<kinds>(?:[\w-]+\s+)?{_KIND})\s+(?:than|from))\s+{_NAMED}",
    re.I,
)
_KEPT = re.compile(
    r"(\b(?:rather than|instead of|(?:any|every|some)thing (?:but|except|other than)) [^,;.:]*?)\s+"
    r"((?:for|on|with|in)\s+(?:the\s+same|similar|same|this)\b)",
    re.I,
)
_LESS_MORE = re.compile(
    r"\bless\s+(?:on|about)\s+([^,;.]+?)\s*(?:,\s*(?:and|but)?|and|but)\s*more\s+(?:on|about)\s+([^,;.]+)", re.I
)
_HARD = re.compile(
    r"\s*(?:[,;:()\[\]]|\s-+\s|(?<=\w)/(?=\s)|\.\s|[!?]+|(?<![\w-])(?:(?<!anything )(?<!everything )(?<!nothing )(?<!all )but(?!\s+not\b)|yet|while|whereas|whilst|although|however|though(?=\s+\w+\s+\w+)|plus|then|as\s+well\s+as(?=\s+(?:no|not|without|a|the)\b))(?![\w-]))\s*|"
    r"\s+and\s+(?=(?:no|not|without|avoid|exclude|excluding|ignore|only|also|with|using|preferably|ideally|similar|the\s+same|same|a\s+different|different|another|other|an\s+other|comparable|about|on|in|for|from|applied|published|written|since|that|which|whose|do|does|must|should|never|nothing|skip|leave|drop|i|find|focus|match|please|neither|nor|regardless|rather|prefer|show|give|a\s+similar|a\s+comparable|use|uses|their|its|how|what|why)(?![\w-]))|"
    r"\s+or\s+(?=(?:about|on|in|for|from|with|using|that|which)\s)|"
    r"\s+(?=(?:even\s+(?:if|when|though|with|from|in)|regardless\s+of|irrespective\s+of|no\s+matter|whatever|as\s+long\s+as|so\s+long\s+as|provided|preferably|ideally|if\s+possible|especially|particularly|published|whose)(?![\w-]))",
    re.I,
)
_RESUME = re.compile(
    r"\s+(?=(?:please\s+)?(?:use|show\s+me|give\s+me|find\s+me|find|i\s+(?:want|need|would\s+like|am\s+looking\s+for)|look\s+for|prefer|try|focus\s+on)\s)",
    re.I,
)


LONG = 16  # words; above it a sentence is read as prose
_NOT = re.compile(
    r"(?:(?:do|does|did|is|are|was|were|has|have|had|be|can|could|may|am|will|would)\s+)?(?:not|never|no|nor)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one clause. negative: an exclusion governs it; cue: the exclusion's words."""

    text: str
    negative: bool = False
    cue: str = ""
    neutral: bool = False


def write_out(text: str) -> str:
    """The text with contractions written out: "don't" -> "do not"."""
    for pattern, plain in _CONTRACTIONS:
        text = pattern.sub(plain, text)
    return text


def mark_seeds(text: str) -> str:
    """The text with every mention of the seed as @seed ("this paper's" -> "@seed's")."""
    return _SEED.sub(lambda m: "@seed" + ("'s" if m[1] else ""), text)


def settle_negations(text: str) -> tuple[str, bool]:
    """The text with double negations resolved, and whether there was one that asks for nothing at all."""
    text = _LISTED.sub(lambda m: m[1] + " " + re.sub(r"\s*,\s*(?:and|or)?\s*|\s+and\s+", " or ", m[2]), text)
    text = _RATHER.sub(lambda m: f"{m[1]} rather than ", text)
    text = _OTHER_THAN.sub(lambda m: f"{m['other'] or 'other'} {m['kinds'] or m['kind']}, rather than ", text)
    text = _LESS_MORE.sub(r"on \2 rather than \1", text)
    text = _KEPT.sub(r"\1, \2", text)
    text = _NOT_ONLY.sub(lambda m: f"{m['a']} , also ", text)
    neutral = _NEUTRAL.search(text) is not None
    text = _NEUTRAL.sub(" , ", text)
    return _DOUBLE.sub(" with ", text), neutral


def segments(sentence: str, first: Callable[[str], list[str]] | None = None) -> Iterator[Segment]:
    """The clauses of one sentence, in order, each with its polarity.

    first: reads what carries its own negation ("the topic does not matter") out of a clause and returns the rest.
    """
    parts = [p for p in _HARD.split(sentence) if p and p.strip()]
    prose = len(sentence.split()) > LONG
    negative_list = _list_continuations(parts)
    for index, part in enumerate(parts):
        for rest in [part] if first is None else first(part.strip()):
            yield from _clause(rest.strip(), negative_list[index], prose=prose)


def _list_continuations(parts: list[str]) -> list[bool]:
    """For each part, whether it continues a list that an exclusion before it began ("no A, B or C")."""
    continued = [False] * len(parts)
    opened = -1
    for i, part in enumerate(parts):
        opens = _EXC.search(part)
        if opens:
            opened = i if len(part[opens.end() :].split()) <= 6 else -1
            continue
        if opened < 0:
            continue
        closing = re.match(r"\s*(?:or|nor|and)\s+\S", part, re.I) or re.search(
            r"\s(?:or|nor)\s|^\s*\S+(?:\s\S+)?\s+and\s+\S+(?:\s\S+)?\s*$", part, re.I
        )
        if len(part.split()) > 7 or re.match(
            r"\s*(?:with|using|for|about|on|similar|same|the same|only|find|published|ideally)\b", part, re.I
        ):
            opened = -1
        elif closing:
            for j in range(opened + 1, i + 1):
                continued[j] = True
            opened = -1
    return continued


def _clause(clause: str, continued: bool, *, prose: bool = False) -> Iterator[Segment]:
    welcome = _WELCOME.match(clause) or _MAY.match(clause)
    if welcome and not _EXC.search(welcome["t"] or ""):
        yield Segment(clause, neutral=True)
        return
    excluded = _POST_EXCLUDED.match(clause)
    if excluded and not _EXC.search(excluded["t"]):
        yield Segment(excluded["t"], True, "excluded")
        return
    prefer = _PREFER_OVER.match(clause)
    if prefer and _weighs_up(prefer):
        yield Segment(f"{prefer['lead']} {prefer['a']}")
        yield Segment(prefer["b"], True, "over")
        return
    if continued:
        yield Segment(re.sub(r"^\s*(?:or|nor|and)\s+", "", clause, flags=re.I), True, "list")
        return
    start, negative, cue = 0, False, ""
    for match in _EXC.finditer(clause):
        before = clause[start : match.start()]
        if prose and _NOT.match(match["cue"]) and len(before.split()) > 3:
            continue  # in prose a "not" is part of what is told, unless it opens the clause
        if negative and re.fullmatch(r"\s*(?:and|or|nor)?\s*", before):
            before = ""
        if before.strip():
            yield from _resumed(before, negative, cue)
        start, negative, cue = match.end(), True, match["cue"]
    rest = clause[start:]
    if rest.strip():
        yield from _resumed(rest, negative, cue)


def _weighs_up(prefer: re.Match[str]) -> bool:
    """Whether "prefer A to B" sets two things against each other, and is no "prefer work related to B"."""
    if prefer["b"].split()[0].lower() in {"see", "read", "have", "get", "find", "be", "avoid"}:
        return False
    over = prefer["over"].lower()
    if over == "to":
        return prefer["prefer"] is not None and not _TAKES_TO.search(prefer["a"])
    return prefer["prefer"] is not None or over not in ("not", "and not", "before")


def _resumed(text: str, negative: bool, cue: str) -> Iterator[Segment]:
    """An exclusion ends where a new request begins: "instead of prompting use fine-tuning"."""
    if not negative:
        yield Segment(text.strip())
        return
    first, *others = _RESUME.split(text.strip(), maxsplit=1)
    if first.strip():
        yield Segment(first.strip(), True, cue)
    for other in others:
        yield Segment(other.strip())
