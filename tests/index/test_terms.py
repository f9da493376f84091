from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heedful.errors import Mismatch
from heedful.index.terms import TermTable, TermWriter, stems

DOCUMENTS = [
    ("Graph kernels", ["We study kernels on graphs.", "Kernels, kernels!"]),
    ("", []),
    ("Speech", ["Recognising speech with graphs."]),
]


def written(folder: Path) -> TermTable:
    writer = TermWriter(folder)
    for title, sentences in DOCUMENTS:
        writer.add(title, sentences)
    writer.finish()
    return TermTable(folder, np.array([0, 2, 2, 3]))


def test_the_store_gives_back_what_the_texts_themselves_give(tmp_path: Path):
    table = written(tmp_path)
    picked = np.array([2, 0, 1])
    stored = table.block(picked)
    fresh = table.of_texts([DOCUMENTS[i] for i in picked])
    assert stored.offsets.tolist() == fresh.offsets.tolist() == [0, 2, 5, 6]
    assert stored.counts.sum() == 11
    assert (stored.counts != fresh.counts).nnz == 0


def test_a_rare_word_weighs_more_than_a_common_one(tmp_path: Path):
    table = written(tmp_path)
    graph, speech = (table.of_texts([(word, [])]).counts.indices[0] for word in ("graph", "kernel"))
    assert table.idf[graph] < table.idf[speech]


def test_a_store_of_another_table_is_refused(tmp_path: Path):
    written(tmp_path)
    with pytest.raises(Mismatch, match="does not belong"):
        TermTable(tmp_path, np.array([0, 2, 3]))


def test_stems_leave_out_stop_words_and_join_inflections():
    assert stems("The graphs were GRAPHED, and graphing") == ["graph", "graph", "graph"]
