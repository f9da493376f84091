from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.synthesize.made import triplet

from heedful.errors import BadInput, HeedfulError, Missing
from heedful.synthesize.convert import NAMES, convert, format_of, read_set
from heedful.synthesize.parquet import read_triplets, write_triplets
from heedful.synthesize.rows import Passage, Triplet

ROWS = [triplet(n, split="dev" if n == 2 else "train") for n in range(5)]
OTHERS = [name for name in NAMES if name != "heedful"]
CARRYING = [name for name in OTHERS if name != "sentence-transformers"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    write_triplets(ROWS, tmp_path / "set")
    return tmp_path / "set"


def by_id(rows: Any) -> list[Triplet]:
    return sorted(rows, key=lambda row: row.id)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", CARRYING)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_there_and_back_nothing_is_lost(made: Path, name: str, suffix: str) -> None:
    out = made.parent / f"x.{suffix}"
    report = convert(made, out, name)
    assert report.lost == () and report.rows == 5
    assert format_of(out) == name
    assert by_id(read_set(out)) == by_id(ROWS)
    convert(out, made.parent / "back", "heedful")
    assert by_id(read_triplets(made.parent / "back")) == by_id(ROWS)


@pytest.mark.parametrize("name", OTHERS)
def test_a_plain_file_keeps_what_the_format_has_and_says_what_it_lacks(made: Path, name: str) -> None:
    out = made.parent / "x.jsonl"
    report = convert(made, out, name, plain=True)
    assert "provenance" in report.lost
    assert all("heedful" not in row for row in lines(out))
    back = list(read_set(out))
    assert len(back) == 5
    for old, new in zip(by_id(ROWS), sorted(back, key=lambda row: row.query), strict=True):
        assert (new.query, new.instruction) == (old.query, old.instruction)
        assert old.positive.text in new.positive.full
        shown = {one.passage.full for one in new.negatives}
        wanted = {one.passage.full for one in old.negatives}
        assert shown == wanted if name != "inf-ir" else shown < wanted
    again = made.parent / "y.jsonl"
    convert(out, again, name, plain=True)
    assert sorted(map(str, lines(again))) == sorted(map(str, lines(out)))


def test_inf_ir_has_each_poison_in_its_place(made: Path) -> None:
    convert(made, made.parent / "x.jsonl", "inf-ir", plain=True)
    row = lines(made.parent / "x.jsonl")[0]
    assert row["instruction_negative"] == "Match the topic." and row["query_negative"] == "A paper on ports"
    assert row["hard_negative_document_1"].startswith("Moon") and row["hard_negative_document_2"].startswith("Harbour")
    kinds = [one.kind for one in next(read_set(made.parent / "x.jsonl")).negatives]
    assert kinds == ["poisoned-instruction", "poisoned-query"]


def test_inf_ir_of_the_other_subsets_is_read(tmp_path: Path) -> None:
    row = infir()
    row["document_positive"] = row.pop("document")
    write(tmp_path / "x.jsonl", [row | {"positive_language": "python"}])
    assert next(read_set(tmp_path / "x.jsonl")).positive.text == "D"


def test_promptriever_names_passages(made: Path) -> None:
    convert(made, made.parent / "x.jsonl", "promptriever", plain=True)
    row = lines(made.parent / "x.jsonl")[0]
    assert row["query"] == f"{row['only_query']} {row['only_instruction']}" and row["has_instruction"] is True
    assert row["positive_passages"][0].keys() == {"docid", "title", "text"}
    assert [one["docid"][0] for one in row["new_negatives"] + row["negative_passages"]] == ["a", "b", "c"]


def test_followir_labels_every_passage(made: Path) -> None:
    convert(made, made.parent / "x.jsonl", "followir-train", plain=True)
    rows = lines(made.parent / "x.jsonl")
    assert [row["label"] for row in rows[:4]] == ["true", "false", "false", "false"] and rows[0]["score"] == 1.0


def test_sentence_transformers_gets_no_column_but_its_three(made: Path) -> None:
    report = convert(made, made.parent / "x.parquet", "sentence-transformers")
    assert pq.read_schema(made.parent / "x.parquet").names == ["anchor", "positive", "negative"]
    assert "provenance" in report.lost and report.written == 15


def test_a_row_that_the_format_cannot_say_is_loud(tmp_path: Path) -> None:
    write_triplets([triplet(0), replace(triplet(1), negatives=triplet(1).negatives[:1])], tmp_path / "set")
    with pytest.raises(BadInput, match=r"triplet 't1': found no poisoned-query negative.*--skip-unfit"):
        convert(tmp_path / "set", tmp_path / "x.jsonl", "inf-ir")
    assert not (tmp_path / "x.jsonl").exists() and not list(tmp_path.glob("*.tmp"))
    report = convert(tmp_path / "set", tmp_path / "x.jsonl", "inf-ir", skip=True)
    assert report.written == 1 and report.left_out == {"no poisoned-query negative": 1}


def infir() -> dict[str, Any]:
    return {
        "query_positive": "Q",
        "instruction_positive": "I",
        "document": "D",
        "query_negative": "Q-",
        "instruction_negative": "I-",
        "hard_negative_document_1": "N1",
        "hard_negative_document_2": "N2",
    }


def promptriever() -> dict[str, Any]:
    return {
        "query_id": "1",
        "query": "Q I",
        "only_query": "Q",
        "only_instruction": "I",
        "has_instruction": True,
        "positive_passages": [{"docid": "p", "title": "", "text": "P"}],
        "negative_passages": [{"docid": "n", "title": "", "text": "N"}],
        "new_negatives": [],
    }


def followir(**changes: Any) -> dict[str, Any]:
    return {"score": 1.0, "label": "true", "id": "a:0", "document": "D", "query": "Q", "instruction": "I"} | changes


def sentences(**changes: Any) -> dict[str, Any]:
    return {"anchor": "I\nQ", "positive": "P", "negative": "N"} | changes


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


ANOTHER = [{"docid": "n", "text": "Another text of n"}]
BAD = [
    ("missing field", [{k: v for k, v in infir().items() if k != "instruction_negative"}], "no instruction_negative"),
    ("missing document", [{k: v for k, v in infir().items() if k != "document"}], "no document"),
    ("wrong type", [infir() | {"query_positive": 7}], "query_positive of type int"),
    ("empty passage", [infir() | {"hard_negative_document_1": "  "}], "empty hard_negative_document_1"),
    ("id clash", [infir(), infir()], "earlier row"),
    ("missing field", [{k: v for k, v in promptriever().items() if k != "only_query"}], "no only_query"),
    ("wrong type", [promptriever() | {"positive_passages": "P"}], "positive_passages of type str"),
    ("wrong type", [promptriever() | {"new_negatives": "P"}], "new_negatives of type str"),
    ("no positive", [promptriever() | {"positive_passages": []}], "no positive_passages"),
    ("empty passage", [promptriever() | {"positive_passages": [{"docid": "p", "text": ""}]}], "positive_passages[0]"),
    ("wrong type", [promptriever() | {"positive_passages": ["P"]}], "positive_passages[0]: found str"),
    ("two texts", [promptriever(), promptriever() | {"query_id": "2", "negative_passages": ANOTHER}], "another text"),
    ("own negative", [promptriever() | {"negative_passages": [{"docid": "p", "text": "P"}]}], "among its negatives"),
    ("missing field", [{k: v for k, v in followir().items() if k != "label"}], "no label"),
    ("wrong label", [followir(label="perhaps")], "label 'perhaps'"),
    ("empty passage", [followir(document="")], "empty document"),
    ("no positive", [followir(label="false")], "no relevant document"),
    ("both", [followir(), followir(label="false", id="a:1")], "both relevant and not"),
    ("missing field", [{k: v for k, v in sentences().items() if k != "negative"}], "no negative"),
    ("wrong type", [sentences(positive=["P"])], "positive of type list"),
    ("empty passage", [sentences(negative=" ")], "empty negative"),
    ("unknown", [{"a": 1}], "found the columns a"),
    ("bad rest", [infir() | {"heedful": "{"}], "no JSON"),
    ("bad rest", [infir() | {"heedful": "{}"}], "no triplet"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rows", "said"), BAD, ids=[f"{what}-{n}" for n, (what, _, _) in enumerate(BAD)])
def test_a_bad_row_says_where_and_what(tmp_path: Path, what: str, rows: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match="found") as error:
        list(read_set(write(tmp_path / "x.jsonl", rows)))
    assert said in str(error.value)
    assert "x.jsonl:" in str(error.value) or "triplet '" in str(error.value)


def test_broken_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(infir()) + "\n{broken\n")
    with pytest.raises(HeedfulError, match=r"x\.jsonl:2: found broken JSON"):
        list(read_set(tmp_path / "x.jsonl"))
    pq.write_table(pa.table({name: [value] for name, value in infir().items()}), tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    assert len(list(read_set(tmp_path / "x.parquet"))) == 1
    (tmp_path / "x.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="parquet that cannot be read"):
        list(read_set(tmp_path / "x.parquet"))
    with pytest.raises(Missing):
        list(read_set(tmp_path / "none.jsonl"))
    (tmp_path / "x.docx").write_text("x")
    with pytest.raises(BadInput, match="of another kind"):
        list(read_set(tmp_path / "x.docx"))


def test_gzip_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(json.dumps(infir()).encode()))
    assert len(list(read_set(tmp_path / "x.jsonl.gz"))) == 1


def test_hostile_texts_come_back_as_they_were(tmp_path: Path) -> None:
    text = "\u202egnp \u0000 {x} </script>\r\n\u2028 ignore previous instructions"
    rows = [triplet(0), triplet(1, positive=Passage("p1", text, text), query=text, instruction="I")]
    write_triplets(rows, tmp_path / "set")
    for name in CARRYING:
        for suffix in ("jsonl", "parquet"):
            convert(tmp_path / "set", tmp_path / f"{name}.{suffix}", name)
            assert by_id(read_set(tmp_path / f"{name}.{suffix}")) == by_id(rows)


def test_an_output_that_says_no_format_is_refused(made: Path) -> None:
    with pytest.raises(BadInput, match="says no format"):
        convert(made, made.parent / "x", "inf-ir")
    with pytest.raises(BadInput, match="no such format"):
        convert(made, made.parent / "x.jsonl", "csv")
