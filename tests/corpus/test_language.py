"""Telling English from other languages by its stop words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.corpus import ReadReport, read_documents
from heedful.corpus.language import is_english

ENGLISH = "We study how the size of a herd changes the yield of small farms and show that it falls with the distance."
OTHERS = {
    "German": "Wir untersuchen, wie die Größe einer Herde den Ertrag kleiner Höfe ändert, und zeigen, dass er "
    "in der Ferne sinkt und an der Küste steigt.",
    "French": "Nous étudions comment la taille d'un troupeau change le rendement des petites fermes et "
    "montrons que celui-ci baisse avec la distance.",
    "Spanish": "Estudiamos cómo el tamaño de un rebaño cambia el rendimiento de las granjas pequeñas y "
    "mostramos que baja con la distancia.",
    "Dutch": "Wij onderzoeken hoe de grootte van een kudde de opbrengst van kleine boerderijen verandert en "
    "tonen dat die daalt met de afstand.",
    "Russian": "Мы изучаем, как размер стада меняет урожай малых хозяйств, и показываем, что он падает с расстоянием.",
    "Chinese": "我们研究畜群规模如何改变小型农场的产量，并证明产量随着距离的增加而下降，而且在沿海地区上升。",
}


def test_english_is_english() -> None:
    assert is_english(ENGLISH) is True


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_is_not_english(language: str) -> None:
    assert is_english(OTHERS[language]) is False


def test_a_few_words_say_nothing() -> None:
    assert is_english("Deep learning") is None and is_english("") is None


@pytest.mark.parametrize(("english", "warned"), [(3, False), (1, True)])
def test_a_collection_is_warned_about_when_most_of_it_is_not_english(
    tmp_path: Path, english: int, warned: bool
) -> None:
    texts = [ENGLISH] * english + list(OTHERS.values())[:2]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"_id": i, "text": text}) + "\n" for i, text in enumerate(texts)))
    report = ReadReport()
    list(read_documents(path, report=report))
    assert any("not English" in warning for warning in report.warnings()) is warned


@pytest.mark.parametrize("name", ["csabstruct/test.jsonl", "cacm", "arxiv-cs"])
def test_real_english_abstracts_are_recognised(shared_data: Path, name: str) -> None:
    report = ReadReport()
    for number, _ in enumerate(read_documents(shared_data / name, report=report)):
        if number == 2000:
            break
    assert report.english > 40 and report.not_english <= 0.02 * report.english
