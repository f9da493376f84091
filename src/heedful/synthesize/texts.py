"""What texts must be like to become part of a row: pure checks, each giving a reason or the empty string."""

from __future__ import annotations

import re
from hashlib import blake2b

from heedful.synthesize.rows import Passage

SHORTEST, LONGEST = 8, 20_000  # words, characters of a passage
QUERY_WORDS, INSTRUCTION_WORDS = (2, 40), (4, 160)
COPIED = {"query": 7, "instruction": 12}  # so many words in a row are a copy
_WORD = re.compile(r"\w+")
_COMMAND = re.compile(
    r"(ignore|disregard|forget|override)\s+(all\s+|any\s+|the\s+|your\s+|these\s+|those\s+|every\s+)*"
    r"(previous|prior|above|earlier|preceding|other|system)\s+(instruction|prompt|direction|rule|text|message)"
    r"|system prompt|<\|\w+\|>|\[/?INST\]|^\s*(system|assistant)\s*:"
    r"|(^|[.!?:,]\s+|\bplease\s+)(answer|respond|reply) (only )?with\b"
    r"|you are (now )?(an? )?(ai|assistant|language model|chatgpt|dan)\b",
    re.IGNORECASE | re.MULTILINE,
)
_TOLD = re.compile(
    r"\b(this|that|the above|the given|the following|above|given) (passage|text|document|abstract|paper)\b"
    r"|\b(passage|text|document) (above|below)\b|\b(old|original|previous|other) (query|instruction)\b"
    r"|\b(poisoned|hard negative|negative passage)\b|\brequest [12]\b|\bjson\b",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Lower-cased words."""
    return _WORD.findall(text.lower())


def shingles(text: str, n: int = 3) -> frozenset[str]:
    """All runs of n words; the words themselves where there are fewer."""
    found = words(text)
    return frozenset(" ".join(found[i : i + n]) for i in range(max(1, len(found) - n + 1))) if found else frozenset()


def likeness(one: str, other: str) -> float:
    """Jaccard coefficient of the runs of three words, in [0, 1]."""
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def fingerprint(text: str) -> str:
    """The same for texts that differ in case, spaces and punctuation only."""
    return blake2b(" ".join(words(text)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def commands(text: str) -> bool:
    """Whether a text seems to give orders to a language model."""
    return _COMMAND.search(text) is not None


def unfit_passage(passage: Passage) -> str:
    """Why nothing is made of a passage of the collection."""
    text = passage.full
    if len(text) > LONGEST:
        return "too long"
    if sum(not (c.isprintable() or c in "\n\r\t") or c == "\ufffd" for c in text) * 20 > len(text):
        return "not text"
    if len(words(text)) < SHORTEST:
        return "too short"
    return ""


def unfit_query(query: str, passage: Passage) -> str:
    """Why a query that a model wrote is of no use."""
    return _unfit("query", query, passage, QUERY_WORDS)


def unfit_instruction(instruction: str, passage: Passage) -> str:
    """Why an instruction that a model wrote is of no use."""
    return _unfit("instruction", instruction, passage, INSTRUCTION_WORDS)


def unfit_change(what: str, old: str, new: str) -> str:
    """Why an altered query or instruction is none."""
    return f"{what} unchanged" if words(old) == words(new) else ""


def unfit_imagined(passage: Passage, model: Passage) -> str:
    """Why a passage that a model wrote is of no use; model: the passage that it was to resemble in manner."""
    if problem := unfit_passage(passage):
        return problem
    if commands(passage.full) or re.search(r"\brequest [12]\b", passage.full, re.IGNORECASE):
        return "speaks of its making"
    if not 0.5 <= len(words(passage.text)) / max(1, len(words(model.text or model.full))) <= 2:
        return "another length"
    return "a copy" if likeness(passage.full, model.full) > 0.5 else ""


def _unfit(what: str, text: str, passage: Passage, limits: tuple[int, int]) -> str:
    found = words(text)
    if not limits[0] <= len(found) <= limits[1]:
        return f"{what} of {'too few' if len(found) < limits[0] else 'too many'} words"
    if _TOLD.search(text) or commands(text):
        return f"{what} speaks of its making"
    n = COPIED[what]
    if len(found) >= n and shingles(text, n) & shingles(passage.full, n):
        return f"{what} copies the passage"
    return ""
