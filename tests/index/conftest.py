from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from heedful.encode.hashing import HashEncoder
from heedful.index import Index, build_index
from heedful.records import Document

TOPICS = ("speech", "graphs", "parsing", "vision", "proteins", "traffic", "poetry")
METHODS = ("transformers", "annotation", "surveys", "simulation", "bandits")


def make_documents(count: int, start: int = 0) -> list[Document]:
    """Documents whose sentences say their topic, method and result; every fourth has no method sentence."""
    made = []
    for n in range(start, start + count):
        topic, method = TOPICS[n % len(TOPICS)], METHODS[n % len(METHODS)]
        sentences = [
            f"We study {topic} number {n % 11}.",
            f"Our approach uses {method}.",
            f"It improves {topic} by {n}.",
        ]
        if n % 4 == 0:
            sentences = sentences[:1]
        metadata = {
            "year": None if n % 9 == 0 else 2000 + n % 20,
            "venue": "ACL" if n % 2 else "O'Hare",
            "score": n / 4,
        }
        made.append(Document(f"d{n:05}", f"On {topic} with {method}", " ".join(sentences), metadata=metadata))
    return made


def contents(folder: Path) -> tuple[Any, ...]:
    """Everything that two equal indexes share: rows, vectors, columns, answers; not the rows' order."""
    index = Index.open(folder)
    ids = sorted(index.ids)
    block = index.vectors(ids)
    query = HashEncoder(16).encode_queries(["transformers for speech number 3"])[0]
    answers = [index.search(query, 25, column=column) for column in ("whole", *index.aspects)]
    answers.append([(hit.id, round(hit.score, 5)) for hit in index.search_text("speech transformers improves", 25)])
    return (
        index.documents(ids),
        [array.tolist() for array in (block.whole, block.sentences, block.offsets, block.probabilities)],
        {name: rows.tolist() for name, rows in block.aspects.items()},
        dict(index.columns),
        index.manifest.digest,
        answers,
    )


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder(16)


@pytest.fixture
def built(tmp_path: Path, encoder: HashEncoder) -> Callable[..., Index]:
    def build(documents: Iterable[Document], name: str = "index", **options: Any) -> Index:
        build_index(documents, tmp_path / name, encoder, **options)
        return Index.open(tmp_path / name)

    return build
