"""Size against speed and memory: build, disk, recall, `explore`, cold open, at 100,000 and 1,000,000 documents.

The rows are made from a real index. Copy c of a document keeps its title, label probabilities and aspects; it has three
of its sentences (or all, where there are fewer), drawn anew for each copy, and every vector is the real one plus normal
noise of 0.75 its length, made unit again (cosine 0.8 to the real one: about as near as a real document's nearest real
neighbour). `year` is real; `part` is 0 to 9 at random, so `part = 3` keeps a tenth. Above 1,000,000 documents the
sentences stay in the text and have no vectors, labels or words of their own, so that a disk holds them.

Each step runs in a process of its own, for its peak memory: `write` is what a worker does without the encoder (rows to
fragments, shard by shard; its peak holds the real index that rows are made of, so only what it adds to that is shown),
`finish` what the driver does (commit, approximate indexes with measured recall, derived files; its peak is what is
called the build's), `open` opens the index anew and explores once, `use` explores. The last line is one JSON object;
its keys hold for the largest and the smallest size, whatever they are.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from heedful.corpus import read_documents
from heedful.encode import load_encoder
from heedful.explore import Explorer
from heedful.index import Index, build_index
from heedful.index import manifest as files
from heedful.index.ann import build_ann
from heedful.index.build import EXACT_LIMIT
from heedful.index.derived import build_derived
from heedful.index.manifest import Column, Manifest, read_manifest
from heedful.index.rows import matrix, schema, vector_column
from heedful.index.store import TABLE, Store, bytes_below

SENTENCES, NOISE, SHARD, K = 3, 0.75, 8192, 200
WITH_SENTENCES = 1_000_000  # documents up to which sentence vectors are kept
INSTRUCTIONS = ("", "similar method, not the same topic", "same problem, another approach", "alike in their findings")
FILTER = "part = 3"
COLUMNS = {"year": "int", "part": "int"}
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "arxiv-cs" / "corpus.jsonl.gz"


class Source:
    """A real index in memory: what copies are made of. sentences: whether copies keep theirs apart from the text."""

    def __init__(self, folder: Path, sentences: bool = True):
        self.keep = sentences
        manifest = read_manifest(folder)
        self.aspects = list(manifest.encoder["aspects"])
        self.dim = manifest.encoder["dim"]
        year = ["year"] if "year" in manifest.columns else []
        vectors = {name: [] for name in ("whole", *self.aspects)}
        self.titles: list[str] = []
        self.years: list[int | None] = []
        sentences, lengths = [], []
        self.texts: list[str] = []
        self.labels: list[str] = []
        probabilities = []
        columns = ["title", *year, *(vector_column(name) for name in vectors), "sentence_vectors", "sentence_texts"]
        for rows in Store.open(folder, manifest.version).scan([*columns, "sentence_labels", "sentence_probabilities"]):
            self.titles += rows.column("title").to_pylist()
            self.years += rows.column("year").to_pylist() if year else [2000] * rows.num_rows
            for name, parts in vectors.items():
                parts.append(matrix(rows.column(vector_column(name)), self.dim)[0])
            flat = rows.column("sentence_vectors").flatten()
            sentences.append(matrix(flat, self.dim)[0])
            lengths.append(np.asarray(rows.column("sentence_vectors").value_lengths()))
            self.texts += rows.column("sentence_texts").flatten().to_pylist()
            self.labels += rows.column("sentence_labels").flatten().to_pylist()
            probabilities.append(np.asarray(rows.column("sentence_probabilities").flatten()))
        self.vectors = {name: np.concatenate(parts) for name, parts in vectors.items()}
        self.sentences = np.concatenate(sentences)
        self.offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        self.probabilities = np.concatenate(probabilities).reshape(-1, len(self.aspects))
        self.schema = schema(self.dim, self.aspects, COLUMNS)

    def rows(self, start: int, stop: int) -> pa.Table:
        """Rows start:stop of the enlarged collection, always the same."""
        rng = np.random.default_rng(start)
        numbers = np.arange(start, stop)
        picks = numbers % len(self.titles)
        noise = rng.standard_normal((stop - start + 4096, self.dim), dtype=np.float32) * np.float32(
            NOISE / self.dim**0.5
        )
        chosen: list[int] = []
        counts = np.zeros(len(picks), np.int32)
        for row, pick in enumerate(picks):
            first, last = int(self.offsets[pick]), int(self.offsets[pick + 1])
            some = range(first, last)
            if last - first > SENTENCES:
                some = sorted(rng.choice(last - first, SENTENCES, replace=False) + first)
            counts[row] = len(some)
            chosen.extend(int(at) for at in some)
        texts = [self.texts[at] for at in chosen]
        joined, at = [], 0
        for count in counts.tolist():
            joined.append(" ".join(texts[at : at + count]))
            at += count
        if not self.keep:
            texts, chosen, counts = [], [], np.zeros_like(counts)
        ends = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
        arrays: dict[str, pa.Array] = {
            "id": pa.array([f"r{number:08}" for number in numbers]),
            "title": pa.array([self.titles[pick] for pick in picks]),
            "text": pa.array(joined),
            "row_digest": pa.array([rng.bytes(16) for _ in numbers], pa.binary(16)),
            "sentence_vectors": pa.ListArray.from_arrays(
                ends, self._noisy(self.sentences[np.array(chosen, int)], noise, rng)
            ),
            "sentence_texts": pa.ListArray.from_arrays(ends, pa.array(texts, pa.string())),
            "sentence_labels": pa.ListArray.from_arrays(
                ends, pa.array([self.labels[at] for at in chosen], pa.string())
            ),
            "sentence_starts": pa.ListArray.from_arrays(ends, pa.array([-1] * len(chosen), pa.int32())),
            "sentence_ends": pa.ListArray.from_arrays(ends, pa.array([-1] * len(chosen), pa.int32())),
            "sentence_probabilities": pa.ListArray.from_arrays(
                pa.array(np.asarray(ends) * len(self.aspects), pa.int32()),
                pa.array(self.probabilities[np.array(chosen, int)].ravel(), pa.float32()),
            ),
            "year": pa.array([self.years[pick] for pick in picks], pa.int64()),
            "part": pa.array(rng.integers(0, 10, len(picks)), pa.int64()),
        }
        for name, real in self.vectors.items():
            arrays[vector_column(name)] = self._noisy(real[picks], noise, rng)
        return pa.table([arrays[name] for name in self.schema.names], schema=self.schema)

    def _noisy(self, real: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> pa.FixedSizeListArray:
        """Real vectors moved by noise, unit; null where the real one is zeros."""
        values = real.astype(np.float32)
        absent = ~values.any(axis=1)
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        values /= np.where(lengths == 0, 1, lengths)
        values += noise[rng.integers(0, len(noise), len(values))] * rng.choice([-1, 1], (len(values), 1))
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        mask = pa.array(absent) if absent.any() else None
        return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float16).ravel()), self.dim, mask=mask)


def write(folder: Path, count: int, source: Path) -> dict[str, Any]:
    """Rows to fragments; what the driver needs goes into `fragments.jsonl`."""
    os.environ.setdefault("LANCE_LOG", "error")
    from lance.fragment import write_fragments

    real = Source(source, sentences=count <= WITH_SENTENCES)
    base = peak_mb()
    began = time.perf_counter()
    counts = dict.fromkeys(["rows", "sentences", *real.aspects], 0)
    told = folder / "counts.json"
    if told.exists():  # of a run that was cut off
        counts = json.loads(told.read_text())
    lines = folder / "fragments.jsonl"
    done = lines.read_text().splitlines(keepends=True)[: -(-counts["rows"] // SHARD)] if lines.exists() else []
    with lines.open("w") as out:
        out.writelines(done)
        for start in range(counts["rows"], count, SHARD):
            rows = real.rows(start, min(start + SHARD, count))
            for fragment in write_fragments(rows, f"{folder}/{TABLE}.lance", schema=real.schema, mode="overwrite"):
                out.write(json.dumps(fragment.to_json()) + "\n")
            out.flush()
            counts["rows"] += rows.num_rows
            counts["sentences"] += len(rows.column("sentence_texts").combine_chunks().flatten())
            for name in real.aspects:
                counts[name] += rows.num_rows - rows.column(vector_column(name)).null_count
            told.write_text(json.dumps(counts))
            note(f"{counts['rows']:,} rows written")
    return {"write_s": time.perf_counter() - began, "write_growth_mb": peak_mb() - base}


def finish(folder: Path, count: int, source: Path) -> dict[str, Any]:
    """Commit, index, derive, write the manifest."""
    import lance

    real = read_manifest(source)
    counts = json.loads((folder / "counts.json").read_text())
    aspects, dim = list(real.encoder["aspects"]), real.encoder["dim"]
    fragments = [lance.FragmentMetadata.from_json(line) for line in (folder / "fragments.jsonl").open()]
    base, began = peak_mb(), time.perf_counter()
    lance.LanceDataset.commit(
        f"{folder}/{TABLE}.lance", lance.LanceOperation.Overwrite(schema(dim, aspects, COLUMNS), fragments)
    )
    store, search = Store.open(folder), {}
    indexed = time.perf_counter()
    if count > EXACT_LIMIT:
        search = build_ann(store, dim, counts["rows"], {name: counts[name] for name in aspects})
    derived = time.perf_counter()
    made = Manifest(
        version=store.version,
        documents=counts["rows"],
        sentences=counts["sentences"],
        aspects={name: counts[name] for name in aspects},
        encoder=real.encoder,
        corpus=f"{count:032x}",
        columns={name: Column(name, type) for name, type in COLUMNS.items()},
        ann=bool(search),
        search=search,
        recipe=real.recipe,
    )
    note("deriving")
    build_derived(folder, made, store)
    files.write_manifest(folder, made)
    ended = time.perf_counter()
    return {
        "finish_s": ended - began,
        "ann_s": derived - indexed,
        "derive_s": ended - derived,
        "finish_peak_mb": peak_mb(),
        "finish_base_mb": base,
        "search": search,
        "table_mb": bytes_below(folder / f"{TABLE}.lance") / 1e6,
        "derived_mb": bytes_below(folder / files.CACHE) / 1e6,
    }


def open_anew(folder: Path, count: int, source: Path) -> dict[str, Any]:
    """A new process until its first answer; the files are in the system's cache where memory does for them."""
    began = time.perf_counter()
    explorer = Explorer(Index.open(folder))
    opened = time.perf_counter() - began
    explorer.explore(f"r{count // 2:08}", INSTRUCTIONS[1])
    return {"open_s": opened, "first_answer_s": time.perf_counter() - began}


