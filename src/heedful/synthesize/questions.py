"""The questions about one passage, stage by stage: which prompt, with what in its slots, passages in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heedful.synthesize.answers import Malformed
from heedful.synthesize.asking import Question
from heedful.synthesize.drafts import INSTRUCTION, POLARITY, QUERY, Altered, Draft, shuffled
from heedful.synthesize.prompting import Prompts
from heedful.synthesize.rows import Passage
from heedful.synthesize.sources import Item
from heedful.synthesize.texts import words

ALTERING = {INSTRUCTION: "poison-instruction", QUERY: "poison-query", POLARITY: "reverse"}
_LETTERS = "ABCDEFGH"


@dataclass(frozen=True, slots=True)
class Questions:
    """Of one item. max_words: of each text shown."""

    prompts: Prompts
    item: Item
    max_words: int

    def manner(self) -> dict[str, str]:
        """Kind, length and style that its instruction is to have."""
        return self.prompts.manner(self.item.key)

    def writing(self) -> Question:
        """A query and an instruction; only an instruction where a query came with the passage."""
        slots = {group[:-1]: self.prompts.manners[group][name] for group, name in self.manner().items()}
        if self.item.query:
            return self._ask("instruct", slots | {"query": self.item.query}, [("1", self.item.passage)])
        return self._ask("write", slots, [("1", self.item.passage)])

    def altering(self, draft: Draft, side: str) -> Question:
        """The side's other query or instruction."""
        shown = [] if side == POLARITY else [("1", self.item.passage)]
        return self._ask(ALTERING[side], {"query": draft.query, "instruction": draft.instruction}, shown)

    def choices(self, side: str, near: Sequence[Passage]) -> list[Passage]:
        """The candidates in the order in which they are shown."""
        return shuffled(near, self.item.key, "choose", side)

    def choosing(self, draft: Draft, side: Altered, near: Sequence[Passage]) -> Question:
        """Which of the candidates satisfies the altered request and not the original: its number in `choices`, or 0."""
        labelled = [(str(number), passage) for number, passage in enumerate(self.choices(side.side, near), 1)]
        return self._ask("choose", _both(draft, side), labelled)

    def imagining(self, draft: Draft, side: Altered) -> Question:
        """A passage that does, written."""
        count = min(self.max_words, len(words(self.item.passage.text)))
        slots = _both(draft, side) | {"words": str(max(10, round(count, -1)))}
        return self._ask("imagine", slots, [("1", self.item.passage)])

    def judging(self, query: str, instruction: str, passages: Mapping[str, Passage]) -> tuple[Question, dict[str, str]]:
        """Which of these passages (role -> passage) satisfy a request, and the role behind each letter.

        The order depends on a hash of the request and the passages' ids, so it says nothing of the roles.
        """
        order = shuffled(list(passages.values()), self.item.key, "judge", query, instruction)
        labelled = list(zip(_LETTERS, order, strict=False))
        letters = [letter for letter, _ in labelled]
        roles = {passage.id: role for role, passage in passages.items()}
        slots = {"query": query, "instruction": instruction, "labels": ", ".join(letters)}
        question = self._ask("judge", slots, labelled)
        whole = Question(question.stage, question.request, lambda value: _complete(value, letters))
        return whole, {letter: roles[passage.id] for letter, passage in labelled}

    def _ask(self, name: str, slots: Mapping[str, str], passages: Sequence[tuple[str, Passage]]) -> Question:
        return Question(name, self.prompts[name].request(slots, passages, max_words=self.max_words))


def letter_of(verdict: Mapping[str, Any]) -> str:
    """The letter that a verdict names, as in "A" or "Passage A"."""
    return str(verdict["passage"]).strip().lower().removeprefix("passage").strip(" .:\"'").upper()


def _complete(value: Mapping[str, Any], letters: Sequence[str]) -> None:
    """Raise Malformed unless every passage has one verdict."""
    given = sorted(letter_of(verdict) for verdict in value["verdicts"])
    if given != sorted(letters):
        raise Malformed(
            f"verdicts for {', '.join(given)[:80] or 'none'} instead of one for each of {', '.join(letters)}"
        )


def _both(draft: Draft, side: Altered) -> dict[str, str]:
    return {
        "query": draft.query,
        "instruction": draft.instruction,
        "altered_query": side.query,
        "altered_instruction": side.instruction,
    }
