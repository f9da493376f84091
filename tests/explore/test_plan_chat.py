"""Plans made by a chat model."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

import pytest

from heedful.errors import Upstream
from heedful.explore.plan import make_plan
from heedful.records import Clause

GOOD = {
    "aspects": {"background": -1, "method": 1, "result": 0},
    "wanted": [{"text": "speech", "weight": 1}],
    "avoided": [],
    "where": "year >= 2019 AND title NOT LIKE '%o''clock; --%'",
    "task": None,
    "not_understood": [],
}


class Scripted:
    def __init__(self, answer: str | Exception):
        self.answer, self.prompts = answer, []

    def complete(self, prompts: Sequence[str]) -> list[str]:
        self.prompts += prompts
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer for _ in prompts]


def test_a_good_answer_is_the_plan():
    chat = Scripted(f"Here it is:\n```json\n{json.dumps(GOOD)}\n```")
    plan = make_plan("whatever {columns}", chat=chat, columns={"year": "int", "title": "string"})
    assert plan.aspects == {"background": -1.0, "method": 1.0, "result": 0.0}
    assert plan.wanted == (Clause("speech"),) and plan.where == GOOD["where"]
    (prompt,) = chat.prompts
    assert "whatever {columns}" in prompt and "- method: How the work was done" in prompt and "title, year" in prompt


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot do that.",
        "{}",
        "[1]",
        json.dumps(GOOD | {"aspects": {"method": 7}}),
        json.dumps(GOOD | {"aspects": {"colour": 1}}),
        json.dumps(GOOD | {"wanted": [{"text": ""}]}),
        json.dumps(GOOD | {"where": "year > 2000; DROP TABLE documents"}),
        json.dumps(GOOD | {"where": "password = 'x'"}),
        json.dumps(GOOD | {"where": "year > 2000 -- and more"}),
        json.dumps(GOOD | {"where": 7}),
        json.dumps(GOOD | {"extra": 1}),
        Upstream("the service is down"),
    ],
)
def test_a_bad_answer_leaves_it_to_the_rules_and_says_so(answer: str | Exception, caplog):
    with caplog.at_level(logging.WARNING, logger="heedful.explore.plan"):
        plan = make_plan("a different method", chat=Scripted(answer), columns={"year": "int"})
    assert plan == make_plan("a different method")
    assert "no usable plan" in caplog.text


def test_an_empty_instruction_costs_no_call():
    chat = Scripted("")
    assert make_plan("  ", chat=chat) == make_plan("") and not chat.prompts
