"""When two titles, or openings of texts, are the same."""

from __future__ import annotations

import re

_OTHER = re.compile(r"[\W_]+")


def letters(text: str) -> str:
    """Letters and digits alone, lower-cased: equal for texts that differ in case, spaces and punctuation only."""
    return _OTHER.sub("", text.lower())
