"""What a run would ask and cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from heedful.chat import Chat
from heedful.synthesize.asking import Model, Question
from heedful.synthesize.drafts import SIDES, Altered, Draft
from heedful.synthesize.judging import requests
from heedful.synthesize.pipeline import Job
from heedful.synthesize.prompting import whole
from heedful.synthesize.sources import Item
from heedful.synthesize.stages import Maker
from heedful.synthesize.texts import words

SAMPLE = 200  # passages whose prompts are made; the rest is taken to be like them
IMAGINED = 0.4  # share of negatives that the index doesn't have
REASONING = 500  # tokens that the validator thinks, a call
_WORDS = {"short": 12, "medium": 30, "long": 70}
_ANSWER = {
    "write": 90,
    "instruct": 70,
    "poison-instruction": 70,
    "poison-query": 25,
    "reverse": 70,
    "choose": 45,
    "judge": 60,
}


@dataclass(slots=True)
class _Row:
    model: str
    calls: float = 0.0
    calls_at_most: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0
    cost: float | None = 0.0
    cost_at_most: float | None = 0.0

    def add(self, model: Model, question: Question, share: float, answer: int) -> None:
        """A question that is asked with this probability, and an answer of so many tokens."""
        chat = model.chat
        assert isinstance(chat, Chat)
        prompt, _ = chat.spending.expected(question.request, 0)
        self.calls += share
        self.calls_at_most += 2  # each may be repaired once
        self.prompt_tokens += share * prompt
        self.completion_tokens += share * answer
        if model.price is None or self.cost is None or self.cost_at_most is None:
            self.cost = self.cost_at_most = None
            return
        self.cost += share * model.price.of(prompt, answer)
        worst = chat.spending.worst_case(question.request, chat.parameters.max_tokens)
        self.cost_at_most += 2.1 * worst  # a repair shows the prompt again, with a piece of the answer


def estimate(job: Job) -> dict[str, Any]:
    """Calls, tokens and dollars a prompt, JSON-ready; the models of the job must be dry.

    The expected figures suppose that no passage is dropped before the end, that the index lacks two of five negatives,
    four bytes a token, answers of usual length and 500 tokens of the validator's reasoning a call. No run pays more
    than `cost_at_most`. Passages of the ledger, and those whose every answer is kept, cost nothing.
    """
    screened = job.screened()
    ledger = job.ledger() if (job.out / "work" / "ledger.sqlite").is_file() else None
    try:
        left = sum(1 for item, _ in job.items() if item is not None and (ledger is None or item.key not in ledger))

        def missing() -> Iterator[Item]:
            for item, _ in job.items():
                if item is not None and (ledger is None or item.key not in ledger):
                    yield item

        sample = list(islice(missing(), 0, None, max(1, left // SAMPLE)))[:SAMPLE]
    finally:
        if ledger is not None:
            ledger.close()
    rows: dict[str, _Row] = {}
    for item in sample:
        if job.maker(item).unanswered:
            for model, question, share in _questions(job.maker, item):
                answer = _tokens(question, item)
                rows.setdefault(question.stage, _Row(model.name)).add(model, question, share, answer)
    scale = left / len(sample) if sample else 0.0
    prompts = {name: _scaled(rows[name], scale) for name in job.maker.prompts.prompts if name in rows}
    total: dict[str, Any] = {}
    for name in ("calls", "calls_at_most", "prompt_tokens", "completion_tokens", "cost", "cost_at_most"):
        values = [row[name] for row in prompts.values()]
        total[name] = None if any(value is None for value in values) else sum(values)
    return {
        "dry_run": True,
        "passages": {"read": screened.read, "used": screened.used, "left": left, "sample": len(sample)},
        "systems": prompts,
        "total": total,
    }


def _questions(maker: Maker, item: Item) -> Iterator[tuple[Model, Question, float]]:
    """All that may be asked of one passage, with the share of passages of which it is."""
    made, passage = maker.questions(item), item.passage
    yield maker.generator, made.writing(), 1.0
    instruction = " ".join(["condition"] * _WORDS.get(made.manner()["lengths"], 30))
    draft = Draft(item.query or "a query of some eight words on something", instruction, made.manner())
    yield from ((maker.generator, made.altering(draft, name), 1.0) for name in SIDES)
    altered = tuple(
        Altered(side, draft.query, draft.instruction, replace(passage, id=f"{passage.id} {side}")) for side in SIDES
    )
    near = maker.neighbours.near([whole(passage)[:200]] * len(SIDES), passage, maker.candidates)
    for side, passages in zip(altered, near, strict=True):
        if passages:
            yield maker.generator, made.choosing(draft, side, passages), 1.0
        yield maker.generator, made.imagining(draft, side), IMAGINED if passages else 1.0
    for request in requests(passage, replace(draft, altered=altered)).values():
        yield maker.validator, made.judging(*request)[0], 1.0


def _tokens(question: Question, item: Item) -> int:
    if question.stage == "imagine":
        return round(1.4 * len(words(item.passage.text))) + 20
    if question.stage == "judge":
        shown = question.request.prompt.count(" begins: passage ")
        return REASONING + shown * _ANSWER["judge"]
    return _ANSWER[question.stage]


def _scaled(row: _Row, scale: float) -> dict[str, Any]:
    return {
        "model": row.model,
        "calls": round(row.calls * scale),
        "calls_at_most": round(row.calls_at_most * scale),
        "prompt_tokens": round(row.prompt_tokens * scale),
        "completion_tokens": round(row.completion_tokens * scale),
        "cost": None if row.cost is None else row.cost * scale,
        "cost_at_most": None if row.cost_at_most is None else row.cost_at_most * scale,
    }
