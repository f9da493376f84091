"""Documents as tokens: one string a document, cut into windows where it is longer than the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from heedful.errors import Mismatch
from heedful.records import Document

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]

MAX_TOKENS = 512
OVERLAP = 128


@dataclass(frozen=True, slots=True)
class Passage:
    """The string that is encoded, and where its sentences lie in it, (start, end) each."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Up to MAX_TOKENS tokens of one passage.

    ids: (tokens,), special tokens included. sentences: the numbers, within the passage, of the sentences that have
    tokens here. local: (tokens,), which of `sentences` a token belongs to, or -1. owned: (tokens,) bool; every token
    of a passage is owned by exactly one of its windows, so sums over owned tokens add up to sums over the passage.
    """

    ids: Ints
    sentences: Ints
    local: Ints
    owned: NDArray[np.bool_]

    @property
    def n_sentences(self) -> int:
        """How many sentences have tokens here."""
        return len(self.sentences)

    def __len__(self) -> int:
        return len(self.ids)


def document_passage(document: Document) -> Passage:
    """Title and sentences, joined by spaces."""
    parts = [document.title.strip()] if document.title.strip() else []
    length = len(parts[0]) if parts else 0
    spans = []
    for sentence in document.sentences:
        start = length + bool(parts)
        length = start + len(sentence.text)
        parts.append(sentence.text)
        spans.append((start, length))
    return Passage(" ".join(parts), tuple(spans))


def document_text(document: Document) -> str:
    """The string that the encoder reads of a document whose sentences are split."""
    return document_passage(document).text


class Tokens:
    """A fast tokenizer without its own padding and truncation."""

    def __init__(self, folder: Path, max_tokens: int = MAX_TOKENS, overlap: int = OVERLAP):
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the Rust side raises bare Exception
            raise Mismatch(f"{folder / 'tokenizer.json'}: found no readable tokenizer ({error})") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        special = self._tokenizer.encode("a")
        mask = special.special_tokens_mask
        first = mask.index(0)
        last = len(mask) - mask[::-1].index(0)
        self._before = np.array(special.ids[:first], dtype=np.int64)
        self._after = np.array(special.ids[last:], dtype=np.int64)
        self.max_tokens = max_tokens
        self.overlap = overlap

    def windows(self, passages: Sequence[Passage]) -> list[list[Window]]:
        """One list of windows a passage, at least one window each."""
        texts = [_encodable(passage.text) for passage in passages]
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [
            list(self._cut(np.array(tokens.ids, dtype=np.int64), _sentence_of(tokens.offsets, passage.spans)))
            for tokens, passage in zip(encoded, passages, strict=True)
        ]

    def _cut(self, ids: Ints, sentence: Ints) -> Iterator[Window]:
        before, after = len(self._before), len(self._after)
        room = self.max_tokens - before - after
        step = max(1, room - self.overlap)
        starts = [0] if len(ids) <= room else list(range(0, len(ids) - self.overlap, step))
        edge = 0  # where the previous window's ownership ended
        for number, start in enumerate(starts):
            stop = min(start + room, len(ids))
            last = number == len(starts) - 1
            owned_to = stop if last else stop - self.overlap // 2
            owned = np.zeros(before + (stop - start) + after, dtype=bool)
            owned[before + edge - start : before + owned_to - start] = True
            owned[:before] = number == 0
            owned[len(owned) - after :] = last
            edge = owned_to
            number_of = np.concatenate([np.full(before, -1), sentence[start:stop], np.full(after, -1)])
            sentences = np.unique(number_of[number_of >= 0])
            local = np.where(number_of >= 0, np.searchsorted(sentences, number_of), -1)
            yield Window(np.concatenate([self._before, ids[start:stop], self._after]), sentences, local, owned)


def _encodable(text: str) -> str:
    """The text with lone surrogates replaced: they cannot be UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("�" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _sentence_of(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Ints:
    """The number of the sentence that each token ends in; -1 where in none."""
    if not spans or not offsets:
        return np.full(len(offsets), -1, dtype=np.int64)
    last = np.fromiter((end for _, end in offsets), dtype=np.int64, count=len(offsets)) - 1  # its last character
    starts = np.fromiter((start for start, _ in spans), dtype=np.int64, count=len(spans))
    ends = np.fromiter((end for _, end in spans), dtype=np.int64, count=len(spans))
    number = np.searchsorted(starts, last, side="right") - 1
    inside = (number >= 0) & (last < ends[np.maximum(number, 0)])
    return np.where(inside, number, -1)
