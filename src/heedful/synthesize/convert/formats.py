"""What other tools call the parts of a triplet: one pair of functions a format, to rows of theirs and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Any

from heedful.errors import BadInput
from heedful.synthesize.parquet import from_row, to_row
from heedful.synthesize.rows import Negative, Passage, Triplet

REST = "heedful"  # a column with everything that a format has no place for, as JSON
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """One layout of rows.

    fields: column -> type, those that a row must have. loses: what has no place in it but the column `heedful`; empty
    where nothing is lost. write: a triplet to its rows; BadInput where it cannot be said. read: rows (each with where
    it stands) to triplets. positional: a column more would be taken for a text, so that `heedful` is not written.
    """

    name: str
    fields: Mapping[str, type]
    loses: tuple[str, ...]
    write: Callable[[Triplet], list[dict[str, Any]]]
    read: Callable[[Iterable[tuple[str, Row]]], Iterator[Triplet]]
    positional: bool = False


def restored(row: Row, where: str) -> Triplet | None:
    """The triplet that a row's column `heedful` holds, if it has one."""
    rest = row.get(REST)
    if not rest:
        return None
    try:
        value = json.loads(rest) if isinstance(rest, str) else rest
    except ValueError as error:
        raise BadInput(f"{where}: found a column {REST!r} that is no JSON ({error}); expected JSON, or none") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where}: found a column {REST!r} that is no object; expected one, or none")
    return from_row(value, where)


def kept(triplet: Triplet) -> str:
    """What `restored` reads."""
    return json.dumps(to_row(triplet), ensure_ascii=False, sort_keys=True)


def text_id(text: str) -> str:
    """An id for a passage that came without one: the same text, the same id."""
    return "text-" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _bare(text: str, title: str = "", id: str = "") -> Passage:
    return Passage(id or text_id(f"{title}\0{text}"), text, title)


def _each(read: Callable[[Row, str], Triplet]) -> Callable[[Iterable[tuple[str, Row]]], Iterator[Triplet]]:
    """One triplet a row."""

    def rows(given: Iterable[tuple[str, Row]]) -> Iterator[Triplet]:
        for where, row in given:
            yield restored(row, where) or read(row, where)

    return rows


def _infir_write(triplet: Triplet) -> list[dict[str, Any]]:
    instruction, query = triplet.first("poisoned-instruction"), triplet.first("poisoned-query")
    if instruction is None or query is None:
        lacking = "poisoned-instruction" if instruction is None else "poisoned-query"
        raise BadInput(f"triplet {triplet.id!r}: found no {lacking} negative; expected one of each for InF-IR")
    return [
        {
            "query_positive": triplet.query,
            "instruction_positive": triplet.instruction,
            "document": triplet.positive.full,
            "query_negative": query.query,
            "instruction_negative": instruction.instruction,
            "hard_negative_document_1": instruction.passage.full,
            "hard_negative_document_2": query.passage.full,
        }
    ]


def _infir_read(row: Row, where: str) -> Triplet:
    document = row.get("document") or row.get("document_positive")
    query, instruction = row["query_positive"], row["instruction_positive"]
    return Triplet(
        text_id(f"{query}\0{instruction}\0{document}"),
        instruction,
        query,
        _bare(str(document)),
        (
            Negative(
                _bare(row["hard_negative_document_1"]), "poisoned-instruction", row["instruction_negative"], query
            ),
            Negative(_bare(row["hard_negative_document_2"]), "poisoned-query", instruction, row["query_negative"]),
        ),
    )


def _promptriever_write(triplet: Triplet) -> list[dict[str, Any]]:
    poisoned = [one for one in triplet.negatives if one.kind in ("poisoned-instruction", "polarity")]
    others = [one for one in triplet.negatives if one not in poisoned]

    def passage(one: Passage) -> dict[str, str]:
        return {"docid": one.id, "title": one.title, "text": one.text}

    return [
        {
            "query_id": triplet.id,
            "query": f"{triplet.query} {triplet.instruction}".strip(),
            "only_query": triplet.query,
            "only_instruction": triplet.instruction,
            "has_instruction": bool(triplet.instruction),
            "positive_passages": [passage(triplet.positive)],
            "negative_passages": [passage(one.passage) for one in others],
            "new_negatives": [passage(one.passage) for one in poisoned],
        }
    ]


def _promptriever_read(row: Row, where: str) -> Triplet:
    def passages(name: str) -> list[Passage]:
        found = row.get(name)
        if found is None:
            found = []
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise BadInput(f"{where}: found {name} of type {type(found).__name__}; expected a list of passages")
        return [_passage(one, f"{where}: {name}[{at}]") for at, one in enumerate(found)]

    positives = passages("positive_passages")
    if not positives:
        raise BadInput(f"{where}: found no positive_passages; expected one")
    if len(positives) > 1:
        raise BadInput(f"{where}: found {len(positives)} positive_passages; expected one (a row has one positive)")
    query, instruction = row["only_query"], row["only_instruction"]
    negatives = [Negative(one, "poisoned-instruction", query=query) for one in passages("new_negatives")]
    negatives += [Negative(one) for one in passages("negative_passages")]
    return Triplet(row["query_id"], instruction, query, positives[0], tuple(negatives))