def use(folder: Path, count: int, source: Path, rounds: int) -> dict[str, Any]:
    """Latency of `explore`, and recall of the first stage's search against all vectors."""
    os.sync()  # what the build left to be written would take the disk and memory of what is measured here
    explorer = Explorer(Index.open(folder))
    index = explorer.index
    rng = np.random.default_rng(3)
    seeds = [f"r{number:08}" for number in rng.choice(count, rounds, replace=False)]
    for instruction in INSTRUCTIONS:
        for where in (None, FILTER):
            explorer.explore(seeds[0], instruction, where=where)
    found: dict[str, Any] = {}
    for name, where in (("", None), ("_filtered", FILTER)):
        times = [
            timed(lambda seed=seed, i=instruction, w=where: explorer.explore(seed, i, where=w))
            for seed in seeds[1:]
            for instruction in INSTRUCTIONS
        ]
        found[f"p50{name}_ms"] = statistics.median(times) * 1e3
        found[f"p95{name}_ms"] = float(np.percentile(times, 95)) * 1e3
        note(f"explore{name}: {found[f'p50{name}_ms']:.0f} ms")
    found["use_peak_mb"] = peak_mb()
    for column in ("whole", *index.aspects):
        for name, where in (("", None), ("_filtered", FILTER)):
            found[f"recall_{column}{name}"] = recall(index, folder, column, seeds, where)
    return found


