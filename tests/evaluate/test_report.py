"""What people read: nothing of others is ever markup, nothing comes from outside."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.known import HOSTILE, Known, write_collection

from heedful.benchmarks import load_benchmark
from heedful.evaluate.diagnosis import Diagnosis, Estimate, Flow
from heedful.evaluate.report.figures import Point, flows, plain, themed, tradeoff
from heedful.evaluate.report.page import difference, to_html
from heedful.evaluate.report.tables import Column, Table, latex_text, shown, to_csv, to_latex, to_markdown
from heedful.evaluate.report.write import write_report
from heedful.systems import diagnose as room
from heedful.systems.diagnose import diagnose


@pytest.fixture(scope="module")
def diagnosis(tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    folder = write_collection(tmp_path_factory.mktemp("known"), seeds=4)
    names = {f"{how} {HOSTILE}": how for how in ("heeds", "noise", "deaf")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "parse_system", lambda name: Known(names[name], folder))
        return diagnose(load_benchmark(folder), list(names), paraphrases=False)[0]


class Page(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.seen = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.seen.append(data)


def test_hostile_titles_and_names_are_text(diagnosis: Diagnosis):
    page = Page(to_html(diagnosis, {"s0_method": HOSTILE}))
    assert "script" not in page.tags
    assert any(HOSTILE in text for text in page.seen)
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_the_page_needs_nothing_from_outside(diagnosis: Diagnosis):
    page = Page(to_html(diagnosis))
    fetched = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action", "data")]
    assert all(value.startswith("#") for value in fetched)
    assert not {"link", "iframe", "img", "object", "embed"} & set(page.tags)
    assert not re.search(r"@import|url\((?!#)", to_html(diagnosis))
    policy = dict(page.attributes)["content"]  # the last meta's or the policy's
    assert policy and any("default-src 'none'" in (value or "") for _, value in page.attributes)


def test_the_page_has_every_part(diagnosis: Diagnosis):
    text = to_html(diagnosis)
    assert text.count("<svg") == 5  # trade-off, variants, aspects, two flows
    for heading in (
        "Relevance and following",
        "What each wording does",
        "Difficulty by aspect",
        "How rankings flow",
        "Documents that moved the wrong way",
        "What reached the model",
        "How this was made",
    ):
        assert heading in text
    assert "identical inputs" in text and "no record of inputs" in text and "<mark>" in text


def test_ids_do_not_clash_between_pictures(diagnosis: Diagnosis):
    ids = re.findall(r'<clipPath id="([^"]+)"', to_html(diagnosis))
    assert ids and len(set(ids)) == len(ids)


def test_the_files_are_the_same_each_time(diagnosis: Diagnosis, tmp_path: Path):
    first = write_report(diagnosis, tmp_path / "a", {}, [{"topic": "x"}])
    second = write_report(diagnosis, tmp_path / "b", {}, [{"topic": "x"}])
    assert [path.name for path in first] == ["report.html", "report.json", "report.md", "report.tex", "delivery.jsonl"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert json.loads(first[1].read_text())["systems"].keys() == {system.name for system in diagnosis.systems}
    assert "<script>" not in first[2].read_text()
    assert json.loads(first[4].read_text()) == {"topic": "x"}


POINT = Point("a $name_1$ <b> \x07", Estimate(0.5, 0.4, 0.6), Estimate(3, 1, 5), (-2, 2))


def test_pictures_keep_names_as_they_are_and_know_both_themes():
    svg = tradeoff([POINT], "nDCG@20")
    assert "a $name_1$ &lt;b&gt;" in svg and "\x07" not in svg
    assert "var(--s0)" in themed(svg) and not re.search(r"#0[0-6]0[0-9a-f]{4}\b", themed(svg))
    assert not re.search(r"#(0[1-4]){3}\b|#0501", plain(svg)) and "var(" not in plain(svg)


def test_a_flow_colours_what_was_asked():
    svg = themed(flows({"one": Flow("a", "b", (("x", 1, 4, "sink"), ("y", 4, 1, "rise"), ("z", 2, 2, "")))}))
    assert "var(--sink)" in svg and "var(--rise)" in svg and "var(--muted)" in svg


TABLE = Table(
    "t",
    "A title_1",
    (Column("system"), Column("nDCG", "percent"), Column("net", "points")),
    (("a|b <i> 50%", Estimate(0.5, 0.25, 0.75), -1.25), ("=HYPERLINK()", Estimate(0.5), None)),
)


def test_tables_escape_for_where_they_go():
    assert r"a\|b &lt;i&gt;" in to_markdown(TABLE) and "50.0 [25.0, 75.0]" in to_markdown(TABLE)
    assert r"50\%" in to_latex(TABLE) and r"title\_1" in to_latex(TABLE)
    rows = list(csv.reader(io.StringIO(to_csv(TABLE))))
    assert rows[0] == ["system", "nDCG", "nDCG low", "nDCG high", "net"]
    assert rows[1] == ["a|b <i> 50%", "0.5", "0.25", "0.75", "-1.25"]
    assert rows[2] == ["'=HYPERLINK()", "0.5", "", "", ""]


def test_latex_leaves_no_special_letter_alone():
    assert latex_text("a\\b&c%d$e#f_g{h}i~j^k") == (
        r"a\textbackslash{}b\&c\%d\$e\#f\_g\{h\}i\textasciitilde{}j\textasciicircum{}k"
    )


@pytest.mark.parametrize(
    ("cell", "kind", "text"),
    [
        (0.12345, "percent", "12.3"),
        (-0.04, "points", "0.0"),
        (-3.26, "points", "−3.3"),
        (None, "points", "–"),
        (7, "count", "7"),
    ],
)
def test_numbers_are_shown_as_people_write_them(cell, kind, text):
    assert shown(cell, kind)[0] == text


@pytest.mark.parametrize(
    ("first", "second", "parts"),
    [
        ("say one thing", "say two thing", ("say ", "one", "two", " thing")),
        ("same", "same", ("same", "", "", "")),
        ("a b", "a b c", ("a ", "b", "b c", "")),
        ("", "x y", ("", "", "x y", "")),
    ],
)
def test_a_difference_rebuilds_both_texts(first, second, parts):
    found = difference(first, second)
    assert (found.start, found.first, found.second, found.end) == parts
    assert found.start + found.first + found.end == first
    assert found.start + found.second + found.end == second