def _passage(one: object, where: str) -> Passage:
    if not isinstance(one, Mapping):
        raise BadInput(f"{where}: found {type(one).__name__}; expected an object with docid, title and text")
    for name in ("docid", "text"):
        if not isinstance(one.get(name), str) or not one[name].strip():
            raise BadInput(f"{where}: found {name} {one.get(name)!r}; expected text")
    return Passage(one["docid"], one["text"], str(one.get("title") or ""))


def _followir_write(triplet: Triplet) -> list[dict[str, Any]]:
    judged = [(triplet.positive, True), *((one.passage, False) for one in triplet.negatives)]
    return [
        {
            "score": float(relevant),
            "label": "true" if relevant else "false",
            "id": f"{triplet.id}:{at}",
            "document": passage.full,
            "query": triplet.query,
            "instruction": triplet.instruction,
        }
        for at, (passage, relevant) in enumerate(judged)
    ]


def _followir_read(rows: Iterable[tuple[str, Row]]) -> Iterator[Triplet]:
    """Rows that follow one another with one query and instruction make a triplet a relevant document."""
    for (query, instruction), group in groupby(rows, key=lambda pair: (pair[1]["query"], pair[1]["instruction"])):
        members = list(group)
        whole = [restored(row, where) for where, row in members]
        if any(whole):
            yield from (one for one in whole if one is not None)
            continue
        relevant = [(where, row) for where, row in members if _label(row, where)]
        others = tuple(Negative(_bare(row["document"])) for where, row in members if not _label(row, where))
        if not relevant:
            raise BadInput(f"{members[0][0]}: found no relevant document of {query[:60]!r}; expected one a query")
        for _, row in relevant:
            if any(one.passage.text == row["document"] for one in others):
                raise BadInput(
                    f"{members[0][0]}: found a document of {query[:60]!r} both relevant and not; expected one"
                )
            name = row["id"].rpartition(":")[0] or row["id"]
            yield Triplet(name if len(relevant) == 1 else row["id"], instruction, query, _bare(row["document"]), others)


def _label(row: Row, where: str) -> bool:
    label = str(row["label"]).lower()
    if label not in ("true", "false", "relevant", "irrelevant", "non-relevant", "1", "0"):
        raise BadInput(f"{where}: found label {row['label']!r}; expected true or false")
    return label in ("true", "relevant", "1")


def _sentence_write(triplet: Triplet) -> list[dict[str, Any]]:
    row: dict[str, Any] = {"anchor": f"{triplet.instruction}\n{triplet.query}", "positive": triplet.positive.full}
    if not triplet.negatives:
        raise BadInput(f"triplet {triplet.id!r}: found no negative; expected one for sentence-transformers")
    return [{**row, "negative": one.passage.full} for one in triplet.negatives]


def _sentence_read(rows: Iterable[tuple[str, Row]]) -> Iterator[Triplet]:
    """Rows that follow one another with one anchor and positive are one triplet."""
    for (anchor, positive), group in groupby(rows, key=lambda pair: (pair[1]["anchor"], pair[1]["positive"])):
        instruction, _, query = anchor.partition("\n")
        if not query:
            instruction, query = "", anchor
        negatives = tuple(Negative(_bare(row["negative"])) for _, row in group)
        yield Triplet(text_id(f"{anchor}\0{positive}"), instruction, query, _bare(positive), negatives)


_SOURCES = ("ids", "titles apart from texts", "provenance", "split")
FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "inf-ir",
            dict.fromkeys(
                (
                    "query_positive",
                    "instruction_positive",
                    "query_negative",
                    "instruction_negative",
                    "hard_negative_document_1",
                    "hard_negative_document_2",
                ),
                str,
            ),
            (*_SOURCES, "negatives beyond one of each poison"),
            _infir_write,
            _each(_infir_read),
        ),
        Format(
            "promptriever",
            {"query_id": str, "only_query": str, "only_instruction": str, "positive_passages": list},
            ("poisoned instructions and queries", "kinds of other negatives", "provenance", "split"),
            _promptriever_write,
            _each(_promptriever_read),
        ),
        Format(
            "followir-train",
            {"label": object, "id": str, "document": str, "query": str, "instruction": str},
            (*_SOURCES, "kinds of negatives", "poisoned instructions and queries"),
            _followir_write,
            _followir_read,
        ),
        Format(
            "sentence-transformers",
            {"anchor": str, "positive": str, "negative": str},
            (*_SOURCES, "kinds of negatives", "poisoned instructions and queries"),
            _sentence_write,
            _sentence_read,
            positional=True,
        ),
    )
}
NAMES = ("heedful", *FORMATS)
