from __future__ import annotations

from heedful.synthesize.rules.phrases import find_phrases

TITLES = [
    *("Pre-trained Language Models for Soil",) * 4,
    *("Graph Neural Networks on Rivers",) * 4,
    *("Spiking cells and river deltas",) * 4,
    *("A Study of the River Deltas",) * 4,
    *(f"Nothing in Common {n}" for n in range(400)),
]
TEXTS = [title + " are here." for title in TITLES]


def test_phrases_are_what_titles_say_again_and_again_as_they_write_it() -> None:
    found = find_phrases(TITLES, TEXTS)
    assert "graph neural networks" in found.texts and "river deltas" in found.texts
    assert "pre-trained language models" in found.texts


def test_pieces_of_phrases_are_none() -> None:
    found = find_phrases(TITLES, TEXTS)
    assert not {"graph neural", "neural networks", "pre-trained language", "language models", "the river"} & set(
        found.texts
    )


def test_what_half_of_the_documents_have_says_nothing() -> None:
    found = find_phrases(TITLES, TEXTS)
    assert not any(found.texts[one] == "common" for about in found.about for one in about)
    assert all(len(about) <= 2 for about in found.about[:16]) and not any(found.about[20:])


def test_a_text_that_only_has_the_initials_has_a_trace() -> None:
    titles = [*TITLES, "Deltas by GNN", "Deltas alone"]
    found = find_phrases(titles, titles)
    phrase = found.texts.index("graph neural networks")
    assert phrase in found.traces[-2] and phrase not in found.traces[-1]
    assert phrase not in found.about[-2]
