"""How fast and in how much memory training steps run, beside sentence-transformers' own loss in the same run.

Both losses get the same model, the same texts and the same batches; steps take turns, and the ratio is the median over
the rounds. steps_vs_mnrl: our view P against MultipleNegativesRankingLoss, steps a second (above 1: ours is faster).
memory_2048_vs_64: peak memory of a step of 2,048 rows with GradCache over that of a plain step of 64, each in a process
of its own, the model and its optimizer in both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ROOT = Path(__file__).resolve().parent.parent


def pairs(path: Path, count: int) -> list[tuple[str, str]]:
    """Titles and abstracts."""

    def rows() -> Iterator[tuple[str, str]]:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield row["title"], row.get("text") or row.get("abstract") or ""

    return [pair for pair, _ in zip((pair for pair in rows() if all(pair)), range(count), strict=False)]


def make_model(tokens: int) -> Any:
    from heedful.train.model import build_model
    from heedful.train.recipe import make_recipe

    return build_model(make_recipe({"loss": "uni-P", "max_length": tokens}), "cpu").train()


def make_features(model: Any, rows: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [dict(model.preprocess([row[column] for row in rows])) for column in (0, 1)]


def step(loss: Any, features: list[dict[str, Any]], optimizer: Any) -> float:
    """Seconds of one step: forward, backward, update."""
    started = time.perf_counter()
    value = loss([dict(column) for column in features], None)
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - started


def speed(rows: list[tuple[str, str]], batch: int, tokens: int, rounds: int) -> dict[str, Any]:
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from heedful.train.objective import FollowingLoss

    model = make_model(tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    losses = {"mnrl": MultipleNegativesRankingLoss(model, scale=20.0), "ours": FollowingLoss(model, "uni-P", 0.05)}
    taken: dict[str, list[float]] = {name: [] for name in losses}
    for number in range(rounds + 1):
        features = make_features(model, rows[number * batch : (number + 1) * batch])
        for name in list(losses) if number % 2 else reversed(list(losses)):
            seconds = step(losses[name], features, optimizer)
            if number:  # the first round warms up
                taken[name].append(seconds)
    ratios = [theirs / ours for theirs, ours in zip(taken["mnrl"], taken["ours"], strict=True)]
    return {"ratio": statistics.median(ratios), **{name: statistics.median(t) for name, t in taken.items()}}


def peak(rows: list[tuple[str, str]], batch: int, mini_batch: int, tokens: int, told: Any) -> None:
    """Send the peak resident memory, in MiB, of a process that does one step, and its seconds."""
    import torch

    from heedful.train.objective import FollowingLoss

    model = make_model(tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    loss = FollowingLoss(model, "uni-P", 0.05, mini_batch=mini_batch)
    seconds = step(loss, make_features(model, rows[:batch]), optimizer)
    told.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds))


def peak_apart(*arguments: Any) -> tuple[float, float]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=peak, args=(*arguments, there))
    child.start()
    there.close()
    found: tuple[float, float] = here.recv()
    child.join()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter texts and fewer rounds")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "data" / "arxiv-cs" / "corpus.jsonl.gz")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--tokens", type=int, help="of a text, at most")
    parser.add_argument("--large", type=int, default=2048, help="rows of the cached step; 0 leaves memory out")
    options = parser.parse_args()
    if not options.corpus.is_file():
        print(f"no corpus at {options.corpus}; name one with --corpus", file=sys.stderr)
        return 3
    rounds, tokens = options.rounds or (5 if options.quick else 9), options.tokens or (32 if options.quick else 128)
    rows = pairs(options.corpus, max(options.large, 64 * (rounds + 1)))
    found = speed(rows, 64, tokens, rounds)
    print(f"{'loss':24} {'seconds a step':>16}   64 rows of at most {tokens} tokens, median of {rounds} rounds")
    print(f"{'MultipleNegativesRanking':24} {found['mnrl']:16.3f}")
    print(f"{'FollowingLoss uni-P':24} {found['ours']:16.3f}   {found['ratio']:.3f} times as many steps a second")
    values = {"steps_vs_mnrl": round(found["ratio"], 4)}
    if not options.large:
        print(json.dumps(values))
        return 0
    plain, plain_seconds = peak_apart(rows, 64, 0, tokens)
    cached, cached_seconds = peak_apart(rows, options.large, 64, tokens)
    print(f"{'peak memory':24} {'MiB':>16}")
    print(f"{'64 rows, plain':24} {plain:16.0f}   {plain_seconds:.1f} s")
    print(f"{f'{options.large:,} rows, GradCache':24} {cached:16.0f}   {cached_seconds:.1f} s")
    print(json.dumps(values | {f"memory_{options.large}_vs_64": round(cached / plain, 4)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
