from __future__ import annotations

import numpy as np
import pytest

from heedful.encode.passages import Passage, Tokens, document_passage
from heedful.encode.weights import find_model
from heedful.records import Document, Sentence


@pytest.fixture(scope="module")
def tokens():
    return Tokens(find_model().folder, max_tokens=20, overlap=6)


def test_spans_point_at_the_sentences():
    passage = document_passage(Document("d", " A title ", "", (Sentence("One."), Sentence("Two two."))))
    assert passage.text == "A title One. Two two."
    assert [passage.text[a:b] for a, b in passage.spans] == ["One.", "Two two."]


def test_every_token_is_owned_once_and_windows_overlap(tokens):
    text = " ".join(f"word{n}" for n in range(40))
    (windows,) = tokens.windows([Passage(text, ((0, 30), (31, len(text))))])
    (whole,) = Tokens(find_model().folder, max_tokens=512).windows([Passage(text)])
    owned = np.concatenate([window.ids[window.owned] for window in windows])
    assert owned.tolist() == whole[0].ids.tolist()
    assert len(windows) > 2
    assert max(map(len, windows)) == 20
    assert sum(map(len, windows)) > len(owned)


@pytest.mark.parametrize("length", range(1, 60))
def test_no_length_loses_a_token(tokens, length):
    text = " ".join(["tide"] * length)
    (windows,) = tokens.windows([Passage(text)])
    assert sum(int(window.owned.sum()) for window in windows) == length + 2


def test_tokens_know_their_sentence_and_the_title_has_none(tokens):
    passage = document_passage(Document("d", "Tides", "", (Sentence("We sail."), Sentence("It works."))))
    ((window,),) = tokens.windows([passage])
    assert window.local.tolist() == [-1, -1, 0, 0, 0, 1, 1, 1, -1]


def test_an_empty_text_has_one_window_of_special_tokens(tokens):
    ((window,),) = tokens.windows([Passage("")])
    assert len(window) == 2
    assert window.owned.all()
