"""Four ways to rank with a chat model: one passage at a time, two, several, or a list."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from heedful.chat import AskingModel, Request
from heedful.errors import BudgetSpent
from heedful.rerank.llm.answers import label_of, order_of
from heedful.rerank.llm.task import Question, Tally, ask_all
from heedful.rerank.llm.template import Template
from heedful.rerank.sorting import Pair, Progress, Sorter, Vote, consistency, most_prompts, most_sets, supposed


class Ranking(Protocol):
    """One way to rank. `rank` gives every position of the question's passages, best first.

    It raises BudgetSpent with that order, as far as it got, as `partial`. Answers of a dry run are supposed
    (`sorting.Supposed`), so that a usual number of prompts is asked, and leave the order as it was.
    """

    def rank(self, chat: AskingModel, question: Question, k: int, tally: Tally) -> list[int]:
        """The order; only its first k places are worked for."""
        ...

    def bound(self, question: Question, k: int) -> tuple[int, Request | None]:
        """How many prompts `rank` asks at most, and the longest that it can ask (None where it asks none)."""
        ...


@dataclass(frozen=True, slots=True)
class Pairwise:
    """Pairwise ranking prompting with any sort. scored: votes are label probabilities instead of generated verdicts.

    Source: Qin et al. 2023, arXiv:2306.17563.
    """

    template: Template
    sorter: Sorter
    scored: bool = False
    concurrency: int = 16

    def rank(self, chat: AskingModel, question: Question, k: int, tally: Tally) -> list[int]:
        """Sort by comparisons; malformed answers are ties, failed calls no votes."""
        progress = Progress(self.sorter(len(question.passages), k), self.concurrency)
        dry = tally.dry
        try:
            while progress.order is None:
                progress.tell(self.votes(chat, question, progress.pending, tally))
        except BudgetSpent as spent:
            tally.partial = True
            raise BudgetSpent(str(spent), partial=list(progress.result().order)) from None
        finally:
            tally.rounds += progress.rounds
            tally.consistency = consistency(progress.answers) if tally.dry == dry else None
        return list(progress.result().order) if tally.dry == dry else list(range(len(question.passages)))

    def bound(self, question: Question, k: int) -> tuple[int, Request | None]:
        """By the sort; the longest prompt shows the two longest passages."""
        longest = _longest(question, 2)
        request = self.template.request(question.query, question.instruction, longest, scored=self.scored)
        return most_prompts(self.sorter, len(question.passages), k), request if len(longest) == 2 else None

    def votes(self, chat: AskingModel, question: Question, pairs: Sequence[Pair], tally: Tally) -> list[Vote]:
        """One vote a prompt."""
        texts = [passage.text for passage in question.passages]
        requests = [
            self.template.request(question.query, question.instruction, (texts[a], texts[b]), scored=self.scored)
            for a, b in pairs
        ]
        votes: list[Vote] = []
        for (a, b), answer in zip(pairs, ask_all(chat, requests, tally), strict=True):
            if answer.dry:
                votes.append(supposed(len(texts), question.query + question.instruction).vote((a, b)))
            elif answer.failure:
                votes.append(None)
            elif self.scored:
                tally.malformed += answer.probabilities is None
                votes.append(0.5 if answer.probabilities is None else answer.probabilities[0])
            else:
                label = label_of(answer.text, self.template, self.template.labels)
                tally.malformed += label is None
                votes.append(0.5 if label is None else 1.0 - label)
        return votes


@dataclass(frozen=True, slots=True)
class Pointwise:
    """One prompt a passage, all at once: the expected grade by label probabilities, or the generated grade.

    A malformed answer takes the mean of the others; a tie keeps the first-stage order.
    """

    template: Template
    scored: bool = True
    batch: int = 64

    def bound(self, question: Question, k: int) -> tuple[int, Request | None]:
        """One prompt a passage."""
        longest = _longest(question, 1)
        request = self.template.request(question.query, question.instruction, longest, scored=self.scored)
        return len(question.passages), request if longest else None

    def rank(self, chat: AskingModel, question: Question, k: int, tally: Tally) -> list[int]:
        """Sort by grade."""
        grades: list[float | None] = [None] * len(question.passages)
        labels = self.template.labels
        try:
            for start in range(0, len(grades), self.batch):
                shown = question.passages[start : start + self.batch]
                requests = [
                    self.template.request(question.query, question.instruction, (p.text,), scored=self.scored)
                    for p in shown
                ]
                tally.rounds += 1
                for at, answer in enumerate(ask_all(chat, requests, tally), start):
                    if answer.failure:
                        continue
                    if answer.probabilities is not None:
                        rows = zip(answer.probabilities, self.template.grades, strict=True)
                        grades[at] = sum(p * grade for p, grade in rows)
                        continue
                    label = None if self.scored else label_of(answer.text, self.template, labels)
                    tally.malformed += label is None
                    grades[at] = None if label is None else self.template.grades[label]
        except BudgetSpent as spent:
            tally.partial = True
            raise BudgetSpent(str(spent), partial=_by_grade(grades)) from None
        return _by_grade(grades)


def _by_grade(grades: Sequence[float | None]) -> list[int]:
    known = [grade for grade in grades if grade is not None]
    usual = sum(known) / len(known) if known else 0.0
    return sorted(range(len(grades)), key=lambda i: -(usual if grades[i] is None else grades[i] or 0.0))


def _longest(question: Question, size: int) -> list[str]:
    """The texts that make the longest prompt."""
    return sorted((passage.text for passage in question.passages), key=lambda text: -len(text.encode()))[:size]


_Sift: TypeAlias = Generator[list[int], int | None, None]


@dataclass(frozen=True, slots=True)
class Setwise:
    """A heap of which a node and its children are one prompt: which of them is the most relevant?

    children: of a node. Nodes of one level are sifted side by side while the heap is built. Source: Zhuang et al.
    2024, arXiv:2310.09497.
    """

    template: Template
    scored: bool = False
    children: int = 3

    def rank(self, chat: AskingModel, question: Question, k: int, tally: Tally) -> list[int]:
        """The k best in order, then the rest in first-stage order."""
        n, c, dry = len(question.passages), self.children, tally.dry
        heap, top = list(range(n)), list[int]()

        def sift(size: int, root: int) -> _Sift:
            while True:
                below = range(c * root + 1, min(c * root + 1 + c, size))
                if not below:
                    return
                nodes = [root, *below]
                best = yield [heap[node] for node in nodes]
                if not best:
                    return
                heap[root], heap[nodes[best]] = heap[nodes[best]], heap[root]
                root = nodes[best]

        try:
            for level in _levels(n, c):
                self._drive([sift(n, node) for node in level], chat, question, tally)
            for last in range(n - 1, -1, -1):
                heap[last], heap[0] = heap[0], heap[last]
                top.append(heap[last])
                if len(top) >= k:
                    break
                self._drive([sift(last, 0)], chat, question, tally)
        except BudgetSpent as spent:
            tally.partial = True
            raise BudgetSpent(str(spent), partial=[*top, *(i for i in range(n) if i not in set(top))]) from None
        return [*top, *(i for i in range(n) if i not in set(top))] if tally.dry == dry else list(range(n))

    def bound(self, question: Question, k: int) -> tuple[int, Request | None]:
        """By the heap's height; the longest prompt shows as many as a node with its children."""
        longest = _longest(question, self.children + 1)
        request = self.template.request(question.query, question.instruction, longest, scored=self.scored)
        return most_sets(len(question.passages), k, self.children), request if len(longest) > 1 else None

    def _drive(self, sifts: list[_Sift], chat: AskingModel, question: Question, tally: Tally) -> None:
        """Run sifts in step: one batch a step."""
        asked: list[tuple[_Sift, list[int]]] = []
        for sift in sifts:
            first = next(sift, None)
            if first is not None:
                asked.append((sift, first))
        while asked:
            best = self._best(chat, question, [shown for _, shown in asked], tally)
            tally.rounds += 1
            going = []
            for (sift, _), winner in zip(asked, best, strict=True):
                try:
                    going.append((sift, sift.send(winner)))
                except StopIteration:
                    continue
            asked = going

    def _best(self, chat: AskingModel, question: Question, sets: list[list[int]], tally: Tally) -> list[int | None]:
        """The place of the best within each set; None for a tie or no answer, which leaves the heap as it is."""
        texts = [passage.text for passage in question.passages]
        requests = [
            self.template.request(question.query, question.instruction, [texts[i] for i in shown], scored=self.scored)
            for shown in sets
        ]
        best: list[int | None] = []
        for shown, answer in zip(sets, ask_all(chat, requests, tally), strict=True):
            if answer.dry:
                best.append(supposed(len(texts), question.query + question.instruction).best(shown))
                continue
            if answer.failure:
                best.append(None)
                continue
            if answer.probabilities is not None:
                best.append(max(range(len(shown)), key=answer.probabilities.__getitem__))
                continue
            label = None if self.scored else label_of(answer.text, self.template, self.template.labels[: len(shown)])
            tally.malformed += label is None
            best.append(label)
        return best


