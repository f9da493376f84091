"""Make silver aspect queries: a benchmark folder whose truth is the likeness of machine-made aspect summaries.

    python scripts/make_silver.py --data DATA --out silver

Held-back papers of `arxiv-aspects` (they never train, see train_default.py) are seeds and candidates. For an aspect the
truth is the likeness of the two papers' summaries of that aspect, which no system sees: the mean of the z-scored cosine
of their vectors and of their words (tf-idf). Of a seed's 100 candidates (its nearest as a whole, and by each summary)
the best 5 get grade 3, the next 10 grade 2, the next 15 grade 1. For choosing between our own models only: the
summaries are a machine's, their licence is unstated, and the truth leans on the same encoder.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from pathlib import Path

import numpy as np
from scipy import sparse
from train_default import held_back

from heedful.encode import load_encoder
from heedful.explore.scoring import standardized
from heedful.index.terms import stems

ASPECTS = ("background", "method", "result")
GRADES = np.repeat([3, 2, 1], [5, 10, 15])


def read(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row for line in lines if held_back((row := json.loads(line))["_id"])]


def word_rows(texts: list[str]) -> sparse.csr_matrix:
    """Unit tf-idf rows."""
    vocabulary: dict[str, int] = {}
    rows, columns = [], []
    for row, text in enumerate(texts):
        for stem in set(stems(text)):
            rows.append(row)
            columns.append(vocabulary.setdefault(stem, len(vocabulary)))
    counts = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(texts), len(vocabulary)))
    idf = np.log(len(texts) / np.asarray(counts.sum(axis=0)).ravel())
    weighted = counts @ sparse.diags(idf.astype(np.float32))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(lengths, 1e-9)) @ weighted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--depth", type=int, default=100)
    arguments = parser.parse_args()

    summaries = {row["_id"]: row for row in read(arguments.data / "arxiv-aspects" / "aspects.jsonl.gz")}
    papers = [row for row in read(arguments.data / "arxiv-cs" / "corpus.jsonl.gz") if row["_id"] in summaries]
    ids = [row["_id"] for row in papers]
    encoder = load_encoder("minilm", labels="data")
    whole = encoder.encode_queries([f"{row['title']} {row['abstract']}" for row in papers])
    texts = {aspect: [summaries[id][aspect] for id in ids] for aspect in ASPECTS}
    dense = {aspect: encoder.encode_queries(texts[aspect]) for aspect in ASPECTS}
    words = {aspect: word_rows(texts[aspect]) for aspect in ASPECTS}

    seeds = random.Random(7).sample(range(len(ids)), arguments.seeds)
    queries, qrels = [], []
    for seed in seeds:
        likeness = {a: dense[a] @ dense[a][seed] for a in ASPECTS}
        spoken = {a: np.asarray((words[a] @ words[a][seed].T).todense()).ravel() for a in ASPECTS}
        lists = [np.argsort(-scores) for scores in (whole @ whole[seed], *likeness.values())]
        pool = [n for n in dict.fromkeys(np.stack(lists, axis=1).ravel().tolist()) if n != seed][: arguments.depth]
        for aspect in ASPECTS:
            truth = standardized(likeness[aspect][pool]) + standardized(spoken[aspect][pool])
            grades = np.zeros(len(pool), int)
            grades[np.argsort(-truth)[: len(GRADES)]] = GRADES
            query = f"{ids[seed]}_{aspect}"
            instruction = f"Find papers whose {aspect} is similar to this paper's."
            queries.append({"_id": query, "seed": ids[seed], "aspect": aspect, "instruction": instruction})
            qrels += [f"{query}\t0\t{ids[n]}\t{grade}" for n, grade in zip(pool, grades.tolist(), strict=True)]

    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = {
        "corpus.jsonl": [{k: row[k] for k in ("_id", "title", "abstract")} for row in papers],
        "queries.jsonl": queries,
    }
    for name, rows in lines.items():
        (arguments.out / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (arguments.out / "qrels.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    card = {"name": "silver", "convention": "csfcube", "pool": "judged", "relevant_from": 2, "aspect_pairs": True}
    (arguments.out / "benchmark.json").write_text(json.dumps(card), encoding="utf-8")
    print(f"{len(papers)} papers, {len(queries)} queries, {len(qrels)} grades")


if __name__ == "__main__":
    main()
