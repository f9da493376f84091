"""BM25 over the same words that an index of this package holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from heedful.records import Topic, ranked
from heedful.systems.collection import open_collection
from heedful.systems.dense import Delivery, written
from heedful.systems.protocol import Collection, Needs, Ranking

if TYPE_CHECKING:
    from heedful.index import Index


@dataclass(frozen=True, slots=True)
class BM25:
    """BM25 over title and text.

    instruction: "none" leaves it out, "prefix" adds its words to the query.
    """

    instruction: Delivery = "none"
    given: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Needs] = Needs()

    def open(self, collection: Collection) -> BM25Ranker:
        """Index the collection's words, or take the index that is in the cache."""
        from heedful.encode import HashEncoder

        return BM25Ranker(open_collection(collection, HashEncoder(8)), collection, self.instruction)


@dataclass(frozen=True, slots=True)
class BM25Ranker:
    """The system, opened."""

    index: Index
    collection: Collection
    instruction: Delivery

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """All candidates by BM25; those that share no word with the query score 0."""
        query = written(topic, self.collection, self.instruction)
        scores = self.index.score_text(query, candidates)
        return Ranking(ranked(dict(zip(candidates, scores.tolist(), strict=True))), (query,))
