"""What every LLM ranker shares: the texts it shows, what it counted, and how it ends when the money does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heedful.chat import Answer, AskingModel, Request
from heedful.errors import Upstream
from heedful.records import Document, Hit, Topic
from heedful.rerank.sorting import Consistency
from heedful.seams import tell_progress

MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class Passage:
    """One candidate as it is shown."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: where the reader starts from, the instruction (may be empty), candidates in first-stage order."""

    query: str
    instruction: str
    passages: tuple[Passage, ...]


@dataclass(slots=True)
class Tally:
    """What one ranking cost and how good its answers were.

    prompts: asked, answers from the cache included. rounds: sequential waits. malformed: answers that say nothing
    clear; they are ties. failed: calls without an answer; they are no votes. shortened: texts cut to the word limit.
    partial: stopped before it was done. consistency: of a pairwise voter. cached: prompts answered by the answer
    cache, which cost nothing. cost: US dollars of the others; unpriced: those of them that no price is known for.
    dry: prompts of a dry run, whose tokens and cost are estimates.
    """

    prompts: int = 0
    rounds: int = 0
    malformed: int = 0
    failed: int = 0
    shortened: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    partial: bool = False
    consistency: Consistency | None = None
    cached: int = 0
    unpriced: int = 0
    cost: float = 0.0
    dry: int = 0
    inputs: list[str] = field(default_factory=list)


def shorten(text: str, max_words: int) -> tuple[str, bool]:
    """The first `max_words` words and whether any were cut; where some were, " [...]" stands at the end."""
    words = text.split()
    if len(words) <= max_words:
        return " ".join(words), False
    return " ".join(words[:max_words]) + " [...]", True


def question_of(
    topic: Topic,
    candidates: Sequence[str],
    documents: Mapping[str, Document],
    tally: Tally,
    max_words: int = MAX_WORDS,
) -> Question:
    """The topic's text, or its seeds, and the candidates, each cut to `max_words`; cuts are counted in the tally."""

    def cut(text: str) -> str:
        short, was_cut = shorten(text, max_words)
        tally.shortened += was_cut
        return short

    seeds = (f"{documents[seed].title}. {documents[seed].text}" for seed in topic.seeds)
    query = cut(topic.text) if topic.text else "\n\n".join(cut(seed) for seed in seeds)
    shown = tuple(Passage(id, cut(f"{documents[id].title}. {documents[id].text}".strip(". "))) for id in candidates)
    return Question(query, topic.instruction, shown)


def ask_all(chat: AskingModel, requests: Sequence[Request], tally: Tally) -> list[Answer]:
    """Ask a batch and enter it in the tally. Raises Upstream where a whole batch of eight or more has failed."""
    answers = chat.ask(requests)
    tally.prompts += len(answers)
    tell_progress("prompts", tally.prompts)
    tally.inputs += [request.prompt for request in requests]
    failed = [answer for answer in answers if answer.failure and not answer.dry]
    tally.failed += len(failed)
    tally.prompt_tokens += sum(answer.prompt_tokens for answer in answers)
    tally.completion_tokens += sum(answer.completion_tokens for answer in answers)
    tally.cached += sum(answer.cached for answer in answers)
    tally.dry += sum(answer.dry for answer in answers)
    tally.cost += sum(answer.cost or 0.0 for answer in answers)
    tally.unpriced += sum(answer.cost is None and (answer.dry or not answer.failure) for answer in answers)
    if len(failed) == len(answers) >= 8 or (failed and tally.failed == tally.prompts and tally.prompts >= 8):
        raise Upstream(f"{len(failed)} calls in a row gave no answer; the last: {failed[-1].failure}")
    return answers


def as_hits(ids: Sequence[str]) -> list[Hit]:
    """Scores from ranks, so that no tie is left for an evaluator to break."""
    return [Hit(id, float(len(ids) - place)) for place, id in enumerate(ids)]
