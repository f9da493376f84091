"""Sorts of an LLM's comparisons against published heapsort, by simulation on the rankings that ship with CSFCube.

Input order: the SPECTER run; truth: the grade, ties broken by id; each prompt's answer is flipped independently and
then stays what it is, as a model at temperature 0. Nothing of the truth reaches a sort but through the answers.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # small matrices: threads only get in the way
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from heedful.rerank.sorting import SORTERS, Active, Pair, Sorter, consistency, pooled, run_sort  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
ERRORS = (0.05, 0.15, 0.30)


@dataclass(frozen=True)
class Task:
    """One topic: the grades of its candidates and their true ranks, in first-stage order."""

    topic: str
    seed: str
    grades: np.ndarray
    true_rank: np.ndarray
    ideal: np.ndarray


def read_tasks(folder: Path, n: int, *, at_least: int = 0) -> list[Task]:
    """The first n candidates of every topic that has at least `at_least`."""
    qrels: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text().splitlines():
        topic, _, document, grade = line.split()
        qrels[topic][document] = int(grade)
    tasks = []
    for path in sorted((folder / "runs").glob("specter-*.run")):
        rows: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for line in path.read_text().splitlines():
            topic, _, document, rank, _, _ = line.split()
            rows[topic].append((int(rank), document))
        for topic, ranked in rows.items():
            if len(ranked) < at_least:
                continue
            ids = [document for _, document in sorted(ranked)][:n]
            grades = np.array([qrels[topic][document] for document in ids])
            best = sorted(range(len(ids)), key=lambda i: (grades[i], ids[i]), reverse=True)
            rank = np.empty(len(ids), int)
            rank[best] = np.arange(len(ids))
            ideal = np.sort([g for d, g in qrels[topic].items() if d != topic.split("_")[0]])[::-1]
            tasks.append(Task(topic, topic.split("_")[0], grades, rank, ideal))
    return tasks


def ndcg(order: Sequence[int], task: Task, grades: np.ndarray, k: int) -> float:
    """nDCG@k, linear gain, trec_eval's discount, ideal from all judgments of the topic."""
    discount = 1.0 / np.log2(np.arange(k) + 2)
    gains = grades[list(order[:k])]
    return float(gains @ discount[: len(gains)] / (task.ideal[:k] @ discount[: len(task.ideal[:k])]))


class Voter:
    """One answer an ordered pair: the truth, flipped at `error`; with `bias`, the first shown wins regardless."""

    def __init__(self, rank: np.ndarray, error: float, bias: float, rng: np.random.Generator):
        n = len(rank)
        flips, stubborn = rng.random((n, n)) < error, rng.random((n, n)) < bias
        self.votes = (((rank[:, None] < rank[None, :]) ^ flips) | stubborn).astype(float)

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        return [float(self.votes[pair]) for pair in pairs]


@dataclass(frozen=True)
class Trial:
    """ndcg (topics,): mean over the repetitions. prompts; rounds: concurrency -> mean. seconds: the sort's own time."""

    ndcg: np.ndarray
    prompts: float
    rounds: dict[int, float]
    seconds: float
    agreement: float | None
    first_rate: float | None
    intransitive: float | None


