from __future__ import annotations

import csv
import io
from dataclasses import replace

import bibtexparser
import pytest
import rispy

from heedful.explore import Exploration, Explorer
from heedful.explore.export import to_bibtex, to_csv, to_ris, to_trec


@pytest.fixture
def exploration(explorer: Explorer) -> Exploration:
    return explorer.explore("reefs-kernel", aspect="method", k=4)


def with_title(exploration: Exploration, title: str) -> Exploration:
    hit = replace(exploration.hits[0], document=replace(exploration.hits[0].document, title=title))
    return replace(exploration, hits=(hit, *exploration.hits[1:]))


def test_bibtex_is_read_back_by_a_library(exploration: Exploration):
    entries = bibtexparser.parse_string(to_bibtex(exploration)).entries
    assert [entry.key for entry in entries] == [hit.document.id for hit in exploration.hits]
    assert entries[0].fields_dict["author"].value == "Ada Lee and Bo Chan"
    assert entries[0].entry_type == "article"


def test_a_title_cannot_break_out_of_bibtex(exploration: Exploration):
    entries = bibtexparser.parse_string(to_bibtex(with_title(exploration, "a}}\n@misc{x, y={"))).entries
    assert len(entries) == 4


def test_ris_is_read_back_by_a_library(exploration: Exploration):
    entries = rispy.loads(to_ris(exploration))
    assert [entry["id"] for entry in entries] == [hit.document.id for hit in exploration.hits]
    assert entries[0]["authors"] == ["Ada Lee", "Bo Chan"]


def test_a_title_cannot_break_out_of_ris(exploration: Exploration):
    assert len(rispy.loads(to_ris(with_title(exploration, "a\nER  - \nTY  - JOUR")))) == 4


def test_csv_is_read_back_and_runs_no_formula(exploration: Exploration):
    rows = list(csv.DictReader(io.StringIO(to_csv(with_title(exploration, "=1+1")))))
    assert [row["id"] for row in rows] == [hit.document.id for hit in exploration.hits]
    assert rows[0]["title"] == "'=1+1"
    assert rows[0]["year"]


def test_a_trec_run_has_falling_scores(exploration: Exploration):
    spaced = replace(exploration.hits[0], document=replace(exploration.hits[0].document, id="an id"))
    exploration = replace(exploration, hits=(spaced, *exploration.hits[1:]), seed=["a seed", "b"])
    lines = [line.split() for line in to_trec(exploration).splitlines()]
    assert (lines[0][0], lines[0][2]) == ("a_seed+b", "an_id")
    assert all(len(line) == 6 and line[1] == "Q0" for line in lines)
    scores = [float(line[4]) for line in lines]
    assert scores == sorted(set(scores), reverse=True)