def _levels(n: int, children: int) -> list[range]:
    """Inner nodes of a heap of n, level by level, the deepest first."""
    levels, start, width = list[range](), 0, 1
    inner = (n - 2) // children + 1 if n > 1 else 0
    while start < inner:
        levels.append(range(start, min(start + width, inner)))
        start, width = start + width, width * children
    return levels[::-1]


@dataclass(frozen=True, slots=True)
class Listwise:
    """Windows of a list from its end to its head, each put in order by one answer; repeated `passes` times.

    Source: Sun et al. 2023, arXiv:2304.09542 (sliding windows).
    """

    template: Template
    window: int = 20
    step: int = 10
    passes: int = 1

    def bound(self, question: Question, k: int) -> tuple[int, Request | None]:
        """A window after the other; the longest prompt shows the longest passages."""
        n = len(question.passages)
        if n < 2:
            return 0, None
        longest = _longest(question, self.window)
        labels = [str(place + 1) for place in range(len(longest))]
        request = self.template.request(question.query, question.instruction, longest, labels=labels)
        return self.passes * (1 + max(0, -(-(n - self.window) // self.step))), request

    def rank(self, chat: AskingModel, question: Question, k: int, tally: Tally) -> list[int]:
        """The order after the last pass; a malformed answer leaves its window as it is."""
        order = list(range(len(question.passages)))
        try:
            for _ in range(self.passes):
                end = len(order)
                while len(order) > 1:
                    start = max(0, end - self.window)
                    shown = order[start:end]
                    request = self.template.request(
                        question.query,
                        question.instruction,
                        [question.passages[i].text for i in shown],
                        labels=[str(place + 1) for place in range(len(shown))],
                    )
                    tally.rounds += 1
                    answer = ask_all(chat, [request], tally)[0]
                    if not answer.failure:
                        said = order_of(answer.text, len(shown))
                        tally.malformed += said is None
                        order[start:end] = [shown[i] for i in said] if said else shown
                    if start == 0:
                        break
                    end -= self.step
        except BudgetSpent as spent:
            tally.partial = True
            raise BudgetSpent(str(spent), partial=order) from None
        return order
