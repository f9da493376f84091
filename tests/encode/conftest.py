"""Documents of every awkward kind, and encoders that are loaded once."""

from __future__ import annotations

import pytest

from heedful.encode import load_encoder
from heedful.records import Document, Sentence

LABELS = ("background", "objective", "method", "method", "result", "other")
WORDS = "the reef grammar of small robots shows that cheap sensors learn slow tides better than old maps".split()


def sentence(n: int, words: int = 9) -> str:
    return " ".join(WORDS[(n * 5 + i * (1 + n % 3)) % len(WORDS)] for i in range(words)).capitalize() + "."


def document(id: str, sentences: int, words: int = 9, labelled: bool = True) -> Document:
    texts = [sentence(n, words + n % 7) for n in range(sentences)]
    marked = tuple(Sentence(t, LABELS[n % len(LABELS)] if labelled else "") for n, t in enumerate(texts))
    return Document(id, f"On {id} and slow tides", " ".join(texts), marked)


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    return [
        document("short", 2),
        document("usual", 9),
        document("other-usual", 8, 14),
        Document("title", "Only a title here"),
        Document("empty"),
        Document("no-words", "", "", (Sentence("\x00\x01\u200b", "method"), Sentence("Plain words.", "result"))),
        Document(
            "scripts", "Ünïcödé ﬁ", "", (Sentence("雪の結晶 の 成長.", "method"), Sentence("😀 ok \ud800.", "other"))
        ),
        document("long", 36, 20),
        Document("one-huge-sentence", "T", "", (Sentence(" ".join(WORDS * 40), "method"),)),
    ]


@pytest.fixture(scope="session")
def exact():
    """The default encoder in float32, labels by the data."""
    return load_encoder(labels="data", backend="torch-float32")
