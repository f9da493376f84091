"""Ranking with a chat model: pairwise (prp), setwise, listwise, pointwise, behind any OpenAI-compatible address.

Every answer is kept in the answer cache, so what was paid for once is never asked again: a run that was killed, or
stopped by its budget, goes on where it was.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from heedful.cache import cache_folder
from heedful.chat import AskingModel, Chat, Parameters, Patience, Request
from heedful.errors import BadSystem
from heedful.records import Hit, Topic
from heedful.rerank.llm import Listwise, LLMReranker, Pairwise, Pointwise, Setwise, Tally, Template, load_template
from heedful.rerank.llm import Ranking as Way
from heedful.rerank.sorting import SORTERS, Active, Sorter
from heedful.systems.protocol import Collection, Needs, Ranker, Ranking, System
from heedful.systems.registry import parse_system
from heedful.systems.tallies import facts_of

log = logging.getLogger("heedful.systems")
Start: TypeAlias = Literal["first", "reversed", "shuffled"]
Sort: TypeAlias = Literal["active", "allpairs", "heapsort", "sliding", "quickselect"]
Mode: TypeAlias = Literal["generate", "score", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chat:
    """What the four have in common.

    model: its name at the server. base_url: any OpenAI-compatible address, OPENAI_BASE_URL or OpenAI's where empty.
    key_env: the variable that holds the key. first: the system whose order is re-ranked ("given": the order the
    candidates come in); depth: how many of it; k: how many places are worked for. budget: US dollars; dry: count and
    send nothing. cache: the answer cache's file, "none" for none. max_words: of each text shown.
    """

    model: str
    base_url: str = ""
    key_env: str = "OPENAI_API_KEY"
    first: str = "minilm"
    depth: int = 100
    k: int = 20
    template: str = ""
    concurrency: int = 16
    budget: float | None = None
    dry: bool = False
    cache: str = ""
    max_words: int = 300
    temperature: float | None = 0.0
    timeout: float = 60.0
    attempts: int = 6
    needs: ClassVar[Needs] = Needs(size="a server's", gpu="where the server has one", extra="llm")

    def __post_init__(self) -> None:
        for name in ("depth", "k", "concurrency", "max_words", "attempts"):
            if getattr(self, name) < 1:
                raise BadSystem(f"{name}: found {getattr(self, name)}; expected 1 or more")
        self._way()  # a wrong template is said now

    @property
    def given(self) -> frozenset[str]:
        """What the first stage declares; itself it is told nothing more."""
        return self._first().given if self.first != "given" else frozenset()

    def open(self, collection: Collection) -> ChatRanker:
        """Connect, and open the first stage."""
        way, template = self._way()
        kept = Path(self.cache) if self.cache else cache_folder() / "answers.sqlite"
        chat = Chat(
            self.model,
            base_url=self.base_url or None,
            key_env=self.key_env,
            concurrency=self.concurrency,
            parameters=Parameters(
                temperature=self.temperature,
                max_tokens=template.max_tokens,
                labels_by="decisions" if getattr(self, "mode", "") == "decide" else "logprobs",
            ),
            patience=Patience(attempts=self.attempts, timeout=self.timeout),
            cache=None if self.cache == "none" else kept,
            budget=self.budget,
            dry=self.dry,
        )
        first = None if self.first == "given" else self._first().open(collection)
        start: Start = getattr(self, "start", "first")
        return ChatRanker(chat, way, collection, first, self.depth, self.k, self.max_words, start, self.dry)

    def _first(self) -> System:
        return parse_system(self.first)

    def _way(self) -> tuple[Way, Template]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PRP(_Chat):
    """Pairwise ranking prompting: which of two documents is more relevant, sorted by any of five algorithms.

    sort: active asks many comparisons at once (prompts: at most so many, 0 leaves it to the algorithm; batch: at
    once); the others are the published ones. mode: generate reads an answer, score reads the labels' probabilities from
    log-probabilities, decide from the typed decisions of `transformers serve`. start: the order in which the sort gets
    the first stage's head: as it is, reversed, or shuffled (by a hash of the ids).
    """

    sort: Sort = "active"
    mode: Mode = "generate"
    prompts: int = 0
    batch: int = 16
    start: Start = "first"

    def _way(self) -> tuple[Way, Template]:
        usual = "pairwise" if self.mode == "generate" else "pairwise-scored"
        template = load_template(self.template or usual, "pairwise")
        sorter: Sorter = Active(self.prompts or None, self.batch) if self.sort == "active" else SORTERS[self.sort]
        return Pairwise(template, sorter, self.mode != "generate", self.concurrency), template


@dataclass(frozen=True, slots=True, kw_only=True)
class SetwiseSystem(_Chat):
    """Setwise: the best of several documents in one prompt, in a heap. children: of a node."""

    mode: Mode = "generate"
    children: int = 3

    def _way(self) -> tuple[Way, Template]:
        template = load_template(self.template or "setwise", "setwise")
        if not 1 <= self.children < len(template.labels):
            raise BadSystem(f"children: found {self.children}; expected 1 to {len(template.labels) - 1}")
        return Setwise(template, self.mode != "generate", self.children), template


@dataclass(frozen=True, slots=True, kw_only=True)
class ListwiseSystem(_Chat):
    """Listwise: windows of a list, each put in order by one answer."""

    window: int = 20
    step: int = 10
    passes: int = 1

    def _way(self) -> tuple[Way, Template]:
        if not 1 <= self.step < self.window:
            raise BadSystem(f"step: found {self.step}; expected 1 to {self.window - 1}")
        template = load_template(self.template or "listwise", "listwise")
        return Listwise(template, self.window, self.step, self.passes), template


@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseSystem(_Chat):
    """Pointwise: one document a prompt. mode: score takes the expected grade by the labels' probabilities."""

    mode: Mode = "score"

    def _way(self) -> tuple[Way, Template]:
        template = load_template(self.template or "pointwise", "pointwise")
        return Pointwise(template, self.mode != "generate"), template


