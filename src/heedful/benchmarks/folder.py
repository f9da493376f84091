"""A benchmark folder to a benchmark."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heedful.benchmarks.benchmark import (
    POOLS,
    Benchmark,
    Pair,
    Split,
    aspect_pairs,
    fold_splits,
    one_split,
)
from heedful.benchmarks.files import find, identifier, json_file, json_lines, read_corpus, text_of
from heedful.errors import BadBenchmark, BadRecord
from heedful.evaluate.measures import CONVENTIONS
from heedful.evaluate.trec import read_qrels
from heedful.records import Document, Qrels, Topic

logger = logging.getLogger("heedful.benchmarks")

FOLDS = ("fold1_dev", "fold1_test", "fold2_test")


@dataclass(frozen=True, slots=True)
class Query:
    """One row of queries.jsonl. changed: the changed instruction; None where the folder has one instruction a query."""

    topic: Topic
    changed: str | None = None


def load_folder(folder: Path) -> Benchmark:
    """A folder of our own layout, or BEIR's: corpus.jsonl, queries.jsonl, qrels, and what is optional beside them.

    Raises BadBenchmark for a missing file or files that disagree, BadRecord and BadQrels with file:line.
    """
    settings = read_settings(folder)
    corpus = require(folder, "corpus.jsonl")
    queries = read_queries(require(folder, "queries.jsonl"))
    documents = read_corpus(corpus)
    og, changed = find(folder, "qrels_og.tsv"), find(folder, "qrels_changed.tsv")
    if (og is None) != (changed is None):
        raise BadBenchmark(f"{folder}: found only one of qrels_og.tsv and qrels_changed.tsv; expected both or neither")
    pools = read_pools(folder / "pools.json", queries) if (folder / "pools.json").is_file() else {}
    if og and changed:
        return paired(folder, settings, documents, queries, read_qrels(og), read_qrels(changed), pools)
    qrels_file = find(folder, "qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv")
    if qrels_file is None:
        raise BadBenchmark(f"{folder}: found no qrels; expected qrels.tsv, or qrels_og.tsv with qrels_changed.tsv")
    return plain(folder, settings, documents, queries, read_qrels(qrels_file), pools)


def plain(
    folder: Path,
    settings: Mapping[str, Any],
    documents: Mapping[str, Document],
    queries: Mapping[str, Query],
    qrels: Qrels,
    pools: Mapping[str, tuple[str, ...]],
) -> Benchmark:
    """A benchmark with one instruction (or none) a query; aspects of one seed are paired where the settings say so."""
    known_topics(folder, queries, qrels)
    topics = {id: query.topic for id, query in queries.items() if qrels.topics.get(id)}
    missing_documents(folder, documents, topics, qrels)
    pairs = aspect_pairs(topics) if settings["aspect_pairs"] else ()
    splits = _folds(folder / "splits.json", topics, pairs) or (one_split(topics, pairs),)
    return Benchmark(
        settings["name"],
        folder,
        documents,
        topics,
        Qrels({id: qrels.topics[id] for id in topics}),
        splits,
        settings["convention"],
        settings["pool"] or ("file" if pools else "corpus"),
        settings["relevant_from"],
        pairs,
        {},
        pools,
        len(queries) - len(topics),
    )


def paired(
    folder: Path,
    settings: Mapping[str, Any],
    documents: Mapping[str, Document],
    queries: Mapping[str, Query],
    og: Qrels,
    changed: Qrels,
    pools: Mapping[str, tuple[str, ...]],
) -> Benchmark:
    """A benchmark of og and changed instructions: each query becomes the topics `<id>-og` and `<id>-changed`."""
    if og.topics.keys() != changed.topics.keys():
        only = sorted(og.topics.keys() ^ changed.topics.keys())
        raise BadBenchmark(
            f"{folder}: og and changed qrels are no pair: {len(only)} topics are in one of them only "
            f"({', '.join(only[:5])}); expected the same topics in both"
        )
    known_topics(folder, queries, og)
    topics: dict[str, Topic] = {}
    grades: dict[str, Mapping[str, int]] = {}
    sides: dict[str, str] = {}
    pairs = []
    for id, query in queries.items():
        if id not in og.topics:
            continue
        if query.changed is None:
            raise BadBenchmark(f"{folder}: query {id!r} has no instruction_changed, and the qrels pair it")
        t = query.topic
        for side, instruction, qrels in (("og", t.instruction, og), ("changed", query.changed, changed)):
            key = f"{id}-{side}"
            topics[key] = Topic(key, t.seeds, t.text, instruction, t.aspect)
            grades[key], sides[key] = qrels.topics[id], side
        cluster = t.seeds[0] if t.seeds else id
        pairs.append(Pair(id, f"{id}-og", f"{id}-changed", cluster))
    missing_documents(folder, documents, topics, Qrels(grades))
    return Benchmark(
        settings["name"],
        folder,
        documents,
        topics,
        Qrels(grades),
        (one_split(topics, tuple(pairs)),),
        settings["convention"],
        settings["pool"] or ("file" if pools else "corpus"),
        settings["relevant_from"],
        tuple(pairs),
        sides,
        {f"{id}-{side}": pool for id, pool in pools.items() for side in ("og", "changed")},
        len(queries) - len(pairs),
    )


def require(folder: Path, name: str) -> Path:
    """The folder's file of that name, plain or gzipped. Raises BadBenchmark."""
    path = find(folder, name)
    if path is None:
        raise BadBenchmark(f"{folder}: found no {name} (or {name}.gz); expected a benchmark folder")
    return path


