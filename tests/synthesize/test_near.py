from __future__ import annotations

from heedful.synthesize.near_duplicates import NearDuplicates
from heedful.synthesize.texts import likeness

ONE = (
    "Relevant passages report how the tides of a harbour changed the hours at which ships could leave it, with figures."
)


def test_a_text_like_an_earlier_one_is_turned_away() -> None:
    seen = NearDuplicates(0.8)
    assert seen.add(ONE)
    assert not seen.add(ONE)
    assert not seen.add(ONE.upper().replace(",", ""))
    nearly = ONE.replace("figures", "numbers")
    assert likeness(ONE, nearly) > 0.85
    assert not seen.add(nearly)


def test_another_text_and_the_empty_one_get_in_once() -> None:
    seen = NearDuplicates(0.8)
    assert seen.add(ONE)
    half = "Relevant passages report how the tides of a harbour changed nothing at all in the lives of those who fish."
    assert likeness(ONE, half) < 0.5
    assert seen.add(half)
    assert seen.add("")
    assert not seen.add("")
