from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.synthesize.pretended import corpus, passage

from heedful.encode.hashing import HashEncoder
from heedful.errors import BadRecord, Missing
from heedful.index import build_index
from heedful.records import Document
from heedful.synthesize.sources import items, screen

LONG = "Some eight words at least are in here somewhere."


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def usable(source: Path, **options: object) -> list[tuple[str, str, str]]:
    return [(item.passage.id, item.passage.text, item.query) for item, _ in items(source, **options) if item]  # type: ignore[arg-type]


def test_a_corpus_file_gives_its_passages_in_order(tmp_path: Path) -> None:
    source = corpus(tmp_path / "c.jsonl", 5)
    assert usable(source) == [(passage(n).id, passage(n).text, "") for n in range(5)]
    assert [item.position for item, _ in items(source) if item] == list(range(5))
    assert len(usable(source, limit=3)) == 3


def test_an_index_gives_its_documents(tmp_path: Path) -> None:
    documents = [Document(p.id, p.title, p.text) for p in map(passage, range(4))]
    build_index(documents, tmp_path / "i.heed", HashEncoder())
    assert sorted(usable(tmp_path / "i.heed")) == [(p.id, p.text, "") for p in map(passage, range(4))]


def test_pairs_bring_their_queries(tmp_path: Path) -> None:
    source = write(
        tmp_path / "pairs.jsonl",
        {"query": "what is here", "passage": LONG},
        {"query": "another", "passage": {"_id": "x", "title": "T", "text": LONG}},
        {"query": "third", "positive": LONG, "passage_id": "y"},
    )
    found = usable(source)
    assert [(id, query) for id, _, query in found[1:]] == [("x", "another"), ("y", "third")]
    assert found[0][2] == "what is here"
    assert found[0][0]  # an id of its own, the same every time
    assert usable(source) == found


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"query": 3, "passage": LONG}, "3 under 'query'"),
        ({"query": " ", "passage": LONG}, "under 'query'"),
        ({"query": "q"}, "without a passage"),
        ({"query": "q", "passage": 4}, "4 under 'passage'"),
        ({"query": "q", "passage": {"title": "T"}}, "without text"),
    ],
)
def test_a_bad_pair_is_told_with_its_line(tmp_path: Path, row: object, told: str) -> None:
    source = write(tmp_path / "pairs.jsonl", {"query": "fine", "passage": LONG}, row)
    with pytest.raises(BadRecord, match=told) as error:
        usable(source)
    assert error.value.line == 2
    assert len(usable(source, skip_bad=True)) == 1


def test_a_benchmark_with_text_topics_gives_its_relevant_pairs(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", *({"_id": id, "title": "", "text": f"{LONG} {id}"} for id in "abc"))
    write(tmp_path / "queries.jsonl", {"_id": "q", "text": "what a says"})
    (tmp_path / "qrels.tsv").write_text("q 0 a 1\nq 0 b 0\n")
    assert usable(tmp_path) == [("a", f"{LONG} a", "what a says")]


def test_what_is_unfit_is_counted_by_reason(tmp_path: Path) -> None:
    source = write(
        tmp_path / "c.jsonl",
        {"_id": "a", "title": "", "text": LONG},
        {"_id": "b", "title": "", "text": LONG.upper()},
        {"_id": "c", "title": "", "text": "short"},
        {"_id": "d", "title": "", "text": "word " * 9000},
        {"_id": "e", "title": "", "text": LONG + " Of a test set."},
    )
    found = screen(source, overlaps=lambda passage: "test set" in passage.text)
    assert (found.read, found.used) == (5, 1)
    assert found.dropped == {"the text again": 1, "too short": 1, "too long": 1, "overlaps a test set": 1}


def test_a_source_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no such file"):
        usable(tmp_path / "nothing.jsonl")
