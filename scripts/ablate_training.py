"""Which of the eleven losses, and which attention, makes a small encoder follow: the same small budget for each.

Every run starts from the same weights, takes the same number of steps over the same rows (by seed), and is measured on
a benchmark folder's dev split (all of it where there is none). A finished run is a line in OUT/runs.jsonl and is not
made again, so the script can be cut off. Table: mean over the seeds, with a 95 % interval over the benchmark's clusters
(the seeds' mean of each topic, and of each pair) and the spread between seeds. Plot: OUT/ablation.png.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from heedful.evaluate.intervals import mean_interval
from heedful.train.losses import OBJECTIVES
from heedful.train.recipe import Recipe, make_recipe

Row = dict[str, Any]


def variants(base: Recipe) -> dict[str, Recipe]:
    """The untrained model, the eleven losses with the instruction as a prefix, and attention under two of them."""
    made = {name: replace(base, loss=name) for name in OBJECTIVES}
    for attention in ("published", "residual"):
        for loss in ("uni-P", "multi-P-I-IQ"):
            made[f"{loss}, attention {attention}"] = replace(base, loss=loss, attention=attention)
    return {"untrained": replace(base, max_steps=0)} | made


def run(recipe: Recipe, examples: Sequence[Any], dev: Any) -> Row:
    """One budget spent, and what the model is worth: each topic's nDCG, each pair's p-MRR and its null's mean."""
    import torch
    from transformers import set_seed

    from heedful.systems.bench import evaluate_run
    from heedful.train.columns import GroupedBatches, make_columns
    from heedful.train.dev import ranking
    from heedful.train.model import build_model
    from heedful.train.objective import FollowingLoss

    set_seed(recipe.seed)
    started = time.monotonic()
    model = build_model(recipe, "cpu")
    columns = make_columns(
        examples,
        template=recipe.query_template,
        hard=recipe.hard if "P" in recipe.objective.views else 0,
        altered=recipe.altered if "I" in recipe.objective.views else 0,
        seed=recipe.seed,
    )
    loss = FollowingLoss(model, recipe.objective, recipe.temperature, hard=columns.hard, altered=columns.altered)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=recipe.learning_rate)
    model.train()
    losses = []
    for batch in batches(GroupedBatches(columns.groups, recipe.batch, recipe.seed), recipe.max_steps):
        features = [dict(model.preprocess([texts[at] for at in batch])) for texts in columns.texts.values()]
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
            value = loss(features, torch.tensor([columns.ids[at] for at in batch]))
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(round(value.item(), 4))
    model.eval()
    trained = time.monotonic() - started
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
        found = evaluate_run(dev.benchmark, ranking(model, dev, recipe.query_template))
    measure = next(m for m in found.topics if str(m).startswith("nDCG"))
    inside = {*next(s for s in dev.benchmark.splits if s.name == dev.split).topics}
    follows = found.splits[dev.split].following
    return {
        "measure": str(measure),
        "nDCG": {id: 100 * value for id, value in found.topics[measure].items() if id in inside},
        "p-MRR": dict(follows.per_topic) if follows else {},
        "null": dict(follows.per_topic_null) if follows else {},
        "losses": losses,
        "train_s": round(trained, 1),
        "seconds": round(time.monotonic() - started, 1),
    }


def batches(sampler: Any, steps: int) -> Iterator[list[int]]:
    """That many batches, over as many epochs as it takes."""
    done = epoch = 0
    while done < steps:
        sampler.set_epoch(epoch)
        for batch in sampler:
            if done == steps:
                return
            yield batch
            done += 1
        epoch += 1


def summary(name: str, rows: Sequence[Row], clusters: Mapping[str, str]) -> Row:
    """Means over the seeds with intervals over the clusters."""
    out: Row = {"name": name, "seeds": len(rows), "measure": rows[0]["measure"]}
    series = {
        "nDCG": [row["nDCG"] for row in rows],
        "p-MRR": [row["p-MRR"] for row in rows],
        "net": [{id: value - row["null"][id] for id, value in row["p-MRR"].items()} for row in rows],
    }
    for what, of_seeds in series.items():
        ids = list(of_seeds[0])
        if not ids:
            continue
        means = [statistics.fmean(values[id] for values in of_seeds) for id in ids]
        spread = [statistics.fmean(values.values()) for values in of_seeds]
        interval = mean_interval(means, [clusters[id] for id in ids])
        out[what] = {
            "mean": statistics.fmean(means),
            "low": None if interval is None else interval[0],
            "high": None if interval is None else interval[1],
            "between_seeds": statistics.stdev(spread) if len(spread) > 1 else 0.0,
        }
    return out