def read_settings(folder: Path) -> dict[str, Any]:
    """`benchmark.json` with its defaults. Raises BadBenchmark for an unknown key or a value out of range."""
    settings: dict[str, Any] = {
        "name": folder.resolve().name,
        "convention": "trec",
        "pool": None,
        "relevant_from": 1,
        "aspect_pairs": False,
    }
    path = folder / "benchmark.json"
    if not path.is_file():
        return settings
    given = json_file(path)
    if not isinstance(given, dict):
        raise BadBenchmark(f"{path}: found a JSON {type(given).__name__}; expected an object")
    unknown = sorted(given.keys() - settings.keys())
    if unknown:
        raise BadBenchmark(f"{path}: found the key {unknown[0]!r}; expected only {', '.join(settings)}")
    settings.update(given)
    for key, allowed in (("convention", CONVENTIONS), ("pool", (*POOLS, None))):
        if settings[key] not in allowed:
            raise BadBenchmark(f"{path}: found {key} {settings[key]!r}; expected one of {allowed}")
    for key, kind in (("name", str), ("relevant_from", int), ("aspect_pairs", bool)):
        if not isinstance(settings[key], kind):
            raise BadBenchmark(f"{path}: found {key} {settings[key]!r}; expected {kind.__name__}")
    return settings


def read_queries(path: Path) -> dict[str, Query]:
    """Id -> query of a queries.jsonl. Raises BadRecord with file:line."""
    queries: dict[str, Query] = {}
    for number, row in json_lines(path):
        id = identifier(path, number, row, "_id", "id", "query-id")
        if id in queries:
            raise BadRecord(path, number, f"the _id {id!r} a second time", "ids that occur once")
        found = row.get("seed", row.get("seeds"))
        seeds = [] if found is None else list(found) if isinstance(found, list) else [found]
        text = text_of(path, number, row, "text", "query")
        if not seeds and not text.strip():
            raise BadRecord(path, number, "neither seed nor text", "a query with one of them")
        changed = row.get("instruction_changed")
        instruction = text_of(path, number, row, "instruction_og" if changed is not None else "instruction")
        aspect = text_of(path, number, row, "aspect")
        topic = Topic(id, tuple(str(seed) for seed in seeds), text, instruction, aspect)
        queries[id] = Query(topic, None if changed is None else text_of(path, number, row, "instruction_changed"))
    if not queries:
        raise BadRecord(path, 1, "an empty file", "one JSON object a line")
    return queries


def read_pools(path: Path, queries: Mapping[str, Query]) -> dict[str, tuple[str, ...]]:
    """Query id -> candidates. pools.json is keyed by query or by seed; a pool is a list, or {"cands": [...]}."""
    given = json_file(path)
    if not isinstance(given, dict):
        raise BadBenchmark(f"{path}: found a JSON {type(given).__name__}; expected an object of pools")
    pools: dict[str, tuple[str, ...]] = {}
    for id, query in queries.items():
        key = id if id in given else next((seed for seed in query.topic.seeds if seed in given), None)
        if key is None:
            continue
        rows = given[key]["cands"] if isinstance(given[key], dict) else given[key]
        pools[id] = tuple(dict.fromkeys(str(row["_id"]) if isinstance(row, dict) else str(row) for row in rows))
    return pools


def known_topics(folder: Path, queries: Mapping[str, Query], qrels: Qrels) -> None:
    """Raises BadBenchmark where the qrels judge a topic that queries.jsonl lacks."""
    strange = sorted(qrels.topics.keys() - queries.keys())
    if strange:
        raise BadBenchmark(
            f"{folder}: the qrels judge {len(strange)} topics that queries.jsonl lacks ({', '.join(strange[:5])}); "
            "expected every judged topic among the queries"
        )


def missing_documents(
    folder: Path, documents: Mapping[str, Document], topics: Mapping[str, Topic], qrels: Qrels
) -> None:
    """Raises BadBenchmark for a seed that the corpus lacks; warns of judged documents that it lacks."""
    for topic in topics.values():
        for seed in topic.seeds:
            if seed not in documents:
                raise BadBenchmark(f"{folder}: topic {topic.id!r} starts from {seed!r}, which the corpus lacks")
    lost = {id for grades in qrels.topics.values() for id in grades if id not in documents}
    if lost:
        logger.warning("%s: %d judged documents have no text in the corpus; nobody can rank them", folder, len(lost))


def _folds(path: Path, topics: Mapping[str, Topic], pairs: tuple[Pair, ...]) -> tuple[Split, ...]:
    if not path.is_file():
        return ()
    given = json_file(path)
    try:
        folds = {group: {name: tuple(map(str, given[group][name])) for name in FOLDS} for group in given}
        named = {id for names in folds.values() for fold in names.values() for id in fold}
        if "all" not in folds:
            raise KeyError("all")
    except (KeyError, TypeError, AttributeError) as error:
        raise BadBenchmark(f"{path}: lacks {error}; expected group -> {', '.join(FOLDS)} -> topic ids") from error
    strange = sorted(named - topics.keys())
    if strange:
        raise BadBenchmark(f"{path}: names the topic {strange[0]!r}, which has no query or no judgment")
    return fold_splits(folds, pairs)
