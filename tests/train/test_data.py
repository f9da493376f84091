"""Three forms of triplets become the same examples; what cannot be read is told by file and row."""

from __future__ import annotations

import functools
import json
import operator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heedful.errors import BadInput, Missing
from heedful.synthesize.parquet import write_triplets
from heedful.synthesize.rows import Negative as Poisoned
from heedful.synthesize.rows import Passage, Triplet
from heedful.train.columns import EMPTY, Columns, GroupedBatches, make_columns, spread, text_id, write_query
from heedful.train.data import Example, Negative, read_training_set

INF_IR = {
    "query_positive": "tides",
    "instruction_positive": "of lakes",
    "document": "Lakes have tides.",
    "query_negative": "rust",
    "instruction_negative": "of seas",
    "hard_negative_document_1": "Seas have tides.",
    "hard_negative_document_2": "Lakes rust steel.",
}
PAIR = {"anchor": "tides", "positive": "Lakes have tides.", "negative": "Steel rusts."}


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_triplet_set_is_read_split_by_split(tmp_path: Path):
    rows = [
        Triplet(
            f"t{n}",
            "of lakes",
            "tides",
            Passage("a", "Lakes have tides.", "On lakes"),
            (Poisoned(Passage("b", "Seas have tides."), "poisoned-instruction", instruction="of seas"),),
            split="dev" if n == 2 else "train",
        )
        for n in range(3)
    ]
    write_triplets(rows, tmp_path)
    found = read_training_set(tmp_path)
    expected = Example(
        "tides", "of lakes", "On lakes Lakes have tides.", (Negative("Seas have tides.", instruction="of seas"),)
    )
    assert found.examples == (expected, expected) and found.kinds == ("triplets",)


def test_released_rows_are_read_as_they_are_under_either_name_of_the_document(tmp_path: Path):
    other = {name: text for name, text in INF_IR.items() if name != "document"} | {
        "document_positive": INF_IR["document"],
        "positive_language": "python",
        "hard_negative_document_2": None,
    }
    pq.write_table(pa.Table.from_pylist([INF_IR, INF_IR]), tmp_path / "train-00000-of-00001.parquet")
    lines(tmp_path / "more.jsonl", other)
    first, second, third = sorted(read_training_set(tmp_path).examples, key=lambda e: -len(e.negatives))
    assert (
        first
        == second
        == Example(
            "tides",
            "of lakes",
            "Lakes have tides.",
            (Negative("Seas have tides.", instruction="of seas"), Negative("Lakes rust steel.", query="rust")),
        )
    )
    assert third.negatives == first.negatives[:1]


def test_columns_of_sentence_transformers_keep_the_order_of_their_negatives(tmp_path: Path):
    row = PAIR | {"negative_10": "ten", "negative_2": "two", "instruction": "of lakes"}
    found = read_training_set(lines(tmp_path / "a.jsonl", row, PAIR))
    assert [n.passage for n in found.examples[0].negatives] == ["Steel rusts.", "two", "ten"]
    assert found.examples[0].instruction == "of lakes" and found.examples[1].instruction == ""
    assert found.kinds == ("columns",) and len(found.digest) == 64


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "found 0 rows of split 'train'; expected 2 or more"),
        ([PAIR], "found 1 row of split 'train'; expected 2 or more"),
        ([PAIR, {"anchor": "tides", "text": "x"}], "row 1: found the columns anchor, text; expected the columns of"),
        ([PAIR, PAIR | {"positive": 3}], "row 1: found int as positive; expected text"),
        ([PAIR, PAIR | {"anchor": " "}], "row 1: found an empty anchor"),
        ([PAIR, PAIR | {"negative": "half a \ud83d"}], "row 1: found half a surrogate pair in negative"),
        ([PAIR, PAIR | {"negative": ["a"]}], "row 1: found list as negative"),
        ([INF_IR, INF_IR | {"document": None}], "row 1: found NoneType as document"),
        ([PAIR, [1]], ":2: found list; expected an object"),
    ],
)
def test_bad_rows_are_told(tmp_path: Path, rows: list[Any], said: str):
    with pytest.raises(BadInput) as error:
        read_training_set(lines(tmp_path / "a.jsonl", *rows))
    assert said in str(error.value) and "a.jsonl" in str(error.value)


