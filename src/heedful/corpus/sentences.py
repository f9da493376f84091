"""Sentences with character offsets, by rules; linear in the length of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from heedful.records import Sentence

LONGEST = 2000  # characters; a longer sentence is broken at whitespace

_CLOSERS = "\"'”’»)\\]}"
_OPENERS = "\"'“‘«([{`¿¡"
# Possessive quantifiers throughout: a run of dots or blanks is walked once, however long.
_STOP = re.compile(
    rf"(?P<stop>[.!?…]++)(?P<closers>[{_CLOSERS}]*+)(?P<gap>\s*+)"
    r"|(?P<cjk>[。！？]++[」』”’）]*+)\s*+"
    r"|\n[^\S\n]*+(?P<paragraph>\n\s*+)"
    r"|\n[^\S\n]*+(?P<bullet>(?=[•▪◦‣●][^\S\n]*+\S|[-*][^\S\n]++\S))"
    r"|\n[^\S\n]*+(?P<item>(?=\(?\d{1,2}[.)]\s|\([a-z]\)\s))"
)
_WORD_BEFORE = re.compile(r"[^\s(\[{\"“‘«/—–]*+\Z")
_WORD = re.compile(r"[\w$\\][\w’'-]*")
_NUMBERED = re.compile(r"\d{1,3}|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5}")
_DOTTED = re.compile(r"(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}")
_CITATION = re.compile(r"\[\d[\d,;\s–-]{0,60}\](?:\s+(?=[A-Z])|\s*\Z)")
_ITEM = re.compile(r"\((?:[ivx]{1,4}|[a-zA-Z]|\d{1,2})\)\s+\w")
_LISTED = re.compile(r"\(?\d{1,2}[.)]\s|\([a-z]\)\s")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z]|\d+[a-z])|[a-z]-[A-Za-z]")
_REACH = 48  # characters looked at on either side of a full stop

# They point at what follows and so never end a sentence.
_NEVER_LAST = frozenset(
    "e.g i.e eg ie cf vs v.s viz a.k.a w.r.t namely incl resp approx ca esp dr mr mrs ms prof profs st mt messrs "
    "mme mlle hon rev gen gov sen capt cmdr lt sgt col univ dept proc conf symp trans intl natl".split()
)
# They point at what follows where that is a number, a letter or a bracket ("Fig. 2", "No. 5", "Eq. (3)").
_BEFORE_NUMBER = frozenset(
    "fig figs eq eqs eqn eqns sec secs sect tab tabs ref refs vol vols no nos nr pp p pg ch chap chaps thm lem def "
    "prop cor alg algs app art ed eds ex exs obs ver jan feb mar apr jun jul aug sep sept oct nov dec para par "
    "add suppl pt ser".split()
)
# They end a sentence where the next word usually starts one ("et al. We"), and go on otherwise ("et al. Recurrent").
_SOMETIMES_LAST = frozenset("al jr sr inc ltd co corp bros phd i.i.d iid no.s assoc".split())
_USUALLY_SMALL = frozenset("gen hon rev col st ca ms gov sen mt conf trans proc esp".split())  # words in lower case too
_STARTERS = frozenset(
    "A About Accordingly Across Additionally After All Also Although Among An And Another Any Applying Are As At Based "
    "Because Besides Both Building But By Can Compared Consequently Conversely Currently Despite Do Does Due During "
    "Each Empirical Especially Even Every Evaluation Existing Experimental Experiments Extensive Finally First "
    "Firstly For From Further Furthermore Given Has Have He Hence Here How However If Importantly In Indeed Initially "
    "Inspired Instead Is It Its Last Lastly Later Like Many Meanwhile More Moreover Most Motivated Much Nevertheless "
    "New Next No Nonetheless Not Notably Now Of Often On Once One Only Other Otherwise Our Over Overall Part "
    "Particularly Previous Previously Prior Rather Recent Recently Results Second Secondly Several She Similarly Since "
    "So Some Specifically Still Studies Subsequently Such Surprisingly Than That The Their Then There Thereby "
    "Therefore These They Third Thirdly This Those Though Three Through Throughout Thus To Today Together Traditional "
    "Traditionally Two Under Unfortunately Unlike Until Up Upon Usually Using Via Was We Were What When Whenever Where "
    "Whereas Whether Which While Who Whose Why Will With Within Without Yet You Your".split()
)
_SHOUTED_NAMES = frozenset({"Yahoo", "Jeopardy", "Yum", "Kahoot"})


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text, in order.

    Each has `text[start:end]` as its text, without whitespace at either end; between two sentences there is nothing
    but whitespace, so that offsets and text rebuild each other. A sentence of more than 2,000 characters is broken at
    whitespace (or, in an unbroken run that long, anywhere). Whitespace alone gives no sentence.
    """
    found: list[Sentence] = []
    for start, end in _spans(text):
        found.extend(Sentence(text[a:b], start=a, end=b) for a, b in _bounded(text, start, end))
    return tuple(found)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = _skip_blank(text, 0)
    inside = _inside_brackets(text)
    for match in _STOP.finditer(text):
        if match.end() <= start or match.end() >= len(text):
            continue
        cut = _boundary(text, match, start, inside)
        if cut is None:
            continue
        end, following = cut
        if end > start:
            yield start, end
        start = following
        if start >= len(text):
            return
    end = len(text.rstrip())
    if end > start:
        yield start, end


