"""Files that name systems and what they re-rank: one a published table, run by one command."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from heedful.errors import BadInput
from heedful.evaluate.report.tables import Column, Table
from heedful.systems.experiments import Experiment
from heedful.systems.registry import parse_system

PAPER = "paper"  # the file that ships


@dataclass(frozen=True, slots=True)
class Recipes:
    """What a systems file says. rows: the row of the table -> the system. first_stage: empty where there is none."""

    rows: Mapping[str, str]
    first_stage: str = ""
    depth: int = 200


def read_recipes(name: str | Path) -> Recipes:
    """A systems file (TOML: first_stage, depth, [rows.NAME] system = "..."), or "paper", the one that ships.

    Raises BadInput where it cannot be read, BadSystem where a name in it is off.
    """
    path = Path(name)
    try:
        if str(name) == PAPER and not path.exists():
            text = files("heedful.systems").joinpath("recipes.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--systems-file {name}: cannot be read: {error}; expected a TOML file, or {PAPER}") from error
    try:
        given: dict[str, Any] = tomllib.loads(text)
        unknown = sorted(given.keys() - {"rows", "first_stage", "depth"})
        if unknown:
            raise ValueError(f"unknown {unknown[0]!r}")
        rows = {row: str(fields["system"]) for row, fields in given["rows"].items()}
        found = Recipes(rows, str(given.get("first_stage", "")), int(given.get("depth", 200)))
        if not rows or found.depth < 1 or len(set(rows.values())) < len(rows):
            raise ValueError("expected rows, each with a system of its own, and a depth of 1 or more")
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(
            f"--systems-file {name}: {error}; expected first_stage = NAME, depth = N and [rows.NAME] with system = NAME"
        ) from error
    for system in (*rows.values(), *filter(None, [found.first_stage])):
        parse_system(system)
    return found


def with_rows(found: Experiment, recipes: Recipes) -> Experiment:
    """The experiment with a table that says which system each row of the file is, and with the file in its manifest."""
    rows = tuple(
        (row, system, "failed: " + str(found.failed[system]) if system in found.failed else "done")
        for row, system in recipes.rows.items()
    )
    about = f"first stage {recipes.first_stage}, depth {recipes.depth}" if recipes.first_stage else ""
    table = Table("rows", "rows of the systems file", (Column("row"), Column("system"), Column("state")), rows, about)
    said = {"rows": dict(recipes.rows), "first_stage": recipes.first_stage or None, "depth": recipes.depth}
    return replace(found, tables=(table, *found.tables), facts={**found.facts, "systems_file": said})
