"""Sentence splitting: hand-made cases (`‖` marks where a sentence ends) and what holds for every text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heedful.corpus import split_sentences
from heedful.corpus.sentences import LONGEST

CASES = [line for line in (Path(__file__).parent / "sentences.txt").read_text("utf-8").splitlines() if line.strip()]
PIECES = st.sampled_from(
    [
        "We",
        "show",
        "it",
        ".",
        "...",
        "!",
        "?",
        " ",
        "  ",
        "\n",
        "\n\n",
        "et al.",
        "Fig. 2",
        "(",
        ")",
        "[5]",
        "e.g.",
        "i.",
        "1.",
        "A.",
        '"',
        "”",
        "U.S.",
        "。",
        "•",
        "- ",
        "x" * 30,
        "3.14",
        "{",
        "}",
        "\u2028",
        "\x1c",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join))


@pytest.mark.parametrize("case", CASES)
def test_a_marked_text_is_split_at_its_marks(case: str) -> None:
    case = case.replace("\\n", "\n").replace("\\t", "\t")
    wanted = [part.strip() for part in case.split("‖")]
    text = case.replace("‖", "")
    assert [sentence.text for sentence in split_sentences(text)] == wanted


def test_there_are_at_least_two_hundred_marked_texts() -> None:
    assert len(set(CASES)) >= 200


@given(TEXTS)
@example("")
@example("\n \t")
@example(".")
@settings(deadline=None, max_examples=400)
def test_sentences_and_the_blanks_between_them_rebuild_the_text(text: str) -> None:
    at = 0
    for sentence in split_sentences(text):
        assert text[at : sentence.start].strip() == ""
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip() != ""
        at = sentence.end
    assert text[at:].strip() == ""


@given(TEXTS)
@settings(deadline=None, max_examples=100)
def test_splitting_is_a_function_of_the_text_alone(text: str) -> None:
    assert split_sentences(text) == split_sentences(text)


PLAIN = ("We train a model.", "This works well.", "Is it fast?", "However, it costs more.")


@given(st.lists(st.sampled_from(PLAIN), min_size=1))
def test_plain_sentences_joined_by_a_blank_come_back(sentences: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(" ".join(sentences))] == sentences


def test_an_overlong_sentence_is_broken_at_whitespace() -> None:
    text = "word " * 1500 + "end."
    parts = split_sentences(text)
    assert max(len(part.text) for part in parts) <= LONGEST and len(parts) == 4
    assert " ".join(part.text for part in parts) == text


def test_an_unbroken_run_is_broken_anyway() -> None:
    parts = split_sentences("x" * 4500)
    assert [len(part.text) for part in parts] == [2000, 2000, 500]


@pytest.mark.parametrize(
    "unit",
    [
        "We show it. ",
        ".",
        ". ",
        "(",
        ")",
        "(a. B ",
        "\n",
        "\n ",
        " ",
        "a",
        "A. ",
        "1. ",
        "e.g. ",
        '."',
        "!?",
        "[1] ",
        ". [1,",
        "。",
        "- ",
        "\n- ",
    ],
)
def test_the_time_grows_with_the_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        split_sentences(text)
        return time.process_time() - start

    short = min(seconds(12_500) for _ in range(5))
    long = min(seconds(100_000) for _ in range(3))
    assert long < 24 * max(short, 0.001)  # 8 times the length; its square would take 64 times


@pytest.mark.parametrize(("name", "least"), [("csabstruct", 0.985), ("csfcube", 0.98)])
def test_the_boundaries_of_labelled_abstracts_are_found(shared_data: Path, name: str, least: float) -> None:
    files = [file for file in (shared_data / name).glob("*.jsonl") if file.name != "queries.jsonl"]
    both = gold_only = ours_only = 0
    for line in (line for file in files for line in file.open(encoding="utf-8")):
        sentences = [sentence["text"] for sentence in json.loads(line)["sentences"]]
        gold = {len(" ".join(sentences[: i + 1])) for i in range(len(sentences) - 1)}
        text = " ".join(sentences)
        ours = {sentence.end for sentence in split_sentences(text)} - {len(text)}
        both, gold_only, ours_only = both + len(gold & ours), gold_only + len(gold - ours), ours_only + len(ours - gold)
    assert both > 10_000
    assert 2 * both / (2 * both + gold_only + ours_only) >= least