@dataclass(slots=True)
class ChatRanker:
    """The system, opened.

    start: in which order the head of the first stage is handed over. told: a dry run is told in the log, topic by
    topic. tallies: topic id -> what it cost and how good the answers were; bounds: topic id -> prompts and dollars at
    most.
    """

    chat: AskingModel
    way: Way
    collection: Collection
    first: Ranker | None
    depth: int
    k: int
    max_words: int
    start: Start = "first"
    told: bool = True
    tallies: dict[str, Tally] = field(default_factory=dict)
    bounds: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def about(self) -> Mapping[str, Any]:
        """What answers, JSON-ready; never a key."""
        return {"model": self.chat.model} if isinstance(self.chat, Chat) else {}

    def rank(self, topic: Topic, candidates: Sequence[str]) -> Ranking:
        """The candidates by the first stage, its head re-ranked. Raises BudgetSpent at the cap."""
        hits = [Hit(id, float(len(candidates) - place)) for place, id in enumerate(candidates)]
        if self.first is not None:
            hits = list(self.first.rank(topic, candidates).hits)
        hits = [*started(hits[: self.depth], self.start), *hits[self.depth :]]
        reranker = LLMReranker(
            self.chat, self.way, self.collection.documents, k=self.k, depth=self.depth, max_words=self.max_words
        )
        try:
            order = reranker.rerank(topic, hits)
        finally:
            tally = self.tallies[topic.id] = reranker.tally
            inner = self.first.bounds.get(topic.id, (0, 0.0)) if isinstance(self.first, ChatRanker) else (0, 0.0)
            prompts, dollars = self._bound(*reranker.bound)
            self.bounds[topic.id] = (prompts + inner[0], dollars + inner[1])
            log.info(
                "topic %s: %d prompts in %d rounds, %d malformed, %d failed, %d texts shortened%s; %s",
                topic.id, tally.prompts, tally.rounds, tally.malformed, tally.failed, tally.shortened,
                ", partial" if tally.partial else "", tally.consistency or "no comparisons",
            )  # fmt: skip
        if isinstance(self.chat, Chat) and self.chat.dry and self.told:
            spent = self.chat.spending
            price = "price unknown" if spent.price is None else f"about ${spent.cost:.4f}"
            log.warning(
                "dry run, nothing was sent: %d calls so far, %s; the ranking is the first stage's", spent.calls, price
            )
        return Ranking(order, tuple(tally.inputs), facts_of(tally))

    def _bound(self, prompts: int, longest: Request | None) -> tuple[int, float]:
        if longest is None or not isinstance(self.chat, Chat):
            return prompts, 0.0
        limit = 1 if longest.labels else self.chat.parameters.max_tokens
        return prompts, prompts * self.chat.spending.worst_case(longest, limit)


def started(head: Sequence[Hit], start: Start) -> list[Hit]:
    """The head of the first stage in the order in which a sort gets it; shuffled is always the same for its ids."""
    order = list(head)
    if start == "reversed":
        order.reverse()
    elif start == "shuffled":
        order.sort(key=lambda hit: hashlib.sha256(hit.id.encode()).digest())
    return order
