"""LLM rankers behind the `Reranker` seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heedful.chat import AskingModel, Request
from heedful.errors import BudgetSpent
from heedful.records import Document, Hit, Topic
from heedful.rerank.llm.rankers import Ranking
from heedful.rerank.llm.task import MAX_WORDS, Tally, as_hits, question_of


class LLMReranker:
    """Re-ranks the first `depth` candidates for the best k; what lies below keeps its place.

    tally: of the last topic; bound: how many prompts it asks at most, and its longest prompt. max_words: of each text
    that is shown. Raises BudgetSpent, whose `partial` is the list
    of hits as good as it got.
    """

    def __init__(
        self,
        chat: AskingModel,
        ranking: Ranking,
        documents: Mapping[str, Document],
        *,
        k: int = 20,
        depth: int = 100,
        max_words: int = MAX_WORDS,
    ):
        self._chat, self._ranking, self._documents = chat, ranking, documents
        self._k, self._depth, self._max_words = k, depth, max_words
        self.tally = Tally()
        self.bound: tuple[int, Request | None] = (0, None)

    def rerank(self, topic: Topic, candidates: Sequence[Hit]) -> list[Hit]:
        """The same candidates, each once, best first, with scores that fall strictly."""
        self.tally = Tally()
        ids = [hit.id for hit in candidates]
        shown, rest = ids[: self._depth], ids[self._depth :]
        question = question_of(topic, shown, self._documents, self.tally, self._max_words)
        self.bound = self._ranking.bound(question, min(self._k, len(shown)))
        try:
            order = self._ranking.rank(self._chat, question, min(self._k, len(shown)), self.tally)
        except BudgetSpent as spent:
            partial = spent.partial if isinstance(spent.partial, list) else range(len(shown))
            hits = as_hits([*(shown[i] for i in partial), *rest])
            raise BudgetSpent(f"{spent}; the ranking is partial", partial=hits) from None
        return as_hits([*(shown[i] for i in order), *rest])
