"""What an answer says; anything that does not say one thing clearly says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from heedful.rerank.llm.template import Template, fill

_LEAD = r"[\W_]*(?:(?:the\s+)?(?:answer|passage|verdict)\b[\W_]*(?:is\b[\W_]*)?)*"


def label_of(text: str, template: Template, labels: Sequence[str]) -> int | None:
    """The position of the one label that the answer names, or None.

    With a verdict mark, only what follows its last occurrence counts. The label counts as the template writes it
    ("Passage A") anywhere, or bare where the answer begins with it; one letter must stand alone there ("A.", not "A
    good one"). Two different labels are no answer.
    """
    text = text.strip()
    if template.verdict:
        _, mark, text = text.rpartition(template.verdict)
        if not mark:
            return None
    written = [fill(template.answer, {"label": label}) for label in labels]
    named = {i for i, words in enumerate(written) if words != labels[i] and _named(words, text)}
    named |= {i for i, label in enumerate(labels) if re.match(_LEAD + _alone(label), text, re.IGNORECASE)}
    if len(named) != 1:
        return None
    label = named.pop()
    others = (other for i, other in enumerate(labels) if i != label)
    return None if any(_named(other, text, fold=len(other) > 1) for other in others) else label


def _alone(label: str) -> str:
    return re.escape(label) + (r"(?=\s*$|\s*\n|[^\w\s])" if len(label) == 1 else r"(?!\w)")


def _named(words: str, text: str, *, fold: bool = True) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE if fold else 0) is not None


def order_of(text: str, n: int) -> list[int] | None:
    """A permutation of 0..n-1 from "[2] > [1] > ...": repeats and numbers out of range are dropped, what is left out
    follows in its old order. None where fewer than two numbers can be read (one, where n is one).
    """
    named: list[int] = []
    for number in re.findall(r"\[\s*(\d{1,4})\s*\]", text):
        at = int(number) - 1
        if 0 <= at < n and at not in named:
            named.append(at)
    if len(named) < min(2, n):
        return None
    return [*named, *(i for i in range(n) if i not in named)]