def recall(index: Index, folder: Path, column: str, seeds: list[str], where: str | None) -> float:
    """The share of the K true neighbours (by vectors, all read) that the index finds, seeds themselves left out."""
    block = index.vectors(seeds)
    queries = block.whole if column == "whole" else block.aspects[column]
    name = vector_column(column)
    best = [np.zeros(0, np.float32) for _ in seeds]
    ids: list[list[str]] = [[] for _ in seeds]
    for rows in Store.open(folder, index.manifest.version).scan(["id", name], where=where, batch=SHARD):
        values, present = matrix(rows.column(name), queries.shape[1])
        values = values.astype(np.float32)
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
        scores = queries @ values.T
        scores[:, ~present] = -2
        names = np.asarray(rows.column("id"))
        for at in range(len(seeds)):
            keep = np.argsort(-scores[at])[: K + 1]
            joined = np.concatenate([best[at], scores[at][keep]])
            order = np.argsort(-joined)[: K + 1]
            known = ids[at] + names[keep].tolist()
            best[at], ids[at] = joined[order], [known[n] for n in order]
    shares = []
    for at, seed in enumerate(seeds):
        if not queries[at].any():
            continue
        true = [id for id in ids[at] if id != seed][:K]
        answered = {hit.id for hit in index.search(queries[at], K + 1, column=column, where=where)}
        shares.append(len(answered.intersection(true)) / len(true))
    return float(np.mean(shares))


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def real_index(scratch: Path, documents: int) -> Path:
    """An index of real abstracts, encoded now."""
    import itertools

    build_index(itertools.islice(read_documents([SHARED]), documents), scratch / "real", load_encoder())
    return scratch / "real"


