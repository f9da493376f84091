"""One worker against two: documents encoded a second by workers of Ray, and what of it the driver takes.

Twice: each worker pinned to a core of its own, as on machines of one core; and workers that may use every core, as
`--ray --workers N` starts them. Every worker encodes some chunks first, uncounted: they load the encoder. With
each figure goes the processors' own limit: the same comparison for a loop of arithmetic without memory or any driver.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from heedful.corpus import read_documents
from heedful.corpus.aspects import SCIENCE
from heedful.encode import load_encoder
from heedful.scale import RayMapper
from heedful.scale.encoding import EncoderRecipe, chunks, encode_chunk

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "arxiv-cs" / "corpus.jsonl.gz"
SIZE = 64  # documents a chunk: small, so that the workers end together
LOOP = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
done, end = 0, time.perf_counter() + 4
while time.perf_counter() < end:
    done += sum(range(10000)) > 0
print(done)
"""


def encode_on_a_core(folder: str, recipe: EncoderRecipe, documents: Any) -> int:
    """Encode; the process takes a core that no other has taken, before it loads the encoder."""
    mine = Path(folder) / f"process-{os.getpid()}"
    if folder and not mine.exists():
        for core in sorted(os.sched_getaffinity(0)):
            try:
                (Path(folder) / f"core-{core}").touch(exist_ok=False)
            except FileExistsError:
                continue
            os.sched_setaffinity(0, {core})
            break
        mine.touch()
    return len(encode_chunk(recipe, documents))


def rate(documents: list[Any], recipe: EncoderRecipe, workers: int, *, pinned: bool) -> tuple[float, float]:
    """Documents a second, and the driver's share of one core meanwhile."""
    with tempfile.TemporaryDirectory() as folder, RayMapper(workers=workers) as mapper:
        work = partial(encode_on_a_core, folder if pinned else "", recipe)
        warm = list(chunks(documents[: SIZE * 2 * workers], SIZE))
        for _ in range(2):  # every worker gets some: the one with the least to do is next
            list(mapper.map(work, warm))
        began, cpu = time.perf_counter(), time.process_time()
        done = sum(mapper.map(work, chunks(documents, SIZE)))
        seconds = time.perf_counter() - began
        return done / seconds, (time.process_time() - cpu) / seconds


def processors() -> float:
    """What two processes that only calculate get done, each on its core, against one: 2 where cores share nothing."""
    cores = sorted(os.sched_getaffinity(0))[:2]

    def done(chosen: list[int]) -> int:
        runs = [
            subprocess.Popen([sys.executable, "-c", LOOP, str(core)], stdout=subprocess.PIPE, text=True)
            for core in chosen
        ]
        return sum(int(run.communicate()[0]) for run in runs)

    return done(cores) / done(cores[:1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1536, help="real abstracts to encode (1536)")
    parser.add_argument("--quick", action="store_true", help="384 abstracts")
    given = parser.parse_args()
    documents = list(itertools.islice(read_documents([SHARED]), 384 if given.quick else given.documents))
    recipe = EncoderRecipe.of(load_encoder(), SCIENCE)
    found: dict[str, float] = {"processors": processors()}
    print(f"two processes that only calculate: {found['processors']:.2f} times one", flush=True)
    for name, pinned in (("a_core_each", True), ("all_cores", False)):
        one, _ = rate(documents, recipe, 1, pinned=pinned)
        two, driver = rate(documents, recipe, 2, pinned=pinned)
        found |= {f"one_{name}": one, f"two_{name}": two, f"speedup_{name}": two / one, f"driver_{name}": driver}
        print(
            f"{name:12} 1 worker {one:6.1f} documents/s   2 workers {two:6.1f}   {two / one:.2f} times   "
            f"driver {100 * driver:.1f} % of a core",
            flush=True,
        )
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))


if __name__ == "__main__":
    main()
