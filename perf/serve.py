"""A served index under load: a second process on loopback, beside the same call in process.

Serves INDEX (or an index of the sample collection, made first) by `heedful serve` and asks for explorations: one
client, turn by turn with the same calls in this process; then 1, 8, 32 and 200 clients at once. Says how long answers
took, how many a second there were, and how much memory the server holds. The last line is one JSON object:
`p50_vs_in_process` (the ratio of the two medians), `errors_at_32` (answers other than 200), what happened at 200.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import IO, NamedTuple

import httpx

import heedful
from heedful import sample

INSTRUCTIONS = ("similar method, not the same topic", "", "same problem, another approach", "alike in their findings")
MANY = 200


class Answer(NamedTuple):
    """status: 0 for none at all. retry_after: what the server said of when to come again."""

    status: int
    seconds: float
    retry_after: str | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", nargs="?", type=Path, help="a folder that `heedful index` made; else the sample")
    parser.add_argument("--quick", action="store_true", help="a few seconds a step")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="of each step")
    arguments = parser.parse_args()
    seconds = arguments.seconds or (4 if arguments.quick else 20)
    with tempfile.TemporaryDirectory() as scratch:
        index = arguments.index or Path(scratch) / "sample.heed"
        if arguments.index is None:
            build = [
                sys.executable,
                "-m",
                "heedful",
                "index",
                str(sample.folder() / "corpus.jsonl"),
                "--out",
                str(index),
            ]
            subprocess.run(build, check=True, capture_output=True)
        report(index, arguments.workers, seconds, 20 if arguments.quick else 60)


def report(index: Path, workers: int, seconds: float, rounds: int) -> None:
    explorer = heedful.open(index)
    seeds = random.Random(0).sample(list(explorer.index.ids), rounds)
    bodies = [{"seeds": [s], "instruction": INSTRUCTIONS[n % len(INSTRUCTIONS)], "k": 10} for n, s in enumerate(seeds)]
    with tempfile.TemporaryFile("w+") as log:
        process, address = start(index, workers, log)
        try:
            turns(address, bodies, explorer)  # warm
            one, alone = (statistics.median(times) for times in turns(address, bodies, explorer))
            print(
                f"{index.name}: {len(explorer.index)} documents, {workers} worker(s); medians of {rounds} explorations"
            )
            print(f"in process {alone * 1e3:.1f} ms, by HTTP {one * 1e3:.1f} ms")
            values = {"p50_vs_in_process": round(one / alone, 3)}
            print(
                f"{'clients':>7} {'a second':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'memory MB':>10}  answers"
            )
            for clients in (1, 8, 32, MANY):
                answers, took = asyncio.run(load(address, bodies, clients, seconds))
                show(clients, answers, took, memory(process.pid))
                if clients == 32:
                    values["errors_at_32"] = sum(answer.status != 200 for answer in answers)
            values |= at_many(answers)
            after, _ = (statistics.median(times) for times in turns(address, bodies, None))
            print(f"after {MANY} clients, one alone: {after * 1e3:.1f} ms")
            values["p50_after_vs_before"] = round(after / one, 3)
        finally:
            process.send_signal(signal.SIGTERM)
            values["exit_code"] = process.wait(60)
    print(json.dumps(values))


def at_many(answers: list[Answer]) -> dict[str, object]:
    """What became of too much at once."""
    shed = [answer for answer in answers if answer.status == 503]
    return {
        "shed_at_200": len(shed),
        "shed_without_retry_after": sum(answer.retry_after is None for answer in shed),
        "other_answers_at_200": sorted({answer.status for answer in answers} - {200, 503}),
    }


def turns(
    address: str, bodies: list[dict[str, object]], explorer: heedful.Explorer | None
) -> tuple[list[float], list[float]]:
    """Seconds of each request, and of the same call in this process just after it."""
    over, within = [], [0.0] if explorer is None else []
    with httpx.Client(base_url=address, timeout=120) as client:
        for body in bodies:
            began = time.perf_counter()
            client.post("/api/explore", json=body).raise_for_status()
            over.append(time.perf_counter() - began)
            if explorer is not None:
                began = time.perf_counter()
                json.dumps(explorer.explore(body["seeds"], body["instruction"], k=10).to_dict())
                within.append(time.perf_counter() - began)
    return over, within


def start(index: Path, workers: int, log: IO[str]) -> tuple[subprocess.Popen[str], str]:
    """The server and its address, once it is ready."""
    command = [sys.executable, "-m", "heedful", "serve", str(index), "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(command, stderr=log, text=True)
    for _ in range(1200):
        log.seek(0)
        found = re.search(r"http://[\d.]+:\d+", log.read())
        if found:
            try:
                urllib.request.urlopen(f"{found[0]}/readyz", timeout=5)
                return process, found[0]
            except OSError:
                pass
        if process.poll() is not None:
            sys.exit("the server ended before it was ready")
        time.sleep(0.1)
    sys.exit("the server was not ready within two minutes")


async def load(
    address: str, bodies: list[dict[str, object]], clients: int, seconds: float
) -> tuple[list[Answer], float]:
    """As many clients at once, each asking again as soon as it is answered, or after the time it was told."""
    answers: list[Answer] = []
    began = time.perf_counter()

    async def client(number: int, http: httpx.AsyncClient) -> None:
        turn = number
        while time.perf_counter() - began < seconds:
            sent = time.perf_counter()
            try:
                answer = await http.post("/api/explore", json=bodies[turn % len(bodies)])
                status, retry = answer.status_code, answer.headers.get("retry-after")
            except httpx.HTTPError:
                status, retry = 0, None
            answers.append(Answer(status, time.perf_counter() - sent, retry))
            turn += clients
            if status == 503:
                await asyncio.sleep(float(retry or 1))

    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as http:
        await asyncio.gather(*(client(number, http) for number in range(clients)))
    return answers, time.perf_counter() - began


def show(clients: int, answers: list[Answer], took: float, megabytes: float) -> None:
    times = sorted(answer.seconds * 1e3 for answer in answers if answer.status == 200) or [0.0]
    p50, p95, p99 = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 0.99))
    counts = Counter(answer.status for answer in answers)
    said = ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))
    rate = counts[200] / took
    print(f"{clients:>7} {rate:9.1f} {p50:8.1f} {p95:8.1f} {p99:8.1f} {megabytes:9.0f}  {said}", flush=True)


def memory(pid: int) -> float:
    """Megabytes that a process and its children hold, shared pages once (Linux; 0 elsewhere)."""
    total = 0.0
    try:
        children = {int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _parent(int(entry)) == pid}
        for one in {pid, *children}:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) / 1e3 if found else 0
    except OSError:
        pass
    return total


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    main()
