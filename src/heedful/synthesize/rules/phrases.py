"""What documents are about, in two or three words: runs of words that many titles have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heedful.index.terms import STOP_WORDS

TITLES = 12  # a phrase stands in at least so many titles
MOST = 0.04  # and in at most this share of the texts
_INSIDE = 0.5  # a pair that stands within one longer phrase so often is a piece of it
_WORD = re.compile(r"[^\W\d_][^\W_]+(?:-[^\W_]+)*")
_DULL = frozenset(
    "via using towards toward new novel based beyond approach approache study case analysis framework method survey "
    "methodology review paper improving enhancing understanding exploring evaluating investigating when why where good "
    "better efficient effective robust simple fast first large-scale scalable unified general two one three multi high "
    "low really need know make making let get take use does still just every any can across against meet "
    "anything technical report next".split()
)
_NO_END = frozenset(
    "neural large visual deep model system scenario technique setting level driven aware guided".split()
)
_NO_START = frozenset(
    "model system task data-driven generation learning detection prediction reasoning training".split()
)


@dataclass(frozen=True, slots=True, eq=False)
class Phrases:
    """Which of the pool's phrases each document has.

    texts: phrase -> as titles write it. documents: phrase -> rows of the documents that are about it (it stands in the
    title, or twice in the text). about: the same a document. traces: a document -> the phrases of which it has
    any trace: the phrase, its first word, its initials.
    """

    texts: tuple[str, ...]
    documents: tuple[NDArray[np.int64], ...]
    about: tuple[tuple[int, ...], ...]
    traces: tuple[frozenset[int], ...]


def find_phrases(titles: Sequence[str], texts: Sequence[str]) -> Phrases:
    """The phrases that enough titles have, and the documents (title, text) that are about them."""
    found: Counter[tuple[str, ...]] = Counter()
    spelled: dict[tuple[str, ...], Counter[str]] = {}
    longer: Counter[tuple[str, ...]] = Counter()
    for title in titles:
        written = _WORD.findall(title)
        every = {run: at for at, run in _runs([_plain(word) for word in written])}
        runs = {run: at for run, at in every.items() if _bright(run)}
        found.update(runs.keys())
        longer.update(run for run in every if len(run) == 3)
        for run, at in runs.items():
            spelled.setdefault(run, Counter())[" ".join(written[at : at + len(run)]).lower()] += 1
    keys = _kept(found, longer, min(TITLES, 2 + len(titles) // 1000))
    about, traces, frequency = _mark(keys, titles, texts)
    common = {phrase for phrase, times in frequency.items() if times > MOST * len(titles)}
    about = [tuple(phrase for phrase in one if phrase not in common) for one in about]
    rows: list[list[int]] = [[] for _ in keys]
    for row, phrases in enumerate(about):
        for phrase in phrases:
            rows[phrase].append(row)
    names = tuple(spelled[run].most_common(1)[0][0] for run in keys)
    return Phrases(names, tuple(np.asarray(one, np.int64) for one in rows), tuple(about), tuple(traces))


def _kept(found: Counter[tuple[str, ...]], longer: Counter[tuple[str, ...]], least: int) -> list[tuple[str, ...]]:
    """The runs that occur often enough and are no piece of a longer one, be that one itself a phrase or not."""
    kept = {run for run, times in found.items() if times >= least}
    for run, times in longer.items():
        kept -= {piece for piece in (run[:2], run[1:]) if times > _INSIDE * found[piece] and times > 1}
    return sorted(kept)


def _mark(
    keys: Sequence[tuple[str, ...]], titles: Sequence[str], texts: Sequence[str]
) -> tuple[list[tuple[int, ...]], list[frozenset[int]], Counter[int]]:
    """A document's phrases, the phrases that it has a trace of, and in how many documents each phrase stands."""
    number = {key: at for at, key in enumerate(keys)}
    starts: dict[str, list[int]] = {}
    betray: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        starts.setdefault(key[0], []).append(at)
        initials = "".join(part[0] for word in key for part in word.split("-") if part)
        for trace in (key[0], initials, f"l{initials}"):
            betray.setdefault(trace, []).append(at)
    about, traces = [], []
    frequency: Counter[int] = Counter()
    for title, text in zip(titles, texts, strict=True):
        heading = [_plain(word) for word in _WORD.findall(title)]
        body = [_plain(word) for word in _WORD.findall(text)]
        named = {number[run] for _, run in _runs(heading) if run in number}
        times: Counter[int] = Counter()
        for at, word in enumerate(body):
            for phrase in starts.get(word, ()):
                times[phrase] += tuple(body[at : at + len(keys[phrase])]) == keys[phrase]
        about.append(tuple(sorted(named.union(phrase for phrase, count in times.items() if count > 1))))
        frequency.update(named.union(phrase for phrase, count in times.items() if count))
        traces.append(frozenset(phrase for word in {*heading, *body} for phrase in betray.get(word, ())))
    return about, traces, frequency


def _runs(words: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Two and three neighbouring words, each with where it starts."""
    for length in (2, 3):
        yield from ((at, tuple(words[at : at + length])) for at in range(len(words) - length + 1))


@lru_cache(maxsize=200_000)
def _plain(word: str) -> str:
    """In small letters, a plural as its singular."""
    word = word.lower()
    if len(word) > 4 and word.endswith("ies") and word != "series":
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ses", "series")):
        return word[:-1]
    return word


@lru_cache(maxsize=200_000)
def _dull(word: str) -> bool:
    return word in STOP_WORDS or word in _DULL or len(word) < 3


def _bright(run: tuple[str, ...]) -> bool:
    """Whether it can stand for a subject: "language model" needs a word before it."""
    ends = run[-1] in _NO_END - ({"model", "system"} if len(run) == 3 else set())
    return not ends and run[0] not in _NO_START and not any(map(_dull, run))
