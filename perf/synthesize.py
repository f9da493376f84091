"""Triplets by rules: rows a second, memory, and what the audit's probes find, on arXiv abstracts or a made collection.

There is no peer to run beside it: the published sets of this kind came without the program that made them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from heedful.corpus.reading import read_documents  # noqa: E402
from heedful.encode.load import load_encoder  # noqa: E402
from heedful.index import Index, build_index  # noqa: E402
from heedful.synthesize.audit import audit  # noqa: E402
from heedful.synthesize.overlap import overlapping, read_test_sets  # noqa: E402
from heedful.synthesize.parquet import TripletWriter, read_triplets  # noqa: E402
from heedful.synthesize.rules import generate  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,500 documents are indexed here, 600 rows made")
    parser.add_argument("--index", type=Path, help="an index of abstracts with labelled sentences")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="where the collections lie")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=1_000, help="rows that are probed")
    parser.add_argument("--test", type=Path, action="append", help="test folders; else CSFCube, where it is")
    parser.add_argument("--out", type=Path, help="keep the set here")
    arguments = parser.parse_args()
    rows, sample = (600, 400) if arguments.quick else (arguments.rows, arguments.sample)
    encoder = load_encoder()
    with tempfile.TemporaryDirectory() as scratch:
        index = Index.open(arguments.index) if arguments.index else small_index(Path(scratch), arguments.data, encoder)
        folders = arguments.test or [folder for folder in [arguments.data / "csfcube"] if folder.is_dir()]
        tests = read_test_sets(folders) if folders else None
        documents = index.documents(index.ids)
        left_out = overlapping(documents, tests) if tests else {}
        del documents
        out = arguments.out or Path(scratch) / "set"
        started, made = time.perf_counter(), 0
        memory: Counter[int] = Counter()
        with TripletWriter(out) as writer:
            for row in generate(index, count=rows, seed=7, exclude=left_out, licence="CC0-1.0"):
                writer.add(row)
                made += 1
                if made % max(1, rows // 5) == 0:
                    memory[made] = megabytes()
                    print(f"{made:>8,} rows {time.perf_counter() - started:8.1f} s {memory[made]:>6,} MB", flush=True)
        seconds = time.perf_counter() - started
        found = audit(out, lambda: read_triplets(out), encoder=encoder, tests=tests, sample=sample)
    for probe in found.probes:
        print(f"{probe.kind:22}{probe.name:40}{probe.accuracy:6.3f} [{probe.low:.3f}, {probe.high:.3f}] {probe.why}")
    leakage = found.counts["leakage"]
    result = {
        "documents": len(index),
        "rows": made,
        "seconds": round(seconds, 1),
        "rows_per_second": round(made / seconds, 1),
        "peak_mb": megabytes(),
        "shortcut_max": found.shortcut_max,
        "left_out_for_tests": len(left_out),
        "leaks": leakage and leakage["found"],
    }
    print(json.dumps(result))


def small_index(folder: Path, data: Path, encoder: object) -> Index:
    from itertools import islice

    documents = islice(read_documents(data / "arxiv-cs" / "corpus.jsonl.gz"), 1_500)
    build_index(documents, folder / "index", encoder)  # type: ignore[arg-type]
    return Index.open(folder / "index")


if __name__ == "__main__":
    main()
