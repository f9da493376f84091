"""How long one exploration takes, beside encoding one abstract: warm, stored seed, in process.

Builds an index of real abstracts first (or takes one that is there); the last line is one JSON object with
`latency_vs_encode`: the median time of `explore` over that of encoding one abstract, on this machine, in this run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

from heedful.corpus import read_documents
from heedful.encode import load_encoder
from heedful.explore import Explorer
from heedful.index import Index, build_index

INSTRUCTIONS = ("", "similar method, not the same topic", "same problem, another approach", "alike in their findings")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "acl" / "corpus.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 documents and 40 explorations")
    parser.add_argument("--source", type=Path, default=SHARED, help="what to index")
    parser.add_argument("--index", type=Path, help="an index that is there already")
    arguments = parser.parse_args()
    documents, rounds = (2_000, 40) if arguments.quick else (8_000, 200)
    with tempfile.TemporaryDirectory() as scratch:
        encoder = load_encoder()
        path = arguments.index or Path(scratch) / "index"
        if arguments.index is None:
            build_index(itertools.islice(read_documents([arguments.source]), documents), path, encoder)
        explorer = Explorer(Index.open(path), encoder)
        report(explorer, encoder, rounds)


def report(explorer: Explorer, encoder: object, rounds: int) -> None:
    pick = random.Random(0)
    seeds = pick.sample(list(explorer.index.ids), rounds)
    documents = explorer.index.documents(seeds)
    for instruction in INSTRUCTIONS:  # warm
        explorer.explore(seeds[0], instruction)
    list(encoder.encode_documents(documents[:3]))
    encode, explore = [], {instruction: [] for instruction in INSTRUCTIONS}
    for seed, document in zip(seeds, documents, strict=True):
        encode.append(timed(lambda document=document: list(encoder.encode_documents([document]))))
        for instruction in INSTRUCTIONS:
            explore[instruction].append(timed(lambda seed=seed, i=instruction: explorer.explore(seed, i)))
    base = statistics.median(encode)
    print(f"{len(explorer.index)} documents, {rounds} seeds; medians in ms")
    print(f"{'encode one abstract, labels included':45} {base * 1e3:7.1f}")
    for instruction, times in explore.items():
        print(f"{'explore: ' + (instruction or 'no instruction'):45} {statistics.median(times) * 1e3:7.1f}")
    whole = statistics.median(list(itertools.chain.from_iterable(explore.values())))
    worst = max(statistics.median(times) for times in explore.values())
    print(json.dumps({"latency_vs_encode": round(whole / base, 3), "worst_instruction": round(worst / base, 3)}))


def timed(call: object) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
