"""Names to systems."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Literal

import pytest

from heedful.errors import BadSystem, Missing
from heedful.systems import registry
from heedful.systems.listing import listing
from heedful.systems.registry import parse_system, split_name
from heedful.systems.simple import FromRun, Oracle, Random


@dataclass(frozen=True)
class Sample:
    size: int
    rate: float | None = None
    loud: bool = False
    by: Literal["ot", "maxsim"] = "ot"
    text: str = ""


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        "sample": EntryPoint("sample", f"{__name__}:Sample", registry.GROUP),
        "broken": EntryPoint("broken", "no_such_package:thing", registry.GROUP),
    }
    monkeypatch.setattr(registry, "_entries", lambda: entries)


def test_the_built_ins_come_in_by_the_entry_points():
    assert parse_system("random") == Random()
    assert parse_system(" random( seed = 7 ) ") == Random(7)
    assert parse_system("oracle()") == Oracle()
    assert parse_system('run(path="a, (b).run")') == FromRun("a, (b).run")


def test_options_take_the_types_of_their_annotations(sample: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(EntryPoint, "load", lambda self: Sample)
    assert parse_system("sample(size=3, rate=.5, loud=true, by=maxsim, text=a(b,c))") == Sample(
        3, 0.5, True, "maxsim", "a(b,c)"
    )
    assert parse_system("sample(size=3, rate=none)") == Sample(3)
    for text, what in [
        ("sample", "lacks the option 'size'"),
        ("sample(size=three)", "expected a number"),
        ("sample(size=3, by=x)", "expected one of ot, maxsim"),
        ("sample(size=3, loud=perhaps)", "expected true or false"),
        ("sample(size=3, colour=red)", "found the option 'colour'; sample has size, rate"),
    ]:
        with pytest.raises(BadSystem, match=what):
            parse_system(text)


@pytest.mark.parametrize("text", ["", "a(b", "a(b=1))", "(a=1)", "a(b)", "a(b=1, b=2)", "a(b='x)", "a b"])
def test_what_is_no_system_name_is_refused(text: str):
    with pytest.raises(BadSystem):
        split_name(text)


def test_an_unknown_name_is_told_what_is_near():
    with pytest.raises(BadSystem, match="did you mean random"):
        parse_system("randon")


def test_a_system_that_cannot_be_imported_is_missing_and_listed_as_such(sample: None, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Missing, match="no_such_package"):
        parse_system("broken")
    row = next(row for row in listing() if row["name"] == "broken")
    assert not row["available"] and "no_such_package" in row["missing"]


def test_the_listing_says_what_each_needs_and_is_told():
    rows = {row["name"]: row for row in listing()}
    assert {"random", "oracle", "bm25", "minilm", "run", "st"} <= rows.keys()
    assert rows["oracle"]["given"] == ["grades", "id"]
    assert rows["minilm"]["licence"] == "Apache-2.0"
    assert rows["minilm"]["options"] == {"instruction": "none"}
