from __future__ import annotations

import pytest

from heedful.synthesize.answers import Malformed, read_answer

SCHEMA = {
    "type": "object",
    "required": ["a", "list"],
    "properties": {
        "a": {"type": "string"},
        "n": {"type": "integer"},
        "list": {"type": "array", "items": {"type": "number"}},
        "b": {"type": "boolean"},
    },
}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": " x ", "list": [1, 2.5]}',
        '```json\n{"a": "x", "list": [1, 2.5], "more": {}}\n```',
        'Sure: {"a":"x","list":[1,2.5]}.',
    ],
)
def test_an_object_is_read_with_or_without_a_fence(text: str) -> None:
    assert read_answer(text, SCHEMA) == {"a": "x", "list": [1, 2.5]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("I cannot", "no JSON"),
        ("[1]", "no JSON"),
        ('{"a": "x"', "no JSON"),
        ('{"a": "x", "list": [1}', "not JSON"),
        ('{"a": "x"}', "lacks list"),
        ('{"a": 1, "list": []}', "a is no string"),
        ('{"a": "x", "list": ["1"]}', "no number"),
        ('{"a": "x", "list": [], "n": true}', "n is no integer"),
        ('{"a": "x", "list": [], "b": 1}', "b is no boolean"),
        ('{"a": "x", "list": [NaN]}', "not JSON"),
        ("{" * 60_000 + "}" * 5, "not JSON"),
        ("{" + "x" * 200_000 + "}", "characters"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "lacks"),
    ],
)
def test_anything_else_is_malformed_and_says_how(text: str, told: str) -> None:
    with pytest.raises(Malformed) as error:
        read_answer(text, SCHEMA)
    assert told in str(error.value) or "not JSON" in str(error.value)


def test_lone_surrogates_become_storable() -> None:
    assert read_answer('{"a": "x\\ud800", "list": []}', SCHEMA)["a"] == "x?"
