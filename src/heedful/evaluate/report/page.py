"""A diagnosis as one HTML page that needs nothing else: no script, no font, no picture from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from heedful.errors import Missing
from heedful.evaluate.diagnosis import Diagnosis, Exhibit
from heedful.evaluate.report import views
from heedful.evaluate.report.figures import SERIES, themed


@dataclass(frozen=True, slots=True)
class Difference:
    """Two texts: what they share at the start, where they differ, what they share at the end."""

    start: str
    first: str
    second: str
    end: str


def difference(first: str, second: str) -> Difference:
    """Where two texts differ, cut at white space."""
    limit = min(len(first), len(second))
    at = next((i for i in range(limit) if first[i] != second[i]), limit)
    at = first.rfind(" ", 0, at) + 1 if at < max(len(first), len(second)) else at
    left = limit - at
    back = next((i for i in range(left) if first[-1 - i] != second[-1 - i]), left)
    while back and not first[len(first) - back].isspace():
        back -= 1
    return Difference(
        first[:at], first[at : len(first) - back], second[at : len(second) - back], first[len(first) - back :]
    )


def _inputs(exhibit: Exhibit) -> Difference | None:
    if exhibit.og_inputs is None or exhibit.changed_inputs is None:
        return None
    return difference("\n\n".join(exhibit.og_inputs), "\n\n".join(exhibit.changed_inputs))


def to_html(diagnosis: Diagnosis, topics: Mapping[str, str] | None = None) -> str:
    """The page. topics: topic id -> what to call it in captions. Every text of others is escaped.

    Raises Missing without the extra `report`.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise Missing("the report needs jinja2; pip install 'heedful[report]'") from error
    environment = Environment(
        loader=PackageLoader("heedful.evaluate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def picture(svg: str | None) -> Any:
        return Markup(themed(svg)) if svg else None  # ours; matplotlib has escaped the texts in it

    systems = views.finished(diagnosis)
    return environment.get_template("diagnosis.html").render(
        d=diagnosis,
        style=Markup(files("heedful.evaluate.report").joinpath("templates/report.css").read_text(encoding="utf-8")),
        series=SERIES,
        headline=views.headline(diagnosis),
        summary=views.summary_table(diagnosis),
        splits=views.split_table(diagnosis),
        comparisons=views.comparison_table(diagnosis),
        variants=[
            (
                views.variant_table(diagnosis, system),
                views.variant_table(diagnosis, system, every=True) if system.spreads else None,
            )
            for system in systems
        ],
        wordings=views.wordings_table(diagnosis, systems),
        groups=views.group_table(diagnosis, systems),
        tradeoff=picture(views.tradeoff_picture(diagnosis)),
        group_picture=picture(views.group_picture(diagnosis)),
        variant_picture=picture(views.variant_picture(diagnosis)),
        flows=[(og, changed, picture(svg)) for og, changed, svg in views.flow_pictures(diagnosis)],
        exhibits=[(system, [(e, _inputs(e)) for e in system.exhibits]) for system in systems],
        wrong_way=[system for system in systems if system.wrong_way],
        names=dict(topics or {}),
        manifest=json.dumps(diagnosis.facts, indent=1, ensure_ascii=False),
    )
