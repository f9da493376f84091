"""Structured questions to the two models: repaired once, counted by stage, never more than told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heedful.chat import Answer, AskingModel, Price, Request
from heedful.synthesize.answers import Malformed, read_answer
from heedful.synthesize.prompting import Prompts

MALFORMED, REFUSED = "malformed", "refused"


@dataclass(slots=True)
class Use:
    """What one stage asked. calls: answers, kept ones too; repairs: those that were asked a second time.

    cost: US dollars at the models' prices, whether or not it was paid in this run; None where a price is unknown.
    """

    calls: int = 0
    repairs: int = 0
    malformed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0

    def add(self, other: Use) -> None:
        """Another's counts to this one's."""
        self.calls += other.calls
        self.repairs += other.repairs
        self.malformed += other.malformed
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.cost = None if self.cost is None or other.cost is None else self.cost + other.cost


class Unanswered(Exception):
    """A request got no answer and may get one later; nothing can be said of its item yet."""


@dataclass(frozen=True, slots=True)
class Model:
    """One of the two models. name: as rows record it."""

    name: str
    chat: AskingModel
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A request to a model. stage: the prompt's name, under which it is counted. fits: raises Malformed, or not."""

    stage: str
    request: Request
    fits: Callable[[Mapping[str, Any]], None] = lambda value: None


@dataclass(slots=True)
class Asking:
    """The questions of one item. uses: stage -> what it asked."""

    prompts: Prompts
    uses: dict[str, Use] = field(default_factory=dict)

    def ask(self, model: Model, questions: Sequence[Question]) -> list[dict[str, Any] | str]:
        """For each question the answer's fields, or why there is none (MALFORMED, REFUSED).

        Raises Unanswered, and what the model's `ask` raises.
        """
        first = self._answers(model, [(question.stage, question.request) for question in questions])
        read = [_read(question, answer) for question, answer in zip(questions, first, strict=True)]
        broken = [at for at, found in enumerate(read) if isinstance(found, Malformed)]
        again = [
            (questions[at].stage, self.prompts.repair(questions[at].request, str(read[at]), first[at].text))
            for at in broken
        ]
        for at, answer in zip(broken, self._answers(model, again), strict=True):
            self.uses[questions[at].stage].repairs += 1
            read[at] = _read(questions[at], answer)
            self.uses[questions[at].stage].malformed += isinstance(read[at], Malformed)
        return [MALFORMED if isinstance(found, Malformed) else found for found in read]

    def _answers(self, model: Model, asked: Sequence[tuple[str, Request]]) -> list[Answer]:
        if not asked:
            return []
        answers = model.chat.ask([request for _, request in asked])
        for (stage, _), answer in zip(asked, answers, strict=True):
            if answer.failure and not answer.final:
                raise Unanswered(answer.failure)
            use = self.uses.setdefault(stage, Use())
            use.add(
                Use(
                    1,
                    prompt_tokens=answer.prompt_tokens,
                    completion_tokens=answer.completion_tokens,
                    cost=None
                    if model.price is None
                    else model.price.of(answer.prompt_tokens, answer.completion_tokens),
                )
            )
        return answers


def _read(question: Question, answer: Answer) -> dict[str, Any] | str | Malformed:
    if answer.failure:
        return REFUSED
    try:
        value = read_answer(answer.text, json.loads(question.request.schema))
        question.fits(value)
    except Malformed as problem:
        return problem
    return value
