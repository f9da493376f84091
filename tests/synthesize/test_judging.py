from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

import pytest
from tests.synthesize.pretended import maker, passage, said

from heedful.chat import Answer, Request
from heedful.synthesize.drafts import ORIGINAL, POSITIVE, Judgment
from heedful.synthesize.judging import unsound
from heedful.synthesize.sources import Item


def verdicts(change: Callable[[Request, list[dict]], list[dict]]) -> Callable[[Request], Answer]:
    """A validator whose verdicts are changed."""

    def say(request: Request) -> Answer:
        found = json.loads(said()(request).text)
        return Answer(json.dumps({"verdicts": change(request, found["verdicts"])}))

    return say


def test_the_validator_cannot_tell_which_passage_is_which() -> None:
    places: Counter[str] = Counter()
    for number in range(40):
        made = maker()
        made(Item(0, passage(number)))
        for request in made.validator.chat.requests:  # type: ignore[attr-defined]
            words = re.sub(r"^--- .*? ends: passage \w ---$", "", request.prompt, flags=re.M | re.S)
            assert not re.search(r"poison|positive|negative|original|altered|generated|p0\d\d", words)
            shown = re.findall(r"begins: passage (\w) ---\n(.*?)\n--- ", request.prompt, re.S)
            places[next(label for label, text in shown if passage(number).text in text)] += 1
    assert set(places) == set("ABCD")  # the positive stands anywhere
    assert max(places.values()) < 0.6 * sum(places.values())


def test_the_order_is_the_same_every_time() -> None:
    first, second = maker(), maker()
    for made in (first, second):
        made(Item(0, passage(3)))
    prompts = [[request.prompt for request in made.validator.chat.requests] for made in (first, second)]  # type: ignore[attr-defined]
    assert prompts[0] == prompts[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda request, found: [v | {"satisfied": False} for v in found], "the positive fails the original request"),
        (lambda request, found: [v | {"confidence": 0.2} for v in found], "unsure"),
        (lambda request, found: found[:-1], "malformed"),
        (lambda request, found: [*found, found[0]], "malformed"),
        (lambda request, found: [v | {"passage": "Z"} for v in found], "malformed"),
        (lambda request, found: [v | {"satisfied": "yes"} for v in found], "malformed"),
    ],
)
def test_a_positive_that_the_verdicts_do_not_bear_out_ends_the_row(change: Callable, reason: str) -> None:
    made = maker(validator=verdicts(change))
    outcome = made(Item(0, passage(0)))
    assert outcome.draft is None
    assert outcome.steps[-1] == ("judged positive", reason)
    assert outcome.uses["judge"].calls == (2 if reason == "malformed" else 1)  # the altered requests are not paid


def test_labels_may_be_written_out_and_confidence_is_held_in_its_range() -> None:
    change = lambda request, found: [v | {"passage": f"Passage {v['passage']}.", "confidence": 7} for v in found]  # noqa: E731
    outcome = maker(validator=verdicts(change))(Item(0, passage(0)))
    assert outcome.draft is not None
    assert {judgment.confidence for judgment in outcome.draft.judgments} == {1.0}


def test_each_side_needs_three_verdicts() -> None:
    right = [
        Judgment("polarity", ORIGINAL, False, "", 0.9),
        Judgment("polarity", "polarity", True, "", 0.9),
        Judgment(POSITIVE, "polarity", False, "", 0.9),
    ]
    assert unsound("polarity", right, 0.6, both=True) == ""
    assert unsound("polarity", right[:1], 0.6) == ""
    assert unsound("polarity", right[:2], 0.6, both=True) == "malformed"
    told = [
        "its passage satisfies the original request",
        "its passage fails the altered request",
        "the positive satisfies the altered request",
    ]
    for at, reason in enumerate(told):
        wrong = list(right)
        wrong[at] = Judgment(wrong[at].shown, wrong[at].under, not wrong[at].satisfied, "", 0.9)
        assert unsound("polarity", wrong, 0.6, both=True) == reason
