"""One passage through the stages: written, altered, given negatives, judged; what fails is dropped with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from heedful.synthesize.asking import Asking, Model, Unanswered
from heedful.synthesize.candidates import Neighbours
from heedful.synthesize.drafts import ORIGINAL, POISONED, POSITIVE, QUERY, SIDES, Altered, Draft, Judgment, Outcome
from heedful.synthesize.judging import Requests, judgments_of, requests, unsound
from heedful.synthesize.prompting import Prompts
from heedful.synthesize.questions import Questions
from heedful.synthesize.rows import Passage
from heedful.synthesize.sources import Item
from heedful.synthesize.texts import unfit_change, unfit_imagined, unfit_instruction, unfit_query


class Dropped(Exception):
    """Nothing more is made of the item."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes an outcome of an item; outcomes of different items don't depend on one another.

    candidates: how many passages of the index are looked at for each hard negative. max_words: of each text shown.
    partial: go on with one of the two poisoned sides where the other fails. confidence: how sure the validator must be.
    """

    generator: Model
    validator: Model
    prompts: Prompts
    neighbours: Neighbours
    candidates: int = 5
    max_words: int = 400
    partial: bool = False
    confidence: float = 0.6

    def questions(self, item: Item) -> Questions:
        """What may be asked of an item."""
        return Questions(self.prompts, item, self.max_words)

    def __call__(self, item: Item) -> Outcome:
        """The outcome. Raises what the models raise (BudgetSpent, Refused, Missing)."""
        work = Work(self, item, self.questions(item), Asking(self.prompts))
        try:
            draft: Draft | None = work.draft()
        except Dropped:
            draft = None
        except Unanswered as failure:
            return Outcome(item, unanswered=str(failure))
        return Outcome(item, draft, tuple(work.steps), work.asking.uses)


@dataclass(slots=True)
class Work:
    """One item under way. steps: (stage, reason), an empty reason where it was passed."""

    maker: Maker
    item: Item
    questions: Questions
    asking: Asking
    steps: list[tuple[str, str]] = field(default_factory=list)

    def draft(self) -> Draft:
        """All stages in order. Raises Dropped, Unanswered."""
        draft = self._written()
        draft = replace(draft, altered=self._altered(draft))
        draft = replace(draft, altered=self._with_passages(draft))
        return replace(draft, judgments=self._judged(draft))

    def _step(self, stage: str, reason: str = "") -> bool:
        """Note that a stage was passed, or why not; whether it was."""
        self.steps.append((stage, reason))
        return not reason

    def _need(self, stage: str, reason: str = "") -> None:
        if not self._step(stage, reason):
            raise Dropped

    def _enough(self, sides: Sequence[str]) -> None:
        """Raise Dropped where these sides don't make a row."""
        there = sum(side in sides for side in POISONED)
        if there < (1 if self.maker.partial else len(POISONED)):
            raise Dropped

    def _written(self) -> Draft:
        passage, generator = self.item.passage, self.maker.generator
        (answer,) = self.asking.ask(generator, [self.questions.writing()])
        if isinstance(answer, str):
            self._step("write", answer)
            raise Dropped
        query = self.item.query or answer["query"]
        reason = "" if self.item.query else unfit_query(query, passage)
        self._need("write", reason or unfit_instruction(answer["instruction"], passage))
        return Draft(query, answer["instruction"], self.questions.manner())

    def _altered(self, draft: Draft) -> tuple[Altered, ...]:
        """The sides whose query or instruction could be altered."""
        passage, altered = self.item.passage, []
        questions = [self.questions.altering(draft, side) for side in SIDES]
        for side, answer in zip(SIDES, self.asking.ask(self.maker.generator, questions), strict=True):
            if isinstance(answer, str):
                reason, new = answer, ""
            elif side == QUERY:
                new = answer["query"]
                reason = unfit_query(new, passage) or unfit_change("query", draft.query, new)
            else:
                new = answer["instruction"]
                reason = unfit_instruction(new, passage) or unfit_change("instruction", draft.instruction, new)
            if self._step(side, reason):
                query, instruction = (new, draft.instruction) if side == QUERY else (draft.query, new)
                altered.append(Altered(side, query, instruction))
        self._enough([side.side for side in altered])
        return tuple(altered)

    def _with_passages(self, draft: Draft) -> tuple[Altered, ...]:
        """The sides with a passage that is to satisfy them: one of the index, else one that is written."""
        found = self._chosen(draft)
        left = [side for side in draft.altered if side.side not in found]
        answers = self.asking.ask(self.maker.generator, [self.questions.imagining(draft, side) for side in left])
        failed: dict[str, str] = {}
        for side, answer in zip(left, answers, strict=True):
            if isinstance(answer, str):
                failed[side.side] = answer
                continue
            passage = Passage(f"{self.item.key}-{side.side}", answer["text"], answer["title"])
            failed[side.side] = unfit_imagined(passage, self.item.passage)
            if not failed[side.side]:
                found[side.side] = replace(side, passage=passage, origin="generated")
        for side in draft.altered:
            self._step(f"{side.side} negative", "" if side.side in found else failed[side.side])
        self._enough(list(found))
        return tuple(found[side.side] for side in draft.altered if side.side in found)

    def _chosen(self, draft: Draft) -> dict[str, Altered]:
        """The sides that a passage of the index fits."""
        texts = [f"{side.query}. {side.instruction}" for side in draft.altered]
        lists = self.maker.neighbours.near(texts, self.item.passage, self.maker.candidates)
        near = [(side, passages) for side, passages in zip(draft.altered, lists, strict=True) if passages]
        questions = [self.questions.choosing(draft, side, passages) for side, passages in near]
        found = {}
        for (side, passages), answer in zip(near, self.asking.ask(self.maker.generator, questions), strict=True):
            order = self.questions.choices(side.side, passages)
            if isinstance(answer, dict) and 1 <= answer["passage"] <= len(order):
                found[side.side] = replace(side, passage=order[answer["passage"] - 1])
        return found

    def _judged(self, draft: Draft) -> tuple[Judgment, ...]:
        """The verdicts, for as long as a row can come of them: first under the row's own request, then under the
        altered ones of the sides that are left.
        """
        asked, sure = requests(self.item.passage, draft), self.maker.confidence
        found = self._verdicts({ORIGINAL: asked[ORIGINAL]})
        self._need("judged positive", unsound(POSITIVE, found, sure))
        left = []
        for side in (side.side for side in draft.altered):
            if reason := unsound(side, found, sure):
                self._step(f"judged {side}", reason)
            else:
                left.append(side)
        self._enough(left)
        found += self._verdicts({side: asked[side] for side in left})
        self._enough([side for side in left if self._step(f"judged {side}", unsound(side, found, sure, both=True))])
        return tuple(found)

    def _verdicts(self, asked: Requests) -> list[Judgment]:
        made = {under: self.questions.judging(*request) for under, request in asked.items()}
        answers = self.asking.ask(self.maker.validator, [question for question, _ in made.values()])
        found: list[Judgment] = []
        for (under, (_, roles)), answer in zip(made.items(), answers, strict=True):
            if isinstance(answer, dict):
                found += judgments_of(answer, under, roles)
        return found