def test_bad_files_are_told(tmp_path: Path):
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(BadInput, match="cannot be read as parquet"):
        read_training_set(tmp_path)
    (tmp_path / "b.jsonl").write_text("{")
    with pytest.raises(BadInput, match=r"b\.jsonl:1: found no valid JSON"):
        read_training_set(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl.gz").write_text("no gzip")
    with pytest.raises(BadInput, match="cannot be read"):
        read_training_set(tmp_path / "c.jsonl.gz")
    with pytest.raises(Missing, match="no such file or folder"):
        read_training_set(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty: found no \.parquet.* in it; expected files of split 'train'"):
        read_training_set(tmp_path / "empty")


@pytest.mark.parametrize("name", ["test.jsonl", "test-1.jsonl", "test_rows.jsonl", "Dev_2.jsonl", "validation.1.jsonl"])
def test_what_is_held_back_by_name_never_trains(tmp_path: Path, name: str):
    lines(tmp_path / name, PAIR, PAIR)
    with pytest.raises(BadInput, match=r"found only files held back by name: .*split"):
        read_training_set(tmp_path / name)
    lines(tmp_path / "testimony.jsonl", PAIR, PAIR)  # another word
    assert len(read_training_set(tmp_path).examples) == 2


LAKES = Example(
    "tides", "of lakes", "L", (Negative("S", instruction="of seas"), Negative("R", query="rust"), Negative("H"))
)
SEAS = Example("waves", "of seas", "W")


def test_poisoned_passages_become_pairs_of_their_own_or_stay_hard_negatives():
    (alone,), _ = spread([LAKES, SEAS], "negatives")
    assert alone == LAKES
    (own, by_instruction, by_query), _ = spread([LAKES, SEAS], "pairs")
    assert own.negatives == (Negative("H"),)
    assert by_instruction == Example("tides", "of seas", "S") and by_query == Example("rust", "of lakes", "R")


def columns(**options: Any) -> Columns:
    return make_columns([LAKES, SEAS], template="{instruction}: {text}", **options)


def test_columns_and_their_ids_say_the_same():
    made = columns(hard=2, altered=1)
    assert list(made.texts) == ["query", "passage", "hard_1", "hard_2", "altered_1"]
    assert made.texts["query"] == ["of lakes: tides", "of seas: waves"]
    assert made.texts["hard_2"] == ["R", ""] and made.texts["altered_1"] == ["of seas: tides", "of lakes: waves"]
    assert made.ids[1] == [text_id("waves", "of seas"), text_id("W"), EMPTY, EMPTY, text_id("waves", "of lakes")]
    dataset = made.dataset()
    assert dataset.column_names[-1] == "label" and dataset[0]["label"] == made.ids[0]


def test_a_poisoned_instruction_is_the_first_altered_one_and_the_own_never_is():
    many = [LAKES, *(Example("q", f"other {n}", "p") for n in range(50))]
    for seed in range(20):
        made = make_columns(many, template="{instruction}: {text}", altered=3, seed=seed)
        told = [made.texts[f"altered_{n}"][0] for n in (1, 2, 3)]
        assert told[0] == "of seas: tides" and "of lakes: tides" not in told and len(set(told)) == 3
    again = make_columns(many, template="{instruction}: {text}", altered=3, seed=19)
    assert made.texts == again.texts


def test_rows_of_one_example_are_contrasted_under_each_other_s_instructions():
    many = [LAKES, *(Example("q", f"other {n}", "p") for n in range(50))]
    for seed in range(5):
        made = make_columns(many, template="{instruction}: {text}", altered=1, poisoned="pairs", seed=seed)
        assert made.texts["query"][:3] == ["of lakes: tides", "of seas: tides", "of lakes: rust"]
        assert made.texts["altered_1"][:2] == ["of seas: tides", "of lakes: tides"]
        assert made.texts["altered_1"][2] != "of lakes: rust"


def test_without_instructions_there_is_no_view_of_them():
    with pytest.raises(BadInput, match="found 0 instructions"):
        make_columns([Example("a", "", "b"), Example("c", "", "d")], template="{instruction} {text}", altered=1)


def test_a_query_without_instruction_is_itself():
    assert write_query("a", "", "x {instruction} {text}") == "a"
    assert write_query("", "b", "x {instruction} {text}") == "b"
    assert write_query("a {instruction}", "b {text}", "{instruction} {text}") == "b {text} a {instruction}"


def test_batches_keep_an_example_together_and_depend_on_seed_and_epoch_alone():
    batches = GroupedBatches([3] * 20, 12, seed=4)
    found = list(batches)
    assert len(found) == len(batches) == 5 and sorted(functools.reduce(operator.iadd, found, [])) == list(range(60))
    assert all({place // 3 for place in batch} == {p // 3 for p in batch[::3]} for batch in found)
    batches.set_epoch(1)
    assert list(batches) != found
    other = GroupedBatches([3] * 20, 12, seed=4)
    other.set_epoch(1)
    assert list(other) == list(batches)
    assert list(GroupedBatches([1, 1], 12, 0)) in ([[0, 1]], [[1, 0]])
