"""Is a text English? By its stop words, without a model."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Only words that are rare in other languages of the Latin alphabet ("in", "a" or "die" would not do).
_STOPS = frozenset(
    "the of and to is that for with as are by this we be on from which it can an our has have these their was were "
    "been or at not such using based between both than its they when how into more also other through while however "
    "show results method approach but may only where what who would there about over new used".split()
)
_READ = 1500  # characters looked at
_FEWEST = 12  # words, below which nothing is said
_SHARE = 0.14  # abstracts in English have .25 to .5, in other languages below .08


def is_english(text: str) -> bool | None:
    """Whether the beginning of a text is English; None where it is too short to say."""
    text = text[:_READ]
    letters = [character for character in text if character.isalpha()]
    if len(letters) >= 20 and sum(character > "\u02ff" for character in letters) > len(letters) / 2:
        return False
    words = _WORDS.findall(text.lower())
    if len(words) < _FEWEST:
        return None
    return sum(word in _STOPS for word in words) / len(words) >= _SHARE
