"""Run and qrels files: what is read, and what is refused with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from heedful.errors import BadInput, BadQrels, BadRun, Missing
from heedful.evaluate.trec import read_qrels, read_run, write_qrels, write_run
from heedful.records import Hit, Qrels, Run

GOOD = "t1 Q0 a 1 2.5 x\nt1 Q0 b 2 2.5 x\nt2 Q0 a 1 -1e-3 x\n"


def test_a_run_reads_in_order_of_score_then_id_whatever_the_rank_column_says(tmp_path: Path):
    (tmp_path / "a.run").write_text(GOOD)
    assert [hit.id for hit in read_run(tmp_path / "a.run").topics["t1"]] == ["b", "a"]


def test_a_gzipped_run_reads_alike(tmp_path: Path):
    (tmp_path / "a.run").write_text(GOOD)
    (tmp_path / "b.run.gz").write_bytes(gzip.compress(GOOD.encode()))
    assert read_run(tmp_path / "a.run") == read_run(tmp_path / "b.run.gz")


def test_a_folder_of_runs_is_one_run(tmp_path: Path):
    (tmp_path / "a.run").write_text("t1 Q0 a 1 1 x\n")
    (tmp_path / "b.run").write_text("t2 Q0 a 1 1 x\n")
    assert set(read_run(tmp_path).topics) == {"t1", "t2"}
    (tmp_path / "c.run").write_text("t2 Q0 b 1 1 x\n")
    with pytest.raises(BadRun, match=r"c\.run:1: found topic 't2' for the second time"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("t1 Q0 a 1 2.5 x\nt1 Q0 b 2\n", 2, "t1 Q0 b 2"),
        ("t1 Q0 a 1 high x\n", 1, "high"),
        ("t1 Q0 a 1 nan x\n", 1, "nan"),
        ("t1 Q0 a 1 inf x\n", 1, "inf"),
        ("t1 Q0 a 1 2 x\nt1 Q0 a 2 1 x\n", 2, "second time"),
        ("", 1, "empty"),
        ("\n \n", 1, "empty"),
    ],
)
def test_a_bad_run_is_refused_with_its_line(tmp_path: Path, text: str, line: int, what: str):
    (tmp_path / "a.run").write_text(text)
    with pytest.raises(BadRun, match=rf"a\.run:{line}: found .*{what}"):
        read_run(tmp_path / "a.run")


def test_a_run_that_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / "a.run").write_bytes(b"t1 Q0 \xff 1 2.5 x\n")
    with pytest.raises(BadInput, match="UTF-8"):
        read_run(tmp_path / "a.run")


@pytest.mark.parametrize("read", [read_run, read_qrels])
def test_a_file_that_is_not_there_is_missing_and_a_folder_without_one_is_bad(tmp_path: Path, read):
    (tmp_path / "folder").mkdir()
    with pytest.raises(Missing, match="nothing"):
        read(tmp_path / "nothing")
    with pytest.raises(BadInput, match="folder"):
        read(tmp_path / "folder")


def test_a_byte_order_mark_is_no_part_of_a_topic(tmp_path: Path):
    (tmp_path / "a.run").write_bytes(b"\xef\xbb\xbft1 Q0 d 1 2.5 x\n")
    (tmp_path / "a.qrels").write_bytes(b"\xef\xbb\xbft1 0 d 1\n")
    assert list(read_run(tmp_path / "a.run").topics) == list(read_qrels(tmp_path / "a.qrels").topics) == ["t1"]


def test_what_is_written_reads_back(tmp_path: Path):
    run = Run({"t": [Hit("b", 0.1 + 0.2), Hit("a", -1e-300)]}, "mine")
    write_run(run, tmp_path / "sub" / "a.run")
    assert read_run(tmp_path / "sub" / "a.run") == run
    qrels = Qrels({"t": {"a": 1, "b": -1}})
    write_qrels(qrels, tmp_path / "q.tsv")
    assert read_qrels(tmp_path / "q.tsv") == qrels


def test_qrels_have_four_columns_or_three_below_a_header(tmp_path: Path):
    (tmp_path / "four").write_text("t 0 a 1\nt 0 b 0\n")
    (tmp_path / "three").write_text("query-id\tcorpus-id\tscore\nt\ta\t1\nt\tb\t0\n")
    assert read_qrels(tmp_path / "four") == read_qrels(tmp_path / "three")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("t 0 a 1\nt 0 b\n", 2),
        ("t a 1\n", 1),
        ("t 0 a yes\n", 1),
        ("t 0 a 0.5\n", 1),
        ("t 0 a nan\n", 1),
        ("t 0 a 1\nt 0 a 1\n", 2),
        ("query-id corpus-id score\nt 0 a 1\n", 2),
        ("", 1),
        ("query-id corpus-id score\n", 1),
    ],
)
def test_bad_qrels_are_refused_with_their_line(tmp_path: Path, text: str, line: int):
    (tmp_path / "q").write_text(text)
    with pytest.raises(BadQrels, match=rf"q:{line}: found"):
        read_qrels(tmp_path / "q")
