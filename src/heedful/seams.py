"""The protocols through which the rooms meet. Real encoders, chat clients and mappers are handed in through these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from heedful.records import Document, DocumentVectors, Hit, Run, Topic

if TYPE_CHECKING:
    from heedful.records import Vector

A = TypeVar("A")
B = TypeVar("B")


class DocumentEncoder(Protocol):
    """Documents and texts to vectors.

    One that holds much memory may also have `release()`, which frees what the next call can make again.
    """

    dim: int
    aspects: tuple[str, ...]

    def spec(self) -> Mapping[str, Any]:
        """What this encoder is, JSON-ready.

        Keys that decide whether two encoders' vectors belong together: name, digest, dim, aspects, labels.
        Others (backend, dtype, max_tokens) are for the record.
        """
        ...

    def encode_documents(self, documents: Iterable[Document]) -> Iterator[DocumentVectors]:
        """One value a document, in order; sentences are split and labelled where they are not yet."""
        ...

    def encode_queries(self, texts: Sequence[str], instructions: Sequence[str] | None = None) -> Vector:
        """(texts, dim) float32, unit rows. An empty text gives the encoder's vector of the empty string."""
        ...


class Retriever(Protocol):
    """Topics to a run, over a whole collection."""

    def search(self, topics: Sequence[Topic], k: int) -> Run:
        """The k best documents a topic; a seed never retrieves itself."""
        ...


class Reranker(Protocol):
    """Candidates to candidates, in a better order."""

    def rerank(self, topic: Topic, candidates: Sequence[Hit]) -> list[Hit]:
        """The same candidates, each once, best first, with scores that fall strictly."""
        ...


class ChatModel(Protocol):
    """Prompts to answers."""

    def complete(self, prompts: Sequence[str]) -> list[str]:
        """One answer a prompt: same length, same order."""
        ...


class ChoosingModel(Protocol):
    """Prompts to probabilities of a few labels."""

    def choose(self, prompts: Sequence[str], labels: Sequence[str]) -> list[tuple[float, ...] | None]:
        """One row a prompt: the labels' probabilities as the answer's first token, summing to 1; None: none likely."""
        ...


class Mapper(Protocol):
    """A function over items, here or on many machines."""

    def map(self, fn: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Fn of each item, in order."""
        ...


class LocalMapper:
    """The plain mapper: one process, in order, lazily."""

    def map(self, fn: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Fn of each item, in order."""
        return map(fn, items)


LISTENER: ContextVar[Callable[[str, int, int | None], None] | None] = ContextVar("LISTENER", default=None)
"""Who is told how far slow work is: (what, done, total or None). May raise, to end work that nobody waits for."""


def tell_progress(what: str, done: int, total: int | None = None) -> None:
    """Say how far a slow piece of work is; nothing where nobody listens in this context."""
    listener = LISTENER.get()
    if listener is not None:
        listener(what, done, total)
