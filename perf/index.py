"""Speed, memory and size of the index with synthetic vectors: build, open, search, vectors, text scores.

The last line is one JSON object; times are seconds, the median of 15 where a call is repeated.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from heedful.encode.hashing import HashEncoder
from heedful.index import Index, build_index, describe_index
from heedful.records import Document, DocumentVectors, Sentence

DIM, SENTENCES, WORDS = 384, 10, 16


class SyntheticEncoder(HashEncoder):
    """Random unit vectors, as fast as they can be drawn."""

    def encode_documents(self, documents: Iterable[Document]) -> Iterator[DocumentVectors]:
        rng = np.random.default_rng(0)
        for document in documents:
            vectors = rng.standard_normal((SENTENCES + 4, DIM), dtype=np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            probabilities = np.full((SENTENCES, 3), 1 / 3, np.float32)
            aspects = dict(zip(self.aspects, vectors[-3:], strict=True))
            yield DocumentVectors(document, vectors[0], vectors[:SENTENCES], aspects, probabilities)


def synthetic_documents(count: int) -> Iterator[Document]:
    rng = np.random.default_rng(1)
    for n in range(count):
        words = (rng.zipf(1.15, SENTENCES * WORDS) % 120_000).reshape(SENTENCES, WORDS)
        texts = [" ".join(f"w{word}" for word in row) + "." for row in words]
        sentences = tuple(Sentence(text, "method", 0, len(text)) for text in texts)
        title = " ".join(f"w{word}" for word in words[0, :8])
        yield Document(f"doc{n:08}", title, " ".join(texts), sentences, {"year": 1990 + n % 35, "venue": f"v{n % 50}"})


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median(call: Callable[[int], Any], times: int = 15) -> float:
    taken = []
    for n in range(times):
        started = time.perf_counter()
        call(n)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def build(folder: Path, count: int) -> dict[str, Any]:
    before = peak_mb()
    report = build_index(synthetic_documents(count), folder, SyntheticEncoder(DIM), batch=1000)
    sizes = describe_index(folder)
    return {
        "documents": report.documents,
        "build_s": report.seconds,
        "documents_per_s": report.documents / report.seconds,
        "build_peak_mb": peak_mb(),
        "before_mb": before,
        "table_mb": (sizes["bytes"] - sizes["derived_bytes"]) / 1e6,
        "derived_mb": sizes["derived_bytes"] / 1e6,
    }


def use(folder: Path, count: int) -> dict[str, Any]:
    started = time.perf_counter()
    index = Index.open(folder)
    opened = time.perf_counter() - started
    rng = np.random.default_rng(2)
    queries = rng.standard_normal((20, DIM), dtype=np.float32)
    picks = [[index.ids[at] for at in rng.choice(len(index), min(400, len(index)), replace=False)] for _ in range(20)]
    abstracts = [document.text for document in index.documents([pick[0] for pick in picks])]
    titles = [document.title for document in index.documents([pick[0] for pick in picks])]
    started = time.perf_counter()
    index.search(queries[0], 200)
    first = time.perf_counter() - started
    started = time.perf_counter()
    index.vectors(picks[0])
    index.score_text(titles[0], picks[0])
    first_vectors = time.perf_counter() - started
    return {
        "open_s": opened,
        "first_search_s": first,
        "first_vectors_s": first_vectors,
        "search_200_s": median(lambda n: index.search(queries[n], 200)),
        "search_200_new_filter_s": median(lambda n: index.search(queries[n], 200, where=f"year > {1990 + n}")),
        "search_200_same_filter_s": median(lambda n: index.search(queries[n], 200, where="year > 2000")),
        "vectors_400_s": median(lambda n: index.vectors(picks[n])),
        "terms_400_s": median(lambda n: index.terms(picks[n])),
        "documents_20_s": median(lambda n: index.documents(picks[n][:20])),
        "search_text_title_s": median(lambda n: index.search_text(titles[n], 200)),
        "search_text_abstract_s": median(lambda n: index.search_text(abstracts[n], 200)),
        "score_text_400_abstract_s": median(lambda n: index.score_text(abstracts[n], picks[n])),
        "use_peak_mb": peak_mb(),
    }


def main() -> None:
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 documents instead of 50,000")
    parser.add_argument("--documents", type=int, default=0)
    parser.add_argument("--part", choices=["build", "use"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    count = given.documents or (5_000 if given.quick else 50_000)
    if given.part:
        print(json.dumps({"build": build, "use": use}[given.part](given.folder, count)))
        return
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for part in ("build", "use"):  # each in a process of its own, for its peak memory
            command = [
                sys.executable,
                __file__,
                "--part",
                part,
                "--folder",
                temporary + "/index",
                "--documents",
                str(count),
            ]
            found |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    for name, value in found.items():
        print(f"{name:28}{value:14.4f}" if isinstance(value, float) else f"{name:28}{value:14}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
