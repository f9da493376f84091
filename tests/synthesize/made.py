"""Triplets and a small index for tests."""

from __future__ import annotations

from pathlib import Path
from random import Random

from heedful.encode.hashing import HashEncoder
from heedful.index import Index, build_index
from heedful.records import Document, Sentence
from heedful.synthesize.rows import Negative, Passage, Provenance, Triplet, Verdict

_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")


def _phrases(count: int, seed: int) -> tuple[str, ...]:
    """Runs of five made-up words, no word in two of them."""
    random = Random(seed)
    return tuple(" ".join("".join(random.choices(_SYLLABLES, k=4)) for _ in range(5)) for _ in range(count))


TOPICS, METHODS, RESULTS = _phrases(24, 1), _phrases(24, 2), _phrases(24, 3)


def triplet(number: int = 0, **changes: object) -> Triplet:
    """A row with everything in it."""
    fields: dict[str, object] = {
        "id": f"t{number}",
        "instruction": f"Match the method {number}.",
        "query": f"A paper on tides {number}",
        "positive": Passage(f"p{number}", f"Tide gauges, read daily {number}.", "Gauges"),
        "negatives": (
            Negative(
                Passage(f"a{number}", f"Moon phases {number}.", "Moon"), "poisoned-instruction", "Match the topic.", "Q"
            ),
            Negative(Passage(f"b{number}", f"Harbour gauges {number}."), "poisoned-query", "I", "A paper on ports"),
            Negative(Passage(f"c{number}", f"Seaweed {number}."), "hard"),
        ),
        "provenance": Provenance(
            kind="aspect",
            group=f"g{number}",
            seed=f"s{number}",
            aspect="method",
            sources=(f"s{number}", f"p{number}"),
            generator="writer",
            validator="judge",
            templates=("one:abc",),
            verdicts=(Verdict(f"p{number}", "positive", True, "it does", 0.9, "original", "judge"),),
            cost_usd=0.001,
            licence="CC0-1.0",
            details={"x": 1.5, "y": None},
        ),
    }
    return Triplet(**(fields | changes))  # type: ignore[arg-type]


def collection() -> list[Document]:
    """240 papers, each of a topic, a method and a result that nine others have too, in other combinations."""
    documents = []
    for number in range(240):
        topic, method, result = TOPICS[number % 24], METHODS[number * 7 // 24 % 24], RESULTS[number * 5 % 24]
        sentences = (
            Sentence(f"Here we study {topic}; much is unknown of {topic} so far.", "background"),
            Sentence(f"We apply {method}, as {method} is the usual way.", "method"),
            Sentence(f"It turned out that {result}, and {result} again.", "result"),
        )
        documents.append(
            Document(
                f"d{number:03}",
                f"{' '.join(topic.split()[:2]).title()} in paper {number}",
                " ".join(one.text for one in sentences),
                sentences,
                {"year": 2000 + number % 5, "field": ("birds", "ice")[number % 2]},
            )
        )
    return documents


def index(folder: Path) -> Index:
    """The collection, indexed by hashed words."""
    build_index(collection(), folder, HashEncoder(256))
    return Index.open(folder)
