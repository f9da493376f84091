"""What ranks: a system is opened on a collection, and then ranks candidates for one topic after another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from heedful.records import Document, Hit, Qrels, Topic

if TYPE_CHECKING:
    from heedful.index import Index
    from heedful.seams import DocumentEncoder

ASPECT, GRADES, ID = "aspect", "grades", "id"


@dataclass(frozen=True, slots=True)
class Collection:
    """What a system may see of a benchmark: its documents, and what else it declared that it is given.

    qrels: only for a system that declares `grades` (the oracle); empty otherwise. index: the index that the documents
    come from, where there is one. encoder: the index's own, where it is loaded already.
    """

    documents: Mapping[str, Document]
    qrels: Qrels = field(default_factory=lambda: Qrels({}))
    name: str = ""
    index: Index | None = None
    encoder: DocumentEncoder | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a system answered for one topic.

    hits: candidates, best first. inputs: the exact strings that a model got because of this topic (not the documents,
    which are the same for every topic), in order; None where the system cannot know (a run from a file). facts: what
    else is to be kept with the ranking (a chat model's tally), JSON-ready.
    """

    hits: Sequence[Hit]
    inputs: tuple[str, ...] | None
    facts: Mapping[str, Any] | None = None


@runtime_checkable
class Ranker(Protocol):
    """A system that has been opened on a collection."""

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """The candidates (or the best of them) in order; every hit is one of them, each at most once."""
        ...


@dataclass(frozen=True, slots=True)
class Needs:
    """What a system needs before it runs. size: of what is downloaded. licence: of the weights. gpu: in words."""

    size: str = "nothing"
    licence: str = ""
    gpu: str = "no"
    extra: str = ""


@runtime_checkable
class System(Protocol):
    """Something that ranks, configured and not yet opened.

    `given` is what it is told beyond seed or text and instruction: "aspect" (its name), "grades", "id" (the topic's
    own, where others get a name that says nothing).
    """

    @property
    def given(self) -> frozenset[str]:
        """What it declares that it is given."""
        ...

    def open(self, collection: Collection) -> Ranker:
        """Load what it needs and index the collection. Raises Missing for an extra or a model that is not there."""
        ...


def shown(topic: Topic, given: frozenset[str]) -> Topic:
    """The topic as a system sees it: no aspect and no telling id unless it declared them."""
    return replace(
        topic,
        id=topic.id if ID in given else opaque(topic.id),
        aspect=topic.aspect if ASPECT in given else "",
    )


def opaque(id: str) -> str:
    """A stable name that says nothing ("1587_method" would)."""
    return hashlib.sha256(id.encode()).hexdigest()[:16]


def seeds_of(topic: Topic, documents: Mapping[str, Document]) -> list[Document]:
    """The topic's seed documents, in order."""
    return [documents[seed] for seed in topic.seeds]


def text_of(document: Document) -> str:
    """Title and text as one string."""
    return f"{document.title} {document.text}".strip()


def topic_text(topic: Topic, documents: Mapping[str, Document]) -> str:
    """What a topic says without its instruction: its text, else its seeds' titles and texts."""
    return topic.text or " ".join(text_of(seed) for seed in seeds_of(topic, documents))
