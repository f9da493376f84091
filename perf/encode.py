"""How fast documents are encoded, beside sentence-transformers on the same strings in the same run.

Ours gives whole, sentence and aspect vectors; the peer gives the whole vector only, with its default batch size and
type and max_seq_length=512. The sides take turns, and each ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import numpy as np

from heedful.corpus import SCIENCE, split_sentences
from heedful.encode import document_text, load_encoder
from heedful.encode.weights import find_model
from heedful.records import Document

ROOT = Path(__file__).resolve().parent.parent


def abstracts(path: Path, count: int, stride: int) -> Iterator[Document]:
    """Every stride-th document of a corpus file; its sentences split, and labelled by place in a fixed pattern."""
    pattern = ("background", "background", "method", "method", "result")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            text = row.get("text") or row.get("abstract") or ""
            if number % stride or not text:
                continue
            split = split_sentences(text)
            marked = (replace(s, label=pattern[n * len(pattern) // len(split)]) for n, s in enumerate(split))
            yield Document(row["_id"], row["title"], text, tuple(marked))
            count -= 1
            if count == 0:
                return


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer documents and rounds")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "data" / "arxiv-cs" / "corpus.jsonl.gz")
    parser.add_argument("--documents", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--backend", default="auto")
    options = parser.parse_args()
    if not options.corpus.is_file():
        print(f"no corpus at {options.corpus}; name one with --corpus", file=sys.stderr)
        return 3
    count = options.documents or (192 if options.quick else 1024)
    rounds = options.rounds or (2 if options.quick else 3)
    documents = list(abstracts(options.corpus, count, 37))
    bare = [replace(d, sentences=tuple(replace(s, label="") for s in d.sentences)) for d in documents]
    texts = [document_text(document) for document in documents]

    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(find_model().folder), device=None)
    peer.max_seq_length = 512
    given = load_encoder(labels="data", backend=options.backend)
    labelling = load_encoder(labels="predicted", backend=options.backend)
    runs: dict[str, Callable[[], object]] = {
        "sentence-transformers": lambda: peer.encode(texts, show_progress_bar=False),
        "heedful, labels given": lambda: list(given.encode_documents(documents)),
        "heedful, with labelling": lambda: list(labelling.encode_documents(bare)),
    }
    theirs = peer.encode(texts[:8], show_progress_bar=False)  # warms up
    list(given.encode_documents(documents[:64])), list(labelling.encode_documents(bare[:64]))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, work in runs.items():
            times[name].append(seconds(work))

    theirs = peer.encode(texts, show_progress_bar=False)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    vectors = list(given.encode_documents(documents))
    fits = [len(peer.tokenizer(text)["input_ids"]) <= 512 for text in texts]
    cosines = [float(one.whole @ row) for one, row, fit in zip(vectors, theirs, fits, strict=True) if fit]
    assert all(one.aspects and len(one.sentences) for one in vectors), "vectors are missing"

    base = times["sentence-transformers"]
    print(
        f"{len(documents)} documents of {options.corpus.parent.name}, {rounds} rounds, {given.spec()['backend']} "
        f"{given.spec()['dtype']}, aspects {', '.join(SCIENCE.names)}"
    )
    print(f"{'':24} {'docs/s':>8} {'ratio':>7}")
    ratio = {}
    for name, values in times.items():
        ratio[name] = statistics.median(b / v for b, v in zip(base, values, strict=True))
        print(f"{name:24} {len(documents) / statistics.median(values):8.1f} {ratio[name]:7.2f}")
    print(
        f"smallest cosine to sentence-transformers over {len(cosines)} texts of at most 512 tokens: {min(cosines):.5f}"
    )
    rates = {name: round(len(documents) / statistics.median(values), 1) for name, values in times.items()}
    print(
        json.dumps(
            {
                "ratio_vs_sentence_transformers": round(ratio["heedful, labels given"], 3),
                "ratio_with_labelling": round(ratio["heedful, with labelling"], 3),
                "cosine_min": round(min(cosines), 6),
                "documents": len(documents),
                "documents_per_second": rates["heedful, labels given"],
                "documents_per_second_with_labelling": rates["heedful, with labelling"],
                "documents_per_second_sentence_transformers": rates["sentence-transformers"],
                "backend": given.spec()["backend"],
                "dtype": given.spec()["dtype"],
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
