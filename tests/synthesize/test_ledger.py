from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.synthesize.pretended import maker, passage

from heedful.errors import BadInput, Mismatch, Unwritable
from heedful.synthesize.drafts import Outcome
from heedful.synthesize.ledger import Ledger
from heedful.synthesize.sources import Item

RECIPE = {"generator": "gen", "prompts": {"write": "1"}}


def outcome(number: int) -> Outcome:
    return maker()(Item(number, passage(number)))


def test_outcomes_come_back_in_the_order_of_this_run(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "work" / "l.sqlite", RECIPE)
    outcomes = [outcome(number) for number in range(3)]
    for one in outcomes:
        ledger.add(one)
    ledger.add(outcomes[1])  # again: still one
    assert list(ledger.outcomes()) == outcomes
    ledger.close()
    again = Ledger(tmp_path / "work" / "l.sqlite", RECIPE)
    again.begin()
    assert list(again.outcomes()) == []  # a place is given by the source of this run
    assert again.place(outcomes[2].item.key, 0)
    assert again.place(outcomes[0].item.key, 1)
    assert not again.place("unknown", 2)
    assert list(again.outcomes()) == [outcomes[2], outcomes[0]]
    assert len(again) == 3


def test_another_recipe_is_refused_and_named(tmp_path: Path) -> None:
    Ledger(tmp_path / "work" / "l.sqlite", RECIPE).close()
    with pytest.raises(Mismatch, match='another generator "gen", now "other"; give another --out'):
        Ledger(tmp_path / "work" / "l.sqlite", RECIPE | {"generator": "other"})


def test_two_processes_never_work_on_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "work" / "l.sqlite"
    script = (
        "import sys, time; from pathlib import Path; from heedful.synthesize.ledger import Ledger\n"
        f"ledger = Ledger(Path(sys.argv[1]), {RECIPE!r}); print('open', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(BadInput, match="another heedful synthesize is at work"):
            Ledger(path, RECIPE)
    finally:
        other.kill()
        other.wait()
    Ledger(path, RECIPE).close()  # what a killed process held is free


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    path.write_text("some notes, long enough to be mistaken for a database file" * 30)
    with pytest.raises(Mismatch, match="no ledger"):
        Ledger(path, RECIPE)
    assert path.read_text().startswith("some notes")
    with pytest.raises(Unwritable):
        Ledger(path / "below" / "l.sqlite", RECIPE)
