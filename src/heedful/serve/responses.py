"""What answers hold, for the OpenAPI document; they are written as the command line writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Scalar: TypeAlias = str | int | float | bool
Metadata: TypeAlias = dict[str, Scalar]


class Shape(BaseModel):
    """An answer; it has no other keys."""

    model_config = ConfigDict(extra="forbid")


class Clause(Shape):
    """A text that is wanted or avoided."""

    text: str
    weight: float


class Plan(Shape):
    """What an instruction was understood as. aspects: above 0 alike, 0 ignored, below 0 different; all equal: none."""

    aspects: dict[str, float]
    wanted: list[Clause]
    avoided: list[Clause]
    where: str | None
    task: str | None
    steer: float
    not_understood: list[str]


class Planned(Shape):
    """The plan of one instruction."""

    instruction: str
    plan: Plan


class Sentence(Shape):
    """One sentence. aspect: "" for none. probability: how sure that is. start, end: in the text; -1 if unknown."""

    text: str
    aspect: str
    probability: float | None
    label: str
    start: int
    end: int


class Document(Shape):
    """A document, read."""

    id: str
    title: str
    text: str
    sentences: list[Sentence]
    metadata: Metadata


class Listed(Shape):
    """A document in a list. text: its beginning."""

    id: str
    title: str
    text: str
    metadata: Metadata


class Documents(Shape):
    """Documents found."""

    documents: list[Listed]


class Evidence(Shape):
    """An aligned pair: a sentence of the start (or a wanted text) and one of the hit; cosine similarity."""

    seed_sentence: str
    sentence: str
    aspect: str
    similarity: float


class Hit(Shape):
    """A ranked document. moved: places gained against no instruction; null where it was in neither list before.

    moved_since: the same against `previous`. document: where it was asked for. duplicates: ids folded into this hit.
    """

    rank: int
    id: str
    score: float
    title: str
    parts: dict[str, float]
    evidence: list[Evidence]
    moved: int | None
    moved_since: int | None = None
    duplicates: list[str] | None = None
    document: Document | None = None


class Heed(Shape):
    """Whether the ranking answered."""

    rbo: float
    turnover_10: Annotated[float, Field(alias="turnover@10")]
    gain: float
    verdict: Literal["followed", "moved, not followed", "ignored", "not delivered"]


class ShortHit(Shape):
    """A hit of the ranking before."""

    rank: int
    id: str
    title: str


class Previous(Shape):
    """The ranking that moves were also told against."""

    instruction: str
    plan: Plan
    heed: Heed | None
    hits: list[ShortHit]


class Labelled(Shape):
    """A text to start from, as it was read."""

    sentences: list[Sentence]


class Explored(Shape):
    """An exploration. start: the text that was started from, where documents were asked for."""

    seed: str | list[str]
    instruction: str
    plan: Plan
    system: str
    hits: list[Hit]
    heed: Heed | None
    warnings: list[str]
    manifest: dict[str, Any]
    previous: Previous | None = None
    start: Labelled | None = None


class Ranks(Shape):
    """A document's rank under each instruction; null where it is not shown."""

    id: str
    title: str
    ranks: list[int | None]


class Compared(Shape):
    """One start under several instructions."""

    seed: str | list[str]
    instructions: list[str]
    explorations: list[Explored]
    ranks: list[Ranks]


class Aspect(Shape):
    """An aspect of the collection."""

    name: str
    definition: str
    documents: int


class Value(Shape):
    """A value of a column and how many documents have it."""

    value: Scalar
    documents: int


class Column(Shape):
    """A metadata column. values: where they are few. low, high: of numbers."""

    name: str
    type: Literal["int", "float", "string", "bool"]
    absent: int
    distinct: int
    values: list[Value] | None
    low: float | None
    high: float | None


class Info(Shape):
    """What the collection holds, and what this server allows."""

    name: str
    documents: int
    aspects: list[Aspect]
    columns: list[Column]
    encoder: str
    version: int
    digest: str
    built: str
    heedful: str
    rerankers: list[str]
    exports: list[str]
    limits: dict[str, int]


class RerankedText(Shape):
    """A text as it was given."""

    text: str


class Result(Shape):
    """index: of the document in the request. relevance_score: in (0, 1), comparable within one answer only."""

    index: int
    relevance_score: float
    document: RerankedText | None = None


class ApiVersion(Shape):
    """The version of the shape."""

    version: str


class Meta(Shape):
    """About the answer."""

    api_version: ApiVersion
    warnings: list[str]


class Reranked(Shape):
    """The best first."""

    id: str
    model: str
    results: list[Result]
    plan: Plan
    meta: Meta


class Health(Shape):
    """The process answers."""

    status: Literal["ok"]


class Ready(Shape):
    """The index is open."""

    status: Literal["ready"]
    documents: int
