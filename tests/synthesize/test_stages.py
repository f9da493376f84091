from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.synthesize.pretended import maker, passage, said

from heedful.chat import Answer, Request
from heedful.synthesize import pretend
from heedful.synthesize.drafts import Outcome, read_outcome
from heedful.synthesize.rows import Passage
from heedful.synthesize.sources import Item
from heedful.synthesize.stages import Maker

ITEM = Item(0, passage(0))


class Near:
    """A few passages of the corpus, whatever was asked, none twice."""

    def near(self, texts: list[str], positive: Passage, k: int) -> list[list[Passage]]:
        others = [passage(n) for n in range(1, 1 + k * len(texts))]
        return [others[at * k : (at + 1) * k] for at in range(len(texts))]


def but(shape: str, text: str | Callable[[Request], str]) -> Callable[[Request], Answer]:
    """The pretended models, but for one prompt."""

    def say(request: Request) -> Answer:
        if request.shape == shape:
            return Answer(text if isinstance(text, str) else text(request))
        return said()(request)

    return say


def shapes(made: Maker) -> Counter[str]:
    return Counter(request.shape for model in (made.generator, made.validator) for request in model.chat.requests)  # type: ignore[attr-defined]


def reasons(outcome: Outcome) -> list[tuple[str, str]]:
    return [(stage, reason) for stage, reason in outcome.steps if reason]


def test_a_passage_becomes_a_row_with_three_sides_that_all_stand() -> None:
    made = maker()
    outcome = made(ITEM)
    assert outcome.draft is not None
    assert reasons(outcome) == []
    assert [side.side for side in outcome.draft.altered] == ["poisoned-instruction", "poisoned-query", "polarity"]
    by_side = {side.side: side for side in outcome.draft.altered}
    assert by_side["poisoned-instruction"].query == outcome.draft.query  # the query stays
    assert by_side["poisoned-instruction"].instruction != outcome.draft.instruction
    assert by_side["poisoned-query"].instruction == outcome.draft.instruction
    assert by_side["poisoned-query"].query != outcome.draft.query
    for side in outcome.draft.altered:  # what the verdicts say is true of the texts
        assert side.passage is not None
        assert pretend.satisfies(side.passage.full.lower(), side.query, side.instruction)
        assert not pretend.satisfies(side.passage.full.lower(), outcome.draft.query, outcome.draft.instruction)
        assert not pretend.satisfies(ITEM.passage.full.lower(), side.query, side.instruction)
    assert shapes(made) == {
        "write": 1,
        "poison-instruction": 1,
        "poison-query": 1,
        "reverse": 1,
        "imagine": 3,
        "judge": 4,
    }
    assert read_outcome(json.loads(json.dumps(outcome.as_json()))) == outcome


def test_a_negative_of_the_index_is_taken_before_one_is_written() -> None:
    made = maker(but("choose", '{"reason": "fits", "passage": 2}'), validator=said(), neighbours=Near())
    outcome = made(ITEM)
    assert shapes(made)["choose"] == 3
    assert "imagine" not in shapes(made)
    made = maker(but("choose", '{"reason": "none", "passage": 0}'), neighbours=Near())
    outcome = made(ITEM)
    assert shapes(made)["imagine"] == 3
    assert outcome.draft is not None
    assert {side.origin for side in outcome.draft.altered} == {"generated"}


@pytest.mark.parametrize("number", ["7", "-1"])
def test_a_choice_out_of_range_is_no_choice(number: str) -> None:
    made = maker(but("choose", f'{{"reason": "", "passage": {number}}}'), neighbours=Near())
    outcome = made(ITEM)
    assert outcome.draft is not None
    assert {side.origin for side in outcome.draft.altered} == {"generated"}


def test_a_given_query_is_kept() -> None:
    made = maker()
    outcome = made(Item(0, passage(0), "notes about 'copper'"))
    assert outcome.draft is not None
    assert outcome.draft.query == "notes about 'copper'"
    assert "write" not in shapes(made)


def test_a_malformed_answer_is_repaired_once_with_what_was_wrong() -> None:
    asked: list[str] = []

    def first_garbage(request: Request) -> str:
        asked.append(request.prompt)
        return "no idea" if len(asked) == 1 else said()(request).text

    outcome = maker(but("write", first_garbage))(ITEM)
    assert outcome.draft is not None
    assert outcome.uses["write"].calls == 2
    assert outcome.uses["write"].repairs == 1
    assert outcome.uses["write"].malformed == 0
    assert asked[1].startswith(asked[0])
    assert "no JSON object" in asked[1]
    assert "no idea" in asked[1]


def test_what_stays_malformed_is_dropped_with_stage_and_reason_and_costs_nothing_more() -> None:
    made = maker(but("write", "no idea"))
    outcome = made(ITEM)
    assert outcome.draft is None
    assert outcome.steps == (("write", "malformed"),)
    assert outcome.uses["write"].malformed == 1
    assert shapes(made) == {"write": 2}


def test_an_alteration_that_alters_nothing_ends_the_row_unless_partial_rows_are_kept() -> None:
    def unchanged(request: Request) -> str:
        line = next(line for line in request.prompt.splitlines() if line.startswith("Instruction: "))
        return json.dumps({"instruction": line.removeprefix("Instruction: ").upper()})

    made = maker(but("poison-instruction", unchanged))
    assert reasons(made(ITEM)) == [("poisoned-instruction", "instruction unchanged")]
    assert "judge" not in shapes(made)
    partial = maker(but("poison-instruction", unchanged), partial=True)(ITEM)
    assert partial.draft is not None
    assert [side.side for side in partial.draft.altered] == ["poisoned-query", "polarity"]


def test_a_polarity_that_fails_costs_only_itself() -> None:
    outcome = maker(but("reverse", "no idea"))(ITEM)
    assert outcome.draft is not None
    assert reasons(outcome) == [("polarity", "malformed")]
    assert [side.side for side in outcome.draft.altered] == ["poisoned-instruction", "poisoned-query"]


def test_a_refused_prompt_is_dropped_and_one_without_an_answer_is_left_for_later() -> None:
    refused = maker(lambda request: Answer(failure="refused by the content filter", final=True))(ITEM)
    assert refused.steps == (("write", "refused"),)
    later = maker(lambda request: Answer(failure="no answer within 60 s"))(ITEM)
    assert later.unanswered == "no answer within 60 s"
    assert later.steps == ()


def test_the_cost_of_a_row_is_that_of_its_calls_kept_or_not() -> None:
    fresh = maker()(ITEM)
    kept = maker(lambda request: replace(said()(request), cached=True, cost=0.0))(ITEM)
    assert fresh.uses == kept.uses
    assert sum(use.cost or 0 for use in fresh.uses.values()) == pytest.approx((7 * 110 * 1.0 + 4 * 110 * 2.0) / 1e6)
