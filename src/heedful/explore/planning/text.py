"""Plain text work before any meaning: characters, sentences, spelling of the words that carry meaning, language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

CHUNK = 600  # characters; longer sentences are cut at a space, so that every rule sees a short string

_FOLD = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "‐": "-", "‑": "-", "−": "-", "—": " - ", "…": ". ", "\u00a0": " ",
    }
)  # fmt: skip
_BULLET = re.compile(r"^\s*(?:[-*+•·▪◦‣]+\s+|\(?(?:\d{1,2}|[a-hA-H])[.)]\s+)")
_ABBREVIATIONS = frozenset(
    "e.g i.e al vs cf etc fig figs eq no vol pp approx resp u.s u.k u.n dr mr mrs ms prof st incl excl ed eds inc"
    .split()
)  # fmt: skip
_END = re.compile(r"[.!?;]+(?=[\"')\]]*(?:\s|$))")
_WORD = re.compile(r"[A-Za-z]+")

# Words whose reading decides what a clause means; only these are repaired.
_REPAIRED = (
    "method methods methodology technique techniques approach approaches algorithm algorithms architecture "
    "architectures background motivation problem problems domain domains result results finding findings conclusion "
    "conclusions evaluation topic topics similar similarly different difference same without excluding exclude except "
    "avoid avoiding instead rather since before between after published surveys survey documents document papers "
    "paper relevant irrelevant ignore regardless method's question questions objective experimental"
).split()
_KEPT = frozenset(
    "tropic tropics avid sine sines befor's some sane came game name lame tame fame dame surreys afters poblem "
    "papery resulted avoids surveyed surveyor rathe altar simila's exclaim accept expect excepts instep document's "
    "betwixt finding's aft alter rafter father later stopic optic optics prop tonic conclusive difference's "
    "differences differed differs differing relevance methodic methodological domained excluded excludes ignored "
    "ignores ignoring evaluations motivations backgrounds documented papered questioned approached methodologies "
    "objectives pages pape pap pater pauper rapper same's sam ame seam shame".split()
)
_KNOWN = frozenset(_REPAIRED)


def fold(text: str) -> str:
    """The text with plain quotes and dashes, and with control characters turned into spaces (newlines stay)."""
    text = unicodedata.normalize("NFC", text).translate(_FOLD)
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else " " for c in text.replace("\r\n", "\n"))


def sentences(text: str) -> Iterator[str]:
    """Sentences, bullet points, lines and semicolon parts, in order, each of at most `CHUNK` characters."""
    for block in _blocks(text):
        start = 0
        for match in _END.finditer(block):
            before = block[start : match.start()].rsplit(None, 1)
            last = before[-1].lower().lstrip("(\"'") if before else ""
            if match.group() == "." and (last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha())):
                rest = block[match.end() :].lstrip()[:1]
                if not rest or not (rest.isupper() and last in {"etc"}):
                    continue
            yield from _chunks(block[start : match.end()].strip())
            start = match.end()
        yield from _chunks(block[start:].strip())


def _blocks(text: str) -> Iterator[str]:
    """Lines, where wrapped lines of one paragraph are joined again."""
    held = ""
    for line in text.split("\n"):
        body = _BULLET.sub("", line, count=1).strip()
        wrapped = len(held) > 60 and body[:1].islower() and held[-1] not in ".!?;:" and body == line.strip()
        if wrapped and len(held) < 20 * CHUNK:
            held = f"{held} {body}"
            continue
        if held:
            yield held
        held = body
    if held:
        yield held


def _chunks(sentence: str) -> Iterator[str]:
    while len(sentence) > CHUNK:
        cut = sentence.rfind(" ", 1, CHUNK)
        cut = cut if cut > 0 else CHUNK
        yield sentence[:cut].strip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence


def repair(text: str) -> str:
    """The text with one-letter slips in meaning-carrying words put right ("simliar methdo"); other words stay."""
    return _WORD.sub(lambda m: _repaired(m.group()), text)


@lru_cache(maxsize=4096)
def _repaired(word: str) -> str:
    low = word.lower()
    if len(low) < 4 or low in _KNOWN or low in _KEPT:
        return word
    for right in _REPAIRED:
        if right[0] == low[0] and abs(len(right) - len(low)) <= 1 and _one_slip(low, right):
            return right.upper() if word.isupper() else right.capitalize() if word[0].isupper() else right
    return word


def _one_slip(typed: str, right: str) -> bool:
    """One letter left out, doubled or added, or two neighbours swapped; a letter exchanged only in long words."""
    i = 0
    while i < min(len(typed), len(right)) and typed[i] == right[i]:
        i += 1
    a, b = typed[i:], right[i:]
    if len(a) + 1 == len(b):
        return a == b[1:]
    if len(a) == len(b) + 1:
        return a[1:] == b and len(right) > 4
    if len(a) >= 2 and a[0] == b[1] and a[1] == b[0]:
        return a[2:] == b[2:]
    return len(right) >= 8 and a[1:] == b[1:]


_FOREIGN = frozenset(
    "de la et en un bonjour "
    "le les des du une pas sans avec sur pour dans est sont qui que mais méthode méthodes même articles sujet "
    "der das und nicht ohne mit für über eine einen ist sind auf gleiche gleichen andere anderen keine kein aber "
    "el los las una sin con sobre para pero mismo misma otro otra trabajos artículos il gli che di della non "
    "senza metodo método stesso stessa lo stessi um uma não sem sobre mesmo outro het een niet zonder maar dezelfde"
    .split()
)  # fmt: skip
_ENGLISH = frozenset(
    "the a an of to in on for with without and or not no but that which this these those is are be was were as by from "
    "about than other similar same method methods topic papers paper work documents find show only should must "
    "different same any all i we it its their they how what why do does did have has using use used".split()
)


def is_english(text: str) -> bool:
    """Whether a sentence reads as English; short ones without any sign of another language count as English."""
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c > "\u024f" for c in letters) > 0.3 * len(letters):
        return False
    words = [w.lower() for w in re.findall(r"[^\W\d_]+", text)]
    foreign = sum(w in _FOREIGN for w in words)
    return foreign < 2 or foreign <= sum(w in _ENGLISH for w in words)