def steps(folder: Path, count: int, source: Path, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {"documents": count}
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("write", "finish", "open", "use"):
        if (folder / f"{part}.json").exists():  # of a run that was cut off
            found |= json.loads((folder / f"{part}.json").read_text())
            continue
        note(f"{count:,} documents: {part}")
        command = [sys.executable, __file__, "--part", part, "--folder", str(folder), "--sizes", str(count)]
        command += ["--index", str(source), "--rounds", str(rounds)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        (folder / f"{part}.json").write_bytes(printed)
        found |= json.loads(printed)
    found["build_peak_mb"] = found["finish_peak_mb"]
    found["recall"] = min(
        value for name, value in found.items() if name.startswith("recall_") and "filtered" not in name
    )
    found["recall_filtered"] = min(
        value for name, value in found.items() if name.endswith("_filtered") and "recall" in name
    )
    return found


def lines(results: list[dict[str, Any]]) -> Iterator[str]:
    names = [name for name in results[0] if name not in ("search",)]
    for name in names:
        cells = (f"{r[name]:14,.3f}" if isinstance(r[name], float) else f"{r[name]:14,}" for r in results)
        yield f"{name:28}" + "".join(cells)
    for name in ("p50_ms", "p95_ms", "build_peak_mb", "use_peak_mb"):
        most = max(r[name] for r in results)
        yield ""
        for r in results:
            yield f"{name:14} {r['documents']:>10,} {'#' * max(1, round(40 * r[name] / most))} {r[name]:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 and 20,000 documents, of 1,000 encoded abstracts")
    parser.add_argument("--sizes", type=int, nargs="+", default=None, help="100000 1000000")
    parser.add_argument("--index", type=Path, help="a real index to make rows of; else abstracts are encoded first")
    parser.add_argument("--folder", type=Path, help="keep everything here; a run that was cut off goes on")
    parser.add_argument("--rounds", type=int, default=0, help="seeds; each under four instructions")
    parser.add_argument("--part", choices=["write", "finish", "open", "use"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = given.sizes or ([2_000, 20_000] if given.quick else [100_000, 1_000_000])
    rounds = given.rounds or (10 if given.quick else 40)
    if given.part:
        call = {"write": write, "finish": finish, "open": open_anew, "use": lambda *a: use(*a, rounds)}[given.part]
        print(json.dumps(call(given.folder, sizes[0], given.index)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        root = given.folder or Path(scratch)
        source = given.index or real_index(root, 1_000 if given.quick else 20_000)
        results = [steps(root / str(size), size, source, rounds) for size in sizes]
    print("\n".join(lines(results)))
    small, large = results[0], results[-1]
    print(
        json.dumps(
            {
                "recall_1m": round(large["recall"], 4),
                "p50_1m_vs_100k": round(large["p50_ms"] / small["p50_ms"], 3),
                "rss_build_1m_vs_100k": round(large["build_peak_mb"] / small["build_peak_mb"], 3),
                "sizes": sizes,
            }
        )
    )


if __name__ == "__main__":
    main()