def table(rows: Sequence[Row]) -> str:
    head = f"| loss | {rows[0]['measure']} x100 | seeds' sd | p-MRR | net p-MRR | seeds' sd |"
    lines = [head, "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [row["name"], cell(row["nDCG"]), f"{row['nDCG']['between_seeds']:.2f}"]
        net = row.get("net")
        cells += [cell(row["p-MRR"], "+"), cell(net, "+"), f"{net['between_seeds']:.2f}"] if net else ["-"] * 3
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(value: Row, sign: str = "") -> str:
    if value["low"] is None:
        return f"{value['mean']:{sign}.1f}"
    return f"{value['mean']:{sign}.1f} [{value['low']:{sign}.1f}, {value['high']:{sign}.1f}]"


def plot(rows: Sequence[Row], path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, sides = plt.subplots(1, 2, figsize=(11, 0.36 * len(rows) + 1.2), sharey=True)
    for side, what, label in zip(sides, ("nDCG", "net"), (f"{rows[0]['measure']} x100", "net p-MRR"), strict=True):
        for place, row in enumerate(reversed(rows)):
            if what not in row:
                continue
            value = row[what]
            low, high = (value["mean"] if value[end] is None else value[end] for end in ("low", "high"))
            colour = "tab:grey" if row["name"] == "untrained" else "tab:orange" if "attention" in row["name"] else "C0"
            side.plot([low, high], [place, place], color=colour, linewidth=1.5)
            side.plot(value["mean"], place, "o", color=colour)
        side.axvline(rows[0][what]["mean"] if what in rows[0] else 0, color="tab:grey", linestyle=":", linewidth=1)
        side.set_xlabel(f"{label}, 95 % over clusters")
        side.grid(axis="x", alpha=0.3)
    sides[0].set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="triplets")
    parser.add_argument("out", type=Path)
    parser.add_argument("--dev", type=Path, action="append", help="a benchmark folder; the sample where none is named")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="to run now; the table has all so far")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further run after so long")
    options = parser.parse_args()

    from heedful.train.data import read_training_set
    from heedful.train.dev import read_dev_sets

    dev = read_dev_sets(options.dev or [])[0]
    told = {"model": options.model, "batch": options.batch, "max_length": options.tokens, "bf16": options.bf16}
    base = make_recipe(told | {"learning_rate": options.rate, "max_steps": options.steps, "hard": 1, "altered": 1})
    found = read_training_set(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    kept, done = options.out / "runs.jsonl", {}
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else ():
        row = json.loads(line)
        done[row["name"], row["seed"]] = row
    began = time.monotonic()
    for seed in options.seeds:  # a whole round of all before the next seed
        for name, recipe in variants(base).items():
            if (name, seed) in done or (name == "untrained" and seed) or time.monotonic() - began > options.seconds:
                continue
            row = run(replace(recipe, seed=seed), found.examples, dev) | {"name": name, "seed": seed}
            done[name, seed] = row
            with kept.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")
            net = statistics.fmean(row["p-MRR"].values()) - statistics.fmean(row["null"].values()) if row["null"] else 0
            ndcg = statistics.fmean(row["nDCG"].values())
            print(f"{name} seed {seed}: nDCG {ndcg:.1f} net {net:+.1f} {row['seconds']:.0f} s", file=sys.stderr)
    clusters = dev.benchmark.clusters() | {pair.id: pair.cluster for pair in dev.benchmark.pairs}
    rows = [
        summary(name, [row for (other, _), row in sorted(done.items()) if other == name], clusters)
        for name in variants(base)
        if any(other == name for other, _ in done)
    ]
    print(
        f"{dev.benchmark.name} ({dev.split}): {options.steps} steps of {options.batch}, {len(found.examples)} examples"
    )
    print(table(rows))
    plot(rows, options.out / "ablation.png")
    (options.out / "ablation.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
