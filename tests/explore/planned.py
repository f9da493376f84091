"""The list of instructions with what they mean, and when a plan has it right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heedful.explore.planning.content import words
from heedful.records import Clause

_HOLLOW = frozenset(
    "the a an of and or to in on for with by from at as is are that which only paper papers work works article "
    "articles document documents study studies".split()
)


@dataclass(frozen=True)
class Instruction:
    """One line: text | aspects with +, - or 0 | wanted; ... | avoided; ... | where."""

    text: str
    aspects: Mapping[str, str]
    wanted: tuple[str, ...]
    avoided: tuple[str, ...]
    where: str


def read_list(path: Path) -> list[Instruction]:
    entries = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            text, aspects, wanted, avoided, where = (part.strip() for part in line.split("|"))
            entries.append(
                Instruction(
                    text.replace("\\n", "\n"),
                    {name[:-1]: name[-1] for name in aspects.split()},
                    tuple(t.strip() for t in wanted.split(";") if t.strip()),
                    tuple(t.strip() for t in avoided.split(";") if t.strip()),
                    where,
                )
            )
    return entries


def aspects_right(found: Mapping[str, float], meant: Mapping[str, str]) -> bool:
    """Signs as meant (0: at most 0), the first aspect meant has the greatest weight, no other one counts as much."""
    if not meant:
        return len(set(found.values())) == 1
    signs = {"+": lambda w: w > 0, "-": lambda w: w < 0, "0": lambda w: w <= 0}
    if not all(signs[sign](found[name]) for name, sign in meant.items()):
        return False
    liked = [name for name, sign in meant.items() if sign == "+"]
    if not liked:
        return True
    top = found[liked[0]]
    setting_aside = "0" in meant.values()
    return all(w <= top and (w < top or n in liked or setting_aside) for n, w in found.items())


def texts_right(found: Sequence[Clause], meant: Sequence[str]) -> bool:
    """Everything meant is found, in one piece or in pieces, and nothing else is."""
    wanted = [_content(text) for text in meant]
    got = [_content(clause.text) for clause in found]
    for text in wanted:
        pieces = set().union(*(c for c in got if c <= text)) if got else set()
        if not any(text <= c for c in got) and not text <= pieces:
            return False
    everything = set().union(*wanted) if wanted else set()
    return all(any(text <= c for text in wanted) or (c and c <= everything) for c in got)


def filter_right(found: str | None, meant: str) -> bool:
    """Equal, or for `column~word+word`: over that column, with these words in it, and a year only if one is meant."""
    match = re.fullmatch(r"(\w+)~(.+)", meant)
    if not match:
        return (found or "") == meant
    asked = match[2].lower().split("+")
    said = (found or "").lower()
    return match[1] in said and all(word in said for word in asked) and ("year" in said) == ("year" in asked)


def _content(text: str) -> set[str]:
    return set(words(text)) - _HOLLOW