def trial(
    tasks: Sequence[Task], sorter: Sorter, error: float, reps: int, k: int, bias: float = 0.0, shuffle: bool = False
) -> Trial:
    values, prompts, seen, seconds = [], [], [], 0.0
    rounds: dict[int, list[int]] = {1: [], 16: [], 64: []}
    for at, task in enumerate(tasks):
        of_topic = []
        for rep in range(reps):
            rng = np.random.default_rng([at, rep, round(error * 100), round(bias * 100)])
            shown = rng.permutation(len(task.grades)) if shuffle else np.arange(len(task.grades))
            voter = Voter(task.true_rank[shown], error, bias, rng)
            batches: list[int] = []

            def ask(pairs: Sequence[Pair], voter: Voter = voter, batches: list[int] = batches) -> list[float]:
                batches.append(len(pairs))
                return voter(pairs)

            begun = time.perf_counter()
            got = run_sort(sorter(len(shown), k), ask)
            seconds += time.perf_counter() - begun
            of_topic.append(ndcg(got.order, task, task.grades[shown], k))
            prompts.append(got.prompts)
            for concurrency, counts in rounds.items():
                counts.append(sum(-(-size // concurrency) for size in batches))
            if rep == 0:
                seen.append(consistency(got.answers))
        values.append(np.mean(of_topic))
    voter_report = pooled(seen)
    return Trial(
        np.array(values),
        float(np.mean(prompts)),
        {c: float(np.mean(counts)) for c, counts in rounds.items()},
        seconds / len(prompts),
        voter_report.agreement,
        voter_report.first_rate,
        voter_report.intransitive,
    )


def interval(difference: np.ndarray, tasks: Sequence[Task], draws: int = 2000) -> tuple[float, float, float]:
    """Mean and 95 % bounds of a paired difference a topic; bootstrap over seeds (a seed brings all its topics)."""
    by_seed: dict[str, list[float]] = defaultdict(list)
    for value, task in zip(difference, tasks, strict=True):
        by_seed[task.seed].append(float(value))
    sums = np.array([[sum(v), len(v)] for v in by_seed.values()])
    picks = np.random.default_rng(0).integers(0, len(sums), (draws, len(sums)))
    total = sums[picks].sum(axis=1)
    low, high = np.percentile(total[:, 0] / total[:, 1], [2.5, 97.5])
    return float(difference.mean()), float(low), float(high)


def shown(value: float | None) -> str:
    return "    -" if value is None else f"{value:5.2f}"


def table(title: str, tasks: list[Task], sorters: dict[str, Sorter], errors: Sequence[float], reps: int, k: int,
          **kind: object) -> dict[tuple[float, str], Trial]:  # fmt: skip
    """Print one block; the first sorter is what the others are compared with."""
    print(f"\n{title}: {len(tasks)} topics x {reps}, k={k}")
    print("error  sort             nDCG@k  difference [95 %]         prompts  rounds@1     @16     @64  s/sort"
          "  agree  first  circles")  # fmt: skip
    out: dict[tuple[float, str], Trial] = {}
    for error in errors:
        for name, sorter in sorters.items():
            got = out[error, name] = trial(tasks, sorter, error, reps, k, **kind)  # type: ignore[arg-type]
            base = out[error, next(iter(sorters))]
            mean, low, high = interval(got.ndcg - base.ndcg, tasks)
            difference = "" if got is base else f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
            print(
                f"{error:5.2f}  {name:14}  {got.ndcg.mean():.4f}   {difference:26}  {got.prompts:6.0f}"
                f"  {got.rounds[1]:8.0f}  {got.rounds[16]:6.1f}  {got.rounds[64]:6.1f}  {got.seconds:6.3f}"
                f"  {shown(got.agreement)}  {shown(got.first_rate)}  {shown(got.intransitive)}",
                flush=True,
            )
    return out


def first_stage(n: int, k: int):  # type: ignore[no-untyped-def]
    """Asks nothing."""
    return list(range(n))
    yield


EVERY: dict[str, Sorter] = {
    "heapsort": SORTERS["heapsort"],
    "active": SORTERS["active"],
    "active batch=64": Active(batch=64),
    "quickselect": SORTERS["quickselect"],
    "sliding": SORTERS["sliding"],
    "allpairs": SORTERS["allpairs"],
}


def grid(tasks: list[Task]) -> None:
    """Every sort under every error rate, with both numbers of places, both input orders, with and without bias."""
    for k in (10, 20):
        for shuffle in (False, True):
            for bias in (0.0, 0.2):
                title = f"n={len(tasks[0].grades)}, {'random' if shuffle else 'first-stage'} order, bias {bias}"
                table(title, tasks, EVERY, (0.0, *ERRORS), 1, k, shuffle=shuffle, bias=bias)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, only the headline")
    parser.add_argument(
        "--grid", type=int, choices=(100, 200), help="instead: every sort, k, order and bias at this many candidates"
    )
    parser.add_argument("--every", type=int, default=1, metavar="M", help="of the grid: only every M-th topic")
    parser.add_argument("--data", type=Path, help="the folder of data sets; default ../shared/data")
    options = parser.parse_args()
    data = options.data or Path(os.environ.get("HEEDFUL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "csfcube"
    if not folder.is_dir():
        raise SystemExit(f"error: no CSFCube at {folder}; say where with --data")
    if options.grid:
        grid(read_tasks(folder, options.grid, at_least=options.grid if options.grid > 100 else 0)[:: options.every])
        return
    tasks = read_tasks(folder, 100)
    main_pair: dict[str, Sorter] = {"heapsort": SORTERS["heapsort"], "active": SORTERS["active"]}
    everyone = {**EVERY, "first stage": first_stage}
    head = table("n=100, first-stage order", tasks, main_pair, ERRORS, 1 if options.quick else 4, 20)
    if not options.quick:
        large = read_tasks(folder, 200, at_least=200)
        table("n=100, first-stage order, every sort", tasks, everyone, (0.0, *ERRORS), 1, 20)
        table("n=100, random order", tasks, main_pair, (0.0, *ERRORS), 1, 20, shuffle=True)
        table("n=100, first-stage order, 20 % of prompts won by whoever is shown first", tasks, main_pair,
              (0.0, *ERRORS), 1, 20, bias=0.2)  # fmt: skip
        table("n=100, first-stage order", tasks, main_pair, (0.0, *ERRORS), 1, 10)
        for k in (10, 20):
            table("n=200, first-stage order", large, main_pair, (0.0, *ERRORS), 2, k)
        frontier = {"heapsort": SORTERS["heapsort"]} | {
            f"{prompts} by {batch}": Active(prompts=prompts, batch=batch)
            for batch in (16, 64)
            for prompts in (100, 150, 200, 300, 400)
        }
        table("the frontier, n=100", tasks, frontier, (0.0, *ERRORS), 1, 20)
    summary = {"prompts_vs_heapsort": 0.0, "rounds_vs_heapsort": 0.0, "ndcg_delta": float("inf")}
    for error in ERRORS:
        ours, theirs = head[error, "active"], head[error, "heapsort"]
        low = interval(ours.ndcg - theirs.ndcg, tasks)[1]
        summary = {
            "prompts_vs_heapsort": max(summary["prompts_vs_heapsort"], ours.prompts / theirs.prompts),
            "rounds_vs_heapsort": max(summary["rounds_vs_heapsort"], ours.rounds[64] / theirs.rounds[64]),
            "ndcg_delta": min(summary["ndcg_delta"], low),
        }
    print(json.dumps({name: round(value, 4) for name, value in summary.items()}))


if __name__ == "__main__":
    main()
