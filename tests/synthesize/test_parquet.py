from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.synthesize.made import triplet

from heedful.errors import BadInput, Missing
from heedful.synthesize.parquet import TripletWriter, read_triplets, write_triplets
from heedful.synthesize.rows import Passage


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rows = [triplet(n, split="dev" if n % 3 == 0 else "train") for n in range(10)]
    assert write_triplets(rows, tmp_path) == {"train": 6, "dev": 4}
    assert sorted(read_triplets(tmp_path), key=lambda row: row.id) == sorted(rows, key=lambda row: row.id)
    assert {row.split for row in read_triplets(tmp_path, "dev")} == {"dev"}


def test_a_set_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    write_triplets([triplet(n) for n in range(9)], tmp_path)
    with pytest.raises(RuntimeError), TripletWriter(tmp_path, shard_rows=4) as writer:
        for n in range(6):
            writer.add(triplet(n))
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len(list(read_triplets(tmp_path))) == 9
    with TripletWriter(tmp_path, shard_rows=2) as writer:
        for n in range(3):
            writer.add(triplet(n))
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["train-00000.parquet", "train-00001.parquet"]
    assert len(list(read_triplets(tmp_path))) == 3


def test_a_row_that_cannot_be_trained_on_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="triplet 't0'"):
        write_triplets([triplet(0, positive=Passage("p", ""))], tmp_path)


def test_texts_of_any_kind_come_back_as_they_were(tmp_path: Path) -> None:
    text = "\u202eabc\u0000\x1b[31m </script> " + "\U0001f426" * 3
    row = triplet(0, positive=replace(triplet().positive, text=text))
    write_triplets([row], tmp_path)
    assert list(read_triplets(tmp_path)) == [row]


def test_a_broken_file_says_so(tmp_path: Path) -> None:
    write_triplets([triplet()], tmp_path)
    file = next((tmp_path / "data").iterdir())
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BadInput, match="cannot be read as parquet"):
        list(read_triplets(tmp_path))


def test_a_missing_column_says_so(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["x"]}), tmp_path / "x.parquet")
    with pytest.raises(BadInput, match="found no column instruction"):
        list(read_triplets(tmp_path))


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no parquet files"):
        list(read_triplets(tmp_path))
