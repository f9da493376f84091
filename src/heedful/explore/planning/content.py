# ruff: noqa: E501
"""What is left of a clause when its cues are gone: the words that documents should, or should not, be about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from heedful.explore.planning.lexicon import DOCUMENTS

_LEAD = (
    r"absolutely|definitely|certainly|strictly|honestly|really|very much|at all costs|e\.g\.?|i\.e\.?|for example|for instance|such as|"
    r"as long as|so long as|provided(?: that)?|given that|where possible|if possible|when possible|others who|others that|others|"
    r"find(?:ing)?|show(?:ing)?|gives?|giving|get|list|fetch|bring|retrieve|return|suggest|recommend|rank|include|including|select|pick|choose|"
    r"locate|identify|search(?:ing)?(?: for)?|look(?:s|ing|ed)?(?: for| at| into)?|seek(?:s|ing)?|hunting for|want(?:s|ed|ing)?|need(?:s|ed|ing)?|prefer(?:s|red|ence|ring)?(?: for)?|favou?r(?:s|ing)?|"
    r"i|we|me|us|my|you|it|they|them|would|'d|'m|'re|am|like(?:d)?|love|wish|hope|to|see|read|know|have|has|had|having|please|kindly|try|trying|let's|let|"
    r"only|just|also|too|then|so|and|or|but|nor|yet|plus|still|however|more|most|mainly|mostly|primarily|especially|particularly|specifically|"
    r"preferably|ideally|perhaps|maybe|possibly|instead|actually|rather|again|all|any|some|other|such|several|many|few|lots of|plenty of|a lot of|"
    r"that|which|who|whom|whose|where|what|those|these|this|there|the|a|an|its|their|his|her|each|every|"
    r"is|are|was|were|be|been|being|should|must|may|might|can|could|will|shall|do|does|did|ought|"
    r"us(?:e|es|ed|ing)|utili[sz](?:e|es|ed|ing)|employ(?:s|ed|ing)?|appl(?:y|ies|ied|ying)(?: to)?|involv(?:e|es|ed|ing)|rel(?:y|ies|ied|ying)(?: on| upon)?|"
    r"leverag(?:e|es|ed|ing)|exploit(?:s|ed|ing)?|adopt(?:s|ed|ing)?|bas(?:e|ed|ing)(?: on| upon)?|built on|building on|via|through|"
    r"relat(?:e|es|ed|ing)(?: to)?|concern(?:s|ed|ing)?(?: with)?|regard(?:s|ing)?|deal(?:s|ing)?(?: with)?|focus(?:s?es|s?ed|s?ing)?(?: \w+ly)?(?: on| upon)?|"
    r"concentrat(?:e|es|ed|ing)(?: on)?|emphasi[sz](?:e|es|ed|ing)|stress(?:es|ed|ing)?|highlight(?:s|ed|ing)?|prioriti[sz](?:e|es|ed|ing)|centred on|centered on|aimed at|targeting|targeted at|"
    r"about|on|for|with|within|in|from|of|by|at|as|into|over|around|upon|towards?|among|across|"
    r"make (?:it|them) (?:more )?about|interested|interest|emphasis|focus|attention(?=\s+(?:to|on|is|should|must)\b)|restrict(?:ed)?(?: to)?|limit(?:ed)?(?: to)?|confine[d]?(?: to)?|narrow(?:ed)?(?: it)?(?: down)?(?: to)?|stick to|keep to|make sure|ensure|"
    r"provided|as long as|so long as|given that|where possible|if possible|when possible|if at all possible|"
    r"discuss(?:es|ed|ing)?|describ(?:e|es|ed|ing)|mention(?:s|ed|ing)?|cover(?:s|ed|ing)?|address(?:es|ed|ing)?|report(?:s|ed|ing)?(?: on)?|present(?:s|ed|ing)?|"
    r"stud(?:y|ies|ied|ying)|examin(?:e|es|ed|ing)|investigat(?:e|es|ed|ing)|analy[sz](?:e|es|ed|ing)|explor(?:e|es|ed|ing)|propos(?:e|es|ed|ing)|consider(?:s|ed|ing)?|"
    r"contain(?:s|ed|ing)?|provid(?:e|es|ed|ing)|featur(?:e|es|ed|ing)|"
    r"refer(?:s|red|ring)?(?: to)?|information|info|details|material|relevant|done|made|work(?:s|ed|ing)(?: on| with)?|something|someone|out|explain(?:s|ed|ing)?|nam(?:e|es|ed|ing)"
)
_LEADING = re.compile(rf"^[\s,.:;\"'()/-]*(?:(?:{_LEAD}|{DOCUMENTS})(?![\w'-])|@seed(?:'s)?)[\s,.:;\"')]*", re.I)
_TRAIL = (
    r"please|too|as well|only|instead|though|if possible|where possible|when possible|preferably|ideally|in particular|at all|etc|and|or|but|nor|"
    r"is|are|be|work|works|papers?|articles?|ones|here|also|to|for|of|in|on|with|the|a|an|that|which|however|above all|especially|"
    r"thanks|thank you|whatsoever|or so|and so on|and the like|in general|this time|now|then|mainly|mostly|i|we|should|must|by|from|as|who|where|literature|involved|included"
)
_TRAILING = re.compile(rf"(?:[\s,.:;!?'(/-]+|(?<![\w-])(?:{_TRAIL})|\s@seed(?:'s)?)\s*$", re.I)
_HEDGE = re.compile(
    r"(?<![\w-])(?:ideally|prefer(?:s|red|ably|ence)?|preferring|if possible|where possible|when possible|maybe|perhaps|possibly|nice to have|"
    r"bonus|would be (?:nice|great|good|ideal|a plus)|if at all possible|i(?:'d| would) (?:rather|like)|favou?r(?:ing)?|slightly|a bit|somewhat|a plus|"
    r"optionally|nice if|great if|at best|should ideally|best if|or maybe)(?![\w-])",
    re.I,
)
_HEDGE_WORDS = re.compile(
    r"(?<![\w-])(?:(?:it )?(?:would|will|'d) be (?:also )?(?:nice|great|good|ideal|best|a plus|a bonus)(?: if(?: (?:it|they|there)(?: is| are| were| was)?)?| to (?:have|see))?|"
    r"nice to have|a bonus(?: if)?|bonus(?: points)?(?: for| if)?|(?:is|are) a plus|optionally|nice if|great if|best if|slightly|a bit|somewhat)(?![\w-])",
    re.I,
)
_BARELY = re.compile(
    r"(?:only|merely|simply|just|solely)\s+(?:mention|discuss|describe|touch|refer|talk|list|report|concern|cover|deal|allude|cite)\w*\s",
    re.I,
)
_KIND = re.compile(r"\b(preprints?|abstracts?|reports?|manuscripts?|references?|materials?|hits?)\W*$", re.I)
_VAGUE = frozenset(
    "good interesting recent best important influential cited famous high quality nice helpful useful short easy readable latest newest modern classic "
    "old seminal great better new top popular state art well known highly very really relevant accessible authoritative rigorous serious "
    "rest older earlier prior previous long longer shorter impactful up-to-date current contemporary favourite favorite cool decent solid reliable trustworthy "
    "similar different same like thing things way ways kind sort stuff else more less".split()
)
_REMAINS = frozenset(
    "rank sort order similarity likeness overall generally respect respects leave let keep keeping once else one ones wanted mind if care whether way ways think think really like love enjoyed enjoy found liked interesting match matching sure somehow "
    "come comes taken used use approach about paper's papers concerned goes far long case provided fact thing bit lot weight reading learn "
    "matters matter counts share shares sharing case what who whose how also even both them others another each kept still whatever though "
    "although while main whole part pick sought asked after looked looks seems solve solves solved tackle tackled tackles give gives "
    "preferably ideally maybe perhaps possibly least most best exactly would could wish hope given want need needs please".split()
)
_FILLER = frozenset(
    "the a an of and or to in on for with by from at as is are be it its that this these those not no yes ok okay well thanks thank please hello hi "
    "dear hmm um so very much too also just only do does did i me my we you your they them their s t d ll re ve".split()
)
_NOT_UNDERSTOOD_START = re.compile(
    r"^(?:tell|write|summari[sz]e|translate|explain|make|draw|sing|compute|calculate|delete|print|open|run|ignore (?:all|previous|the above)|drop table|select \*)\b",
    re.I,
)
_WORD = re.compile(r"[^\W_]+(?:['.+#-][^\W_]+|\+\+|#)*")


@dataclass(frozen=True, slots=True)
class Content:
    """Text to want or avoid. weight in (0, 1]; understood: whether a cue or a plain noun phrase carried it."""

    text: str
    weight: float
    understood: bool


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [w.lower() for w in _WORD.findall(text)]


def is_hedged(text: str) -> bool:
    """Whether the clause says "ideally", "if possible", "a bonus"."""
    return _HEDGE.search(text) is not None


_LIGHT = re.compile(
    r"(?:^|\s+)(?:(?:that|which|who|and|whose|it|they|papers?|is|are|was|were|to|also|has|have|been)\s+)*(?:reach(?:es|ed|ing)?|arriv(?:e|es|ed|ing)|com(?:e|es|ing)|came|draw(?:s|n|ing)?|drew|get(?:s|ting)?|got|obtain(?:s|ed|ing)?|"
    r"achiev(?:e|es|ed|ing)|yield(?:s|ed|ing)?|tackl(?:e|es|ed|ing)|solv(?:e|es|ed|ing)|pursu(?:e|es|ed|ing)|attack(?:s|ed|ing)?|approach(?:es|ed|ing)?|follow(?:s|ed|ing)?|tak(?:e|es|en|ing)|took|ask(?:s|ed|ing)?|"
    r"answer(?:s|ed|ing)?|pos(?:e|es|ed|ing)|motivated|driven|inspired|belong(?:s|ing)?|stem(?:s|ming)?|originat(?:e|es|ing)|set|built|carried out|done|attempt(?:s|ed|ing)?|hav(?:e|ing)|has|had|"
    r"try|tries|trying|work(?:s|ed|ing)?|start(?:s|ed|ing)?|operat(?:e|es|ing)|publish(?:ed)?|go(?:es|ing)?|did|do|does|doing|done|situated|located|coming|handled|addressed|treated|written|end(?:s|ed)? up|make|makes|made|run|runs|deliver(?:s|ed)?|but|produc(?:e|es|ed|ing))"
    r"(?:\s+(?:it|them|this|things|with|by|to|from|in|at|on|for|into|up|out|of|about|under|out of))*\s*$",
    re.I,
)


def strip_light(text: str) -> str:
    """What stands before an aspect, without a verb that only leads to it ("work that reaches the same conclusion")."""
    return _LIGHT.sub(" ", text)


def is_vague(text: str) -> bool:
    """Whether nothing is said but "good", "like", "one": what remains beside an aspect that was understood."""
    return all(w in _VAGUE or w in _FILLER or w in _REMAINS for w in words(text))


def trim(text: str, *, keep_verb: bool = False) -> tuple[str, bool]:
    """The text without leading and trailing words that carry no content, and whether a leading cue was there.

    keep_verb: leave "only mention taxes in passing" whole, since there the verb is what is meant.
    """
    text = _HEDGE_WORDS.sub(" ", text).strip()
    cue = False
    while not (keep_verb and _BARELY.match(text)) and (match := _LEADING.match(text)):
        if not match.end():
            break
        cue = True
        text = text[match.end() :]
    while match := _TRAILING.search(text[-60:]):
        cut = len(text) - len(text[-60:]) + match.start()
        if cut == len(text):
            break
        text = text[:cut]
    text = re.sub(r"\s+", " ", text).strip(" \t\n,.:;!?-")
    for opening, closing in ("()", "[]", '""', "''"):
        if text.startswith(opening) and text.endswith(closing) and len(text) > 1:
            text = text[1:-1].strip()
        elif opening != closing and text.count(opening) != text.count(closing):
            text = text.strip("()[]") if text[:1] in "([" or text[-1:] in ")]" else text
        elif opening == closing == '"' and text.count('"') == 1:
            text = text.replace('"', "")
    text = text.replace("@seed's", "this paper's").replace("@seed", "this paper")
    text = re.sub(r"@a\d+", "", text).strip()
    return text, cue


def trim_edges(text: str) -> str:
    """The text as it was said, without punctuation at its edges and without inner marks."""
    return re.sub(r"@a\d+\s*", "", text.replace("@seed", "this paper")).strip(" \t\n,.:;!?-")


def contents(text: str, *, negative: bool = False, whole: bool = False) -> list[Content]:
    """What a clause asks for besides aspects, as zero or more pieces.

    negative: the pieces are to be avoided ("surveys or reviews" is two). whole: never split, as in narratives.
    """
    hedged = is_hedged(text)
    original = text
    body, cue = trim(text, keep_verb=negative)
    said = words(body)
    if not said and negative and (kind := _KIND.search(original)):
        return [Content(kind[1], 1.0, True)]
    if not any(w not in _FILLER for w in said):
        marks = original.strip()
        return (
            []
            if not marks or said or cue or not re.search(r"[^\s\w.,;:!?'\"()-]", marks)
            else [Content(marks, 0.5, False)]
        )
    if all(w in _VAGUE or w in _FILLER for w in said) and not negative:
        return [Content(body, 0.5, False)]
    understood = not (_NOT_UNDERSTOOD_START.match(body) or (not cue and len(said) > 10))
    weight = 0.5 if hedged or not understood else 1.0
    pieces = [body] if whole else _items(body, negative=negative)
    result = []
    for piece in pieces:
        piece, _ = trim(piece, keep_verb=negative)
        if any(w not in _FILLER for w in words(piece)):
            result.append(Content(piece, weight, understood))
    return result


def _items(text: str, *, negative: bool) -> list[str]:
    """The items of a short list; longer or verbal texts stay whole."""
    if len(text) > 120 or re.search(
        r"(?<![\w-])(?:that|which|who|to|is|are|because|when|if|between|both)(?![\w-])", text, re.I
    ):
        return [text]
    if not negative and re.search(r"\s(?:in|of|for|from|on|with|by|at|as|under|across|than|over|into)\s", text, re.I):
        return [text]
    parts = re.split(r"\s*,\s*(?:(?:and|or|nor)\s+)?|\s+(?:or|nor)\s+", text, flags=re.I)
    split: list[str] = []
    for part in parts:
        sides = re.split(r"\s+(?:and|&)\s+(?:also\s+)?", part, flags=re.I)
        apart = len(sides) > 1 and (negative or len(parts) > 1 or all(len(s.split()) >= 2 for s in sides))
        split += sides if apart else [part]
    return split if all(len(s.split()) <= 5 for s in split) else [text]