def _boundary(text: str, match: re.Match[str], start: int, inside: bytearray) -> tuple[int, int] | None:
    """(where the sentence ends, where the next starts), or None where the stop does not end it."""
    if match["stop"] is None:
        end = match.end("cjk") if match["cjk"] is not None else match.start()
        while end > start and text[end - 1].isspace():
            end -= 1
        if match["item"] is not None and not (text[end - 1] in ".:;!?" or _LISTED.match(text, start)):
            return None  # a wrapped line that happens to begin with a number
        return end, _skip_blank(text, match.end())
    end, following = match.start("gap"), match.end()
    if match["gap"].count("\n") > 1:
        return end, following
    if not match["gap"]:
        return (end, end) if _glued(text, match, start) else None
    if inside[end]:
        return None
    word = _word_before(text, match.start())
    if not _ends(text, match, word, start):
        return None
    citation = _CITATION.match(text, following)
    if citation and citation.end() < len(text):  # "... was shown. [5] We": the reference belongs to what it follows
        end = following + len(citation[0].rstrip())
        following = citation.end()
    return end, following


def _ends(text: str, match: re.Match[str], word: str, start: int) -> bool:
    stop, following = match["stop"], match.end()
    opened = following
    while opened < len(text) and opened - following < 4 and text[opened] in _OPENERS:
        opened += 1
    after = _WORD.match(text, opened, opened + _REACH)
    head, next_word = text[opened : opened + 1], after[0] if after else ""
    if text[following] in ",;:%&=)]}<>/|" or not head:
        return False
    if head.islower() and _ITEM.match(text, following):
        return not _abbreviated(word)
    if head.islower():
        return _starts_in_lower_case(text, opened) and len(stop) == 1 and word[-3:].isalpha() and not _abbreviated(word)
    if "!" in stop or "?" in stop:
        return not (stop == "!" and word in _SHOUTED_NAMES and next_word not in _STARTERS)
    if len(stop) > 1 or "…" in stop:  # an ellipsis, or a doubled full stop
        return head.isupper() or stop == ".."
    if match["closers"]:
        return not (match["closers"] in ("'", "’") and head.isdigit())
    if _is_item_number(text, match.start(), word, start):
        return False
    key = word.lower()
    if key in _NEVER_LAST and not (word in _USUALLY_SMALL and next_word in _STARTERS):
        return False
    if key in _BEFORE_NUMBER:
        capital = word[:1].isupper()
        names = head.isdigit() or text[following] in "([" or (len(next_word) == 1 and (capital or next_word != "A"))
        return not (names or (capital and next_word not in _STARTERS))
    if key in _SOMETIMES_LAST or _DOTTED.fullmatch(word):
        return next_word in _STARTERS
    if key == "etc":
        return head.isupper()
    if len(word) == 1 and word.isalpha() and word.isupper():  # an initial, or "vitamin C. We"
        return next_word in _STARTERS and not (next_word == "A" and text[after.end() : after.end() + 1] == ".")  # type: ignore[union-attr]
    return True


def _abbreviated(word: str) -> bool:
    key = word.lower()
    return key in _NEVER_LAST or key in _BEFORE_NUMBER or key in _SOMETIMES_LAST or key == "etc" or "." in key


def _starts_in_lower_case(text: str, at: int) -> bool:
    """A name such as iPhone, word2vec or k-means may open a sentence."""
    return _CAMEL.match(text, at, at + _REACH) is not None


def _is_item_number(text: str, stop: int, word: str, start: int) -> bool:
    """The "1" of "1. First item": alone at the start of the sentence, or after a colon."""
    if not _NUMBERED.fullmatch(word):
        return False
    begin = stop - len(word)
    before = begin - 1
    while before >= start and text[before].isspace() and begin - before < 4:
        before -= 1
    return before < start or (text[before] in ":;" and word.isdigit())


def _glued(text: str, match: re.Match[str], start: int) -> bool:
    """Full stop and next sentence without a blank between them: "performance.We show"."""
    if match["stop"] not in (".", "?", "!") or match.start() - start < 10:
        return False
    after = _WORD.match(text, match.end(), match.end() + _REACH)
    if after is None or after[0] not in _STARTERS or text[after.end() : after.end() + 1] not in (" ", ","):
        return False
    word = _word_before(text, match.start())
    return (len(word) > 2 and word.isalpha() and word.islower()) or word[-1:] in (")", "]")


def _word_before(text: str, stop: int) -> str:
    found = _WORD_BEFORE.search(text[max(0, stop - _REACH) : stop])
    return found[0].lstrip("'’`") if found else ""


def _inside_brackets(text: str) -> bytearray:
    """1 at every character between a round bracket and its partner, where they are at most 300 characters apart."""
    inside = bytearray(len(text))
    opened: list[int] = []
    for match in re.finditer(r"[()]|\n[^\S\n]*+\n", text):
        at = match.start()
        if match[0] == "(":
            opened.append(at)
        elif match[0] == ")":
            if opened and at - (begin := opened.pop()) <= 300:
                inside[begin + 1 : at] = b"\1" * (at - begin - 1)
        else:
            opened.clear()
    return inside


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > LONGEST:
        cut = start + LONGEST
        while cut > start and not text[cut].isspace():
            cut -= 1
        if cut == start:
            cut = start + LONGEST
        last = cut
        while last > start and text[last - 1].isspace():
            last -= 1
        yield start, last
        start = _skip_blank(text, cut)
    if end > start:
        yield start, end


def _skip_blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
