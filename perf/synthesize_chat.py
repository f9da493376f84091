"""A whole run of `heedful synthesize` against models that are none, killed and resumed, with 16 workers and with one.

A server on loopback plays generator and validator (`heedful.synthesize.pretend`): some answers are garbage, some slow,
some 429. It counts what it is asked. The last line is one JSON object; `repaid` in it is how many answers that had
reached the disk before a kill were asked for again, and should be 0: `lost_in_flight` are those that had not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.openai_server import Say, Server

from heedful.synthesize import pretend
from heedful.synthesize.parquet import read_triplets, to_row

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "arxiv-cs" / "corpus.jsonl.gz"
STOPPED: list[int] = []  # signals: the run under way is killed, its state kept


class Counting:
    """How the server behaves: by the prompt alone, but for a 429 at the first sight of one prompt in a hundred."""

    def __init__(self, seen: dict[str, int], answered: dict[str, int]) -> None:
        self.seen: Counter[str] = Counter(seen)
        self.answered: Counter[str] = Counter(answered)
        self.lock = threading.Lock()

    def __call__(self, asked: dict[str, Any], number: int) -> Say:
        prompt = asked["messages"][-1]["content"]
        shape = asked["response_format"]["json_schema"]["name"]
        key = sha256(f"{asked['model']} {prompt}".encode()).hexdigest()
        with self.lock:
            self.seen[key] += 1
            first = self.seen[key] == 1
        if first and pretend.share(prompt, "429") < 0.01:
            return Say(status=429, headers={"retry-after-ms": "50"}, body={"error": {"message": "slow down"}})
        with self.lock:
            self.answered[key] += 1
        wrong = 0.04 if asked["model"] == "pretend-validator" else 0.0
        text = pretend.answer(shape, prompt, garbage=0.03, wrong=wrong)
        return Say(text, seconds=0.3 if pretend.share(prompt, "slow") < 0.01 else 0.0)

    def twice(self) -> int:
        """Answers that were given again to a prompt that had one."""
        with self.lock:
            return sum(count - 1 for count in self.answered.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 passages without an index")
    parser.add_argument("--source", type=Path, default=SHARED)
    parser.add_argument("--passages", type=int, default=2_000)
    parser.add_argument("--index", type=Path, help="where negatives are looked for")
    parser.add_argument("--out", type=Path, help="where the sets go")
    parser.add_argument("--only", choices=("16", "1"), help="one of the two runs")
    parser.add_argument("--exclude", type=Path, nargs="*", default=[], help="test folders whose text must not get in")
    parser.add_argument(
        "--until",
        default="0.33,0.67,1",
        help="shares of the work; killed at each but 1; a later call goes on from there",
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: STOPPED.append(number))
    passages = 100 if arguments.quick else arguments.passages
    out = arguments.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    (out / "prices.toml").write_text(
        '[models]\n"pretend-generator" = { input = 0.15, output = 0.60 }\n'
        '"pretend-validator" = { input = 1.10, output = 4.40 }\n'
    )
    found: dict[str, Any] = {"passages": passages}
    for workers in [int(arguments.only)] if arguments.only else [16, 1]:
        found[f"workers_{workers}"] = measured(arguments, passages, out, workers)
    ids = {workers: rows(out / f"set-{workers}") for workers in (16, 1) if (out / f"set-{workers}" / "data").is_dir()}
    if len(ids) == 2:
        found["same_rows"] = ids[16] == ids[1]
        found["rows"] = len(ids[16])
    print(json.dumps(found))


def measured(arguments: argparse.Namespace, passages: int, out: Path, workers: int) -> dict[str, Any]:
    """One run, killed with SIGKILL at some shares of the work, each time begun again."""
    state = out / f"state-{workers}.json"
    was = json.loads(state.read_text()) if state.is_file() else {"lost": 0, "killed_after": [], "seconds": 0.0}
    behaviour = Counting(was.get("seen", {}), was.get("answered", {}))
    server = Server(behaviour)
    folder, cache = out / f"set-{workers}", out / f"answers-{workers}.sqlite"
    command = [
        *(sys.executable, "-m", "heedful", "synthesize", str(arguments.source), "--out", str(folder)),
        *("--generator", "pretend-generator", "--validator", "pretend-validator", "--base-url", server.url),
        *("--concurrency", str(workers), "--limit", str(passages), "--licence", "CC0-1.0", "--budget", "50"),
        *("--cache", str(cache)),
    ]
    if arguments.index and not arguments.quick:
        command += ["--index", str(arguments.index)]
    for folder_left_out in arguments.exclude:
        command += ["--exclude", str(folder_left_out)]
    environment = os.environ | {"HEEDFUL_PRICES": str(out / "prices.toml"), "COLUMNS": "160"}
    calls = (14 if "--index" in command else 11) * passages
    begun = time.perf_counter()
    for share in [float(share) for share in arguments.until.split(",")]:
        printed = out / f"report-{workers}.json"
        with printed.open("w") as report_file:
            process = subprocess.Popen([*command, "--format", "json"], env=environment, stdout=report_file)
        while (share >= 1 or len(behaviour.answered) < share * calls) and not STOPPED and process.poll() is None:
            time.sleep(0.05)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.5)  # what was in flight is answered to nobody
            was["killed_after"].append(len(behaviour.answered))
            was["lost"] = sum(behaviour.answered.values()) - kept_answers(cache)
        if STOPPED:
            break
    was |= {"seen": behaviour.seen, "answered": behaviour.answered}
    was["seconds"] += time.perf_counter() - begun
    if STOPPED or process.returncode == -signal.SIGKILL:
        state.write_text(json.dumps(was))
        server.stop()
        return {"killed_after_answers": was["killed_after"], "answered_twice": behaviour.twice()}
    if process.returncode:
        raise SystemExit(process.returncode)
    seconds, report, answered = was["seconds"], json.loads(printed.read_text()), behaviour.twice()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    server.stop()
    print(again.stdout)
    kept = list(read_triplets(folder))
    return {
        "seconds": round(seconds, 1),
        "prompts": len(behaviour.answered),
        "killed_after_answers": was["killed_after"],
        "lost_in_flight": was["lost"],
        "answered_twice": answered,
        "repaid": answered - was["lost"],
        "asked_by_a_run_with_nothing_left": behaviour.twice() - answered,
        "most_at_once": server.most_at_once,
        "rows": report["rows"],
        "ids_doubled": len(kept) - len({row.id for row in kept}),
        "done": report["passages"]["done"],
        "cost": report["cost"],
    }


def kept_answers(cache: Path) -> int:
    """How many answers are on disk."""
    with sqlite3.connect(cache) as database:
        return int(database.execute("SELECT COUNT(*) FROM answers").fetchone()[0])


def rows(folder: Path) -> list[str]:
    """All rows of a set as sorted JSON lines."""
    return sorted(json.dumps(to_row(row), sort_keys=True) for row in read_triplets(folder))


if __name__ == "__main__":
    main()
