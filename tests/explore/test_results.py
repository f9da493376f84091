from __future__ import annotations

import re
import sys
from html import unescape
from html.parser import HTMLParser

import pytest

from heedful.errors import Missing
from heedful.explore import Exploration, ExploredHit, Explorer
from heedful.explore.evidence import Evidence
from heedful.records import Document, Plan

SEED = "reefs-kernel"
METHOD = "similar method, not the same topic"
SCRIPT = "<script>alert('&')</script>"


class Cells(HTMLParser):
    """The tags of a piece of HTML and the texts of its cells."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def found(explorer: Explorer) -> Exploration:
    return explorer.explore(SEED, METHOD, k=4)


def test_a_notebook_shows_rank_move_title_and_evidence(found: Exploration):
    html = found._repr_html_()
    cells = Cells(html).cells
    assert len(cells) == 4 * len(found.hits)
    for n, hit in enumerate(found.hits):
        rank, moved, document, evidence = cells[4 * n : 4 * n + 4]
        assert rank == str(hit.rank)
        assert moved == "=" if hit.moved == 0 else re.fullmatch(r"new|[▲▼]\d+", moved)
        assert hit.title in document and hit.id in document and str(hit.document.metadata["year"]) in document
        assert hit.evidence[0].seed_sentence in evidence and hit.evidence[0].sentence in evidence
    assert METHOD in html and found.heed is not None and found.heed.verdict in html


def test_what_documents_and_people_write_is_only_text_in_a_notebook():
    evidence = Evidence(SCRIPT, SCRIPT, SCRIPT, 0.5)
    document = Document(SCRIPT, SCRIPT, SCRIPT, metadata={"year": SCRIPT})
    hit = ExploredHit(1, document, 1.0, {}, (evidence,), None)
    hostile = Exploration(SCRIPT, SCRIPT, Plan(), "heedful", (hit,), None, (SCRIPT,))
    html = hostile._repr_html_()
    assert "script" not in Cells(html).tags and SCRIPT in unescape(html)


def test_a_frame_has_a_row_a_hit(found: Exploration):
    frame = found.to_pandas()
    assert list(frame["id"]) == [hit.id for hit in found.hits]
    assert list(frame["moved"]) == [hit.moved for hit in found.hits] and str(frame["moved"].dtype) == "Int64"
    assert frame["part_method"].tolist() == [hit.parts["method"] for hit in found.hits]
    assert frame["sentence"][0] == found.hits[0].evidence[0].sentence
    assert frame["year"].tolist() == [hit.document.metadata["year"] for hit in found.hits]


def test_both_frames_say_the_same(found: Exploration):
    ours, theirs = found.to_pandas(), found.to_polars()
    assert theirs.columns == list(ours.columns)
    assert theirs.to_dicts() == [
        {name: None if value is None or value != value else value for name, value in row.items()}
        for row in found.rows()
    ]


def test_frames_hold_moves_that_are_unknown_and_metadata_that_differ():
    def hit(rank: int, moved: int | None, **metadata: object) -> ExploredHit:
        return ExploredHit(rank, Document(str(rank), metadata=metadata), 1.0, {}, (), moved)  # type: ignore[arg-type]

    mixed = Exploration("s", "", Plan(), "heedful", (hit(1, None, score=9), hit(2, 3, year=2020)), None)
    assert mixed.to_pandas()["moved"].isna().tolist() == [True, False]
    assert mixed.to_polars()["moved"].to_list() == [None, 3]
    assert mixed.to_polars()["meta_score"].to_list() == [9, None]
    none = Exploration("s", "", Plan(), "heedful", (), None)
    assert len(none.to_pandas()) == len(none.to_polars()) == 0


def test_a_comparison_is_a_frame_of_ranks(explorer: Explorer):
    compared = explorer.compare(SEED, ["", METHOD, METHOD], k=3)
    frame = compared.to_pandas()
    assert list(frame.columns) == ["id", "title", "no instruction", METHOD, f"{METHOD} (3)"]
    assert frame[METHOD].dropna().tolist() == frame[f"{METHOD} (3)"].dropna().tolist()
    assert sorted(frame["no instruction"].dropna()) == [1, 2, 3]
    assert compared.to_polars()["id"].to_list() == list(frame["id"])


def test_a_frame_without_its_package_says_what_is_missing(found: Exploration, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(Missing, match="pip install polars"):
        found.to_polars()
