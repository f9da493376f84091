"""The layouts that other benchmarks are published in: FollowIR (two), InfoSearch, InstructIR, MAIR, BRIGHT.

BEIR's is our own folder's and is read there. A layout is told by its tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from heedful.benchmarks.benchmark import Benchmark, Pair, one_split
from heedful.benchmarks.folder import missing_documents
from heedful.benchmarks.sources import FolderSource, Row, Source, field, grade
from heedful.errors import BadBenchmark
from heedful.records import Document, Qrels, Topic

Grades = dict[str, dict[str, int]]


def layout_of(source: Source) -> Callable[[Source], Benchmark] | None:
    """What reads the source, None where its tables are no layout known here."""
    if source.has("qrel_diff"):
        return load_followir_mteb
    if source.has("qrels_reversed"):
        return load_infosearch
    if source.has("qrels_og") and source.has("qrels_changed") and source.has("corpus"):
        return load_followir
    if source.has("instruction") and source.has("corpus"):
        return load_instructed
    if source.has("examples") and (source.has("documents") or source.has("long_documents")):
        return load_bright
    if source.has("docs") and source.has("queries"):
        return load_mair
    return None


def load_followir(source: Source) -> Benchmark:
    """FollowIR as its authors published it: one query with both instructions, two qrels, the documents to re-rank."""
    qrels = {side: _qrels(source, f"qrels_{side}") for side in ("og", "changed")}
    queries = {}
    for where, row in source.rows("queries"):
        id = field(where, row, "_id", "id", "query-id")
        instructions = {side: str(row.get(f"instruction_{side}") or "") for side in ("og", "changed")}
        queries[id] = (field(where, row, "text", "query"), instructions)
    return _sided(source, queries, qrels, _top_ranked(source))


def load_followir_mteb(source: Source) -> Benchmark:
    """FollowIR as mteb has it: a query an instruction (`<id>-og`, `<id>-changed`), and the documents that changed.

    The changed qrels are the `-changed` judgments where the table has them, else the og ones without `qrel_diff`.
    """
    texts = {field(w, r, "_id", "id"): field(w, r, "text", "query") for w, r in source.rows("queries")}
    said = {
        field(w, r, "query-id", "_id", "id"): str(r.get("instruction") or "") for w, r in source.rows("instruction")
    }
    judged = _qrels(source, _first(source, "default", "qrels", "data"))
    differ = {
        field(w, r, "query-id", "_id", "qid"): [str(id) for id in _list(w, r, "corpus-ids", "corpus_ids")]
        for w, r in source.rows("qrel_diff")
    }
    sides: dict[str, Grades] = {"og": {}, "changed": {}}
    queries: dict[str, tuple[str, dict[str, str]]] = {}
    for base, ids in differ.items():
        keys = {side: f"{base}-{side}" for side in sides}
        for side, key in keys.items():
            if key not in texts:
                raise BadBenchmark(f"{source!r}: qrel_diff names {base!r}, and there is no query {key!r}")
            sides[side][base] = dict(judged.get(key, {}))
        for id in ids:
            sides["changed"][base][id] = 0
        queries[base] = (texts[keys["og"]], {side: said.get(key, "") for side, key in keys.items()})
    pools = _top_ranked(source)
    both = {base: pools.get(f"{base}-og", pools.get(base, ())) for base in queries}
    return _sided(source, queries, sides, {base: pool for base, pool in both.items() if pool})


def load_infosearch(source: Source) -> Benchmark:
    """InfoSearch: no instruction (og), one (changed), its reverse (reversed), each with its qrels, whole corpus."""
    sides = ("og", "changed", "reversed")
    queries = {}
    for where, row in source.rows("queries"):
        said = {
            side: str(row.get(f"only_instruction_{side}") or row.get(f"instruction_{side}") or "") for side in sides
        }
        said["og"] = str(row.get("only_instruction_og") or "")
        queries[field(where, row, "_id", "id")] = (field(where, row, "text", "query"), said)
    return _sided(source, queries, {side: _qrels(source, f"qrels_{side}") for side in sides}, {})


def load_instructed(source: Source) -> Benchmark:
    """InstructIR as mteb has it (and others of that form): queries, an instruction a query, qrels."""
    said = {
        field(w, r, "query-id", "_id", "id"): str(r.get("instruction") or "") for w, r in source.rows("instruction")
    }
    judged = _qrels(source, _first(source, "default", "qrels", "data"))
    texts = {field(w, r, "_id", "id"): field(w, r, "text", "query") for w, r in source.rows("queries")}
    topics = {id: Topic(id, (), text, said.get(id, "")) for id, text in texts.items() if judged.get(id)}
    return _plain(source, _corpus(source, "corpus"), topics, judged, _top_ranked(source), len(texts) - len(topics))


def load_mair(source: Source) -> Benchmark:
    """One task of MAIR: docs of (id, doc), queries of (qid, instruction, query, labels)."""
    topics: dict[str, Topic] = {}
    judged: Grades = {}
    for where, row in source.rows("queries"):
        id = field(where, row, "qid", "_id", "id")
        topics[id] = Topic(id, (), field(where, row, "query", "text"), str(row.get("instruction") or ""))
        judged[id] = {field(where, label, "id"): grade(where, label) for label in _list(where, row, "labels")}
    kept = {id: topic for id, topic in topics.items() if judged[id]}
    return _plain(source, _corpus(source, "docs"), kept, judged, {}, len(topics) - len(kept))


def load_bright(source: Source) -> Benchmark:
    """One task of BRIGHT: documents of (id, content), examples of (id, query, gold_ids, excluded_ids)."""
    table = "documents" if source.has("documents") else "long_documents"
    documents = _corpus(source, table)
    topics: dict[str, Topic] = {}
    judged: Grades = {}
    pools: dict[str, tuple[str, ...]] = {}
    for where, row in source.rows("examples"):
        id = field(where, row, "id", "_id")
        gold = "gold_ids_long" if table == "long_documents" else "gold_ids"
        topics[id] = Topic(id, (), field(where, row, "query", "text"))
        judged[id] = {str(document): 1 for document in _list(where, row, gold)}
        out = {str(document) for document in row.get("excluded_ids") or ()} - {"N/A"}
        if out:
            pools[id] = tuple(document for document in documents if document not in out)
    if pools:
        pools |= {id: tuple(documents) for id in topics if id not in pools}
    return _plain(source, documents, topics, judged, pools, 0)


def _sided(
    source: Source,
    queries: Mapping[str, tuple[str, Mapping[str, str]]],
    qrels: Mapping[str, Grades],
    pools: Mapping[str, tuple[str, ...]],
) -> Benchmark:
    """A benchmark of several instructions a query; the topics are `<id>-<side>`."""
    judged = set(qrels["og"])
    for side, found in qrels.items():
        if found.keys() != judged:
            only = sorted(found.keys() ^ judged)
            raise BadBenchmark(
                f"{source!r}: og and {side} qrels are no pair: {len(only)} topics are in one of them only ({only[0]})"
            )
    if not judged <= queries.keys():
        raise BadBenchmark(f"{source!r}: the qrels judge {sorted(judged - queries.keys())[0]!r}, which is no query")
    documents = _corpus(source, "corpus")
    topics, grades, sides = {}, {}, {}
    for id in (id for id in queries if id in judged):
        text, said = queries[id]
        for side in qrels:
            key = f"{id}-{side}"
            topics[key], grades[key], sides[key] = Topic(key, (), text, said[side]), qrels[side][id], side
    pairs = tuple(Pair(id, f"{id}-og", f"{id}-changed", id) for id in queries if id in judged)
    missing_documents(Path(source.name), documents, topics, Qrels(grades))
    return Benchmark(
        source.name,
        _folder(source),
        documents,
        topics,
        Qrels(grades),
        (one_split(topics, pairs),),
        pool="file" if pools else "corpus",
        pairs=pairs,
        sides=sides,
        pools={f"{id}-{side}": pool for id, pool in pools.items() for side in qrels if f"{id}-{side}" in topics},
        without_judgments=len(queries) - len(pairs),
    )


def _plain(
    source: Source,
    documents: Mapping[str, Document],
    topics: Mapping[str, Topic],
    judged: Grades,
    pools: Mapping[str, tuple[str, ...]],
    without: int,
) -> Benchmark:
    qrels = Qrels({id: judged[id] for id in topics})
    if not topics:
        raise BadBenchmark(f"{source!r}: found no query with judgments")
    missing_documents(Path(source.name), documents, topics, qrels)
    return Benchmark(
        source.name,
        _folder(source),
        documents,
        topics,
        qrels,
        (one_split(topics, ()),),
        pool="file" if pools else "corpus",
        pools={id: pool for id, pool in pools.items() if id in topics},
        without_judgments=without,
    )


def _corpus(source: Source, table: str) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    for where, row in source.rows(table):
        id = field(where, row, "_id", "id", "corpus-id")
        if id in documents:
            raise BadBenchmark(f"{where}: found the id {id!r} a second time; expected ids that occur once")
        documents[id] = Document(id, str(row.get("title") or ""), field(where, row, "text", "content", "doc", "body"))
    if not documents:
        raise BadBenchmark(f"{source!r}: found no document in {table}")
    return documents


def _qrels(source: Source, table: str) -> Grades:
    judged: Grades = {}
    for where, row in source.rows(table):
        topic, document = field(where, row, "query-id", "qid"), field(where, row, "corpus-id", "pid", "docid")
        judged.setdefault(topic, {})[document] = grade(where, row)
    if not judged:
        raise BadBenchmark(f"{source!r}: found no judgment in {table}")
    return judged


def _top_ranked(source: Source) -> dict[str, tuple[str, ...]]:
    """Query -> candidates, from rows of one document each or of all; empty where there is no such table."""
    pools: dict[str, list[str]] = {}
    if source.has("top_ranked"):
        for where, row in source.rows("top_ranked"):
            pool = pools.setdefault(field(where, row, "query-id", "qid"), [])
            if row.get("corpus-ids") is not None:
                pool.extend(str(id) for id in _list(where, row, "corpus-ids"))
            else:
                pool.append(field(where, row, "pid", "corpus-id"))
    return {id: tuple(dict.fromkeys(pool)) for id, pool in pools.items()}


def _first(source: Source, *tables: str) -> str:
    for table in tables:
        if source.has(table):
            return table
    raise BadBenchmark(f"{source!r}: found no qrels; expected one of {', '.join(tables)}")


def _list(where: str, row: Row, *names: str) -> list[Any]:
    for name in names:
        if isinstance(row.get(name), list | tuple):
            return list(row[name])
    raise BadBenchmark(f"{where}: found the fields {', '.join(row)}; expected a list {' or '.join(names)}")


def _folder(source: Source) -> Path:
    return source.folder if isinstance(source, FolderSource) else Path(source.name)
