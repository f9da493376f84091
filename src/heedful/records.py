"""The frozen values that travel between the rooms. No I/O here; ids travel, texts are looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]

Scalar: TypeAlias = str | int | float | bool | None
_EMPTY: Mapping[str, Scalar] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a document.

    label: the rhetorical label as the data or the labeller gave it ("objective", "method", ...); empty when
    there is none yet. start, end: character offsets into the document's text, -1 when unknown.
    """

    text: str
    label: str = ""
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Document:
    """What is ranked: an id that no other document of the corpus has, a title, a text, its sentences.

    sentences: empty until the text has been split. metadata: scalar columns usable in a filter.
    """

    id: str
    title: str = ""
    text: str = ""
    sentences: tuple[Sentence, ...] = ()
    metadata: Mapping[str, Scalar] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, slots=True, eq=False)
class DocumentVectors:
    """What an encoder makes of one document; every vector is float32 of unit length.

    document: the document with its sentences as they were split and labelled. whole: (dim,). sentences:
    (sentences, dim), one row a sentence of `document.sentences`. aspects: name -> (dim,), only the aspects that
    the document has. probabilities: (sentences, aspects of the encoder), each in [0, 1], rows sum to at most 1
    (the rest is "no aspect"); one-hot where labels came with the data.
    """

    document: Document
    whole: Vector
    sentences: Vector
    aspects: Mapping[str, Vector]
    probabilities: Vector


@dataclass(frozen=True, slots=True)
class Topic:
    """One information need: where to start, and what to prefer.

    seeds: document ids. text: where there is no seed (or a seed given as text). instruction: empty means plain
    similarity. aspect: the benchmark's name of the aspect; a system sees it only when it asked to be given it.
    """

    id: str
    seeds: tuple[str, ...] = ()
    text: str = ""
    instruction: str = ""
    aspect: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked document: a higher score ranks earlier; equal scores rank by id, descending (as trec_eval)."""

    id: str
    score: float


def ranked(scores: Mapping[str, float]) -> list[Hit]:
    """Hits in the field's order: score down, then id down."""
    return [Hit(id, score) for id, score in sorted(scores.items(), key=lambda kv: (kv[1], kv[0]), reverse=True)]


@dataclass(frozen=True, slots=True)
class Run:
    """A ranking of documents for each topic. tag: the name of the system that made it."""

    topics: Mapping[str, Sequence[Hit]]
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Qrels:
    """Judgments: topic id -> document id -> grade. A document that is absent is unjudged."""

    topics: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of text that a plan wants or avoids. weight: in (0, 1]."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What an instruction was understood as; always shown, always editable.

    aspects: name -> weight in [-1, 1] (above 0: alike, 0: ignore, below 0: different); all equal means that no
    aspect was meant. where: a filter over metadata columns (SQL). task: the described task, never scored.
    steer: in [0, 1], how far the plan moves the ranking; None leaves it to the scorer. not_understood: what fitted
    nothing (it is also in `wanted`, at weight 0.5).
    """

    aspects: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    wanted: tuple[Clause, ...] = ()
    avoided: tuple[Clause, ...] = ()
    where: str | None = None
    task: str | None = None
    steer: float | None = None
    not_understood: tuple[str, ...] = ()
