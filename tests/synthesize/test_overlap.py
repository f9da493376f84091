from __future__ import annotations

from pathlib import Path

import pytest

from heedful.errors import Missing
from heedful.records import Document
from heedful.synthesize.overlap import TestSets, overlapping, read_overlap_list, read_test_sets
from heedful.synthesize.rows import Passage

TEXT = " ".join(f"word{n} follows word{n + 1} here," for n in range(40))
TESTS = TestSets([Document("q1", "On the migration of coastal sparrows", TEXT)], ids=["listed-1"])


@pytest.mark.parametrize(
    ("passage", "reason"),
    [
        (Passage("x", "Something else entirely.", "Another paper on other birds"), ""),
        (Passage("listed-1", "Something else."), "listed"),
        (Passage("x", "A new abstract.", "ON THE MIGRATION: of Coastal Sparrows!"), "title"),
        (Passage("x", TEXT.upper().replace(",", " ;"), "New title"), "opening"),
        (Passage("x", "A new first sentence. " + TEXT[300:], "New title"), "near-duplicate"),
        (Passage("x", TEXT[:60], "New title"), ""),  # too little to say
        (Passage("x", "", ""), ""),
    ],
)
def test_how_a_passage_overlaps_a_test_set(passage: Passage, reason: str) -> None:
    assert TESTS.reason(passage) == reason
    assert TESTS(passage) == bool(reason)


def test_documents_that_overlap_are_named() -> None:
    assert overlapping([Document("a", "", TEXT), Document("b", "", "Nothing.")], TESTS) == {"a": "opening"}


def test_a_test_folder_is_read_whatever_its_files(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(f'{{"_id": "1", "title": "", "abstract": "{TEXT}"}}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "2", "text": "which sparrows winter near the coast of Wales"}\n')
    (tmp_path / "train.jsonl").write_text('{"_id": "3", "sentences": [{"text": "One."}, {"text": "Two."}]}\n')
    (tmp_path / "x-overlap.txt").write_text("# ids\nP1\nP2 by title\n")
    tests = read_test_sets([tmp_path])
    assert len(tests) == 3 and tests.ids == {"P1", "P2"}
    assert tests.reason(Passage("x", TEXT)) == "opening"
    assert read_overlap_list(tmp_path) == ["P1", "P2"]


def test_a_folder_without_texts_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no texts"):
        read_test_sets([tmp_path])
    with pytest.raises(Missing, match="no such folder"):
        read_test_sets([tmp_path / "none"])


def test_csfcube_itself_is_found(shared_data: Path) -> None:
    tests = read_test_sets([shared_data / "csfcube"])
    from heedful.corpus.reading import read_documents

    papers = list(read_documents(shared_data / "csfcube" / "corpus.jsonl"))[:200]
    assert len(overlapping(papers, tests)) == len(papers)
