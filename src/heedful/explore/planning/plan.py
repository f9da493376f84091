"""Plans: what an instruction was understood as, offline by rules or by a chat model; and their JSON form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.errors import BadPlan
from heedful.explore.planning.chat import ask, log
from heedful.explore.planning.filters import read_columns
from heedful.explore.planning.reader import Reader
from heedful.records import Clause, Plan

if TYPE_CHECKING:
    from heedful.seams import ChatModel, DocumentEncoder

STEER = 0.5
"""What `steer` is in JSON where a plan leaves it to the scorer."""

_KEYS = ("aspects", "wanted", "avoided", "where", "task", "steer", "not_understood")


def make_plan(
    text: str,
    *,
    scheme: AspectScheme = SCIENCE,
    columns: Mapping[str, object] | Iterable[str] | None = None,
    encoder: DocumentEncoder | None = None,
    today: int | None = None,
    chat: ChatModel | None = None,
) -> Plan:
    """What an instruction asks for. Every text has a plan; the empty one asks for nothing (all aspects equal).

    scheme: the collection's aspects. columns: its metadata columns (name -> type, or names); only these occur in
    `where`; None assumes a numeric `year`. encoder: where given, words that name no aspect by themselves are
    compared with the aspects' definitions. today: the current year, for "the last five years". chat: makes the plan
    instead of the rules; where its answer cannot be used the rules make it, and the log warns.
    """
    roles = read_columns(columns)
    if chat is not None and text.strip():
        answer = ask(text, chat, scheme, roles.names)
        try:
            if answer is not None:
                return plan_from_dict(answer, scheme=scheme)
        except BadPlan as error:
            log.warning("the chat model gave no usable plan (%s); the rules made it instead", error)
    return Reader(scheme, roles, encoder, today).read(text)


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready values; `steer` is a number even where the plan leaves it open."""
    return {
        "aspects": dict(plan.aspects),
        "wanted": [{"text": c.text, "weight": c.weight} for c in plan.wanted],
        "avoided": [{"text": c.text, "weight": c.weight} for c in plan.avoided],
        "where": plan.where,
        "task": plan.task,
        "steer": STEER if plan.steer is None else plan.steer,
        "not_understood": list(plan.not_understood),
    }


def plan_from_dict(value: object, *, scheme: AspectScheme = SCIENCE) -> Plan:
    """A plan from JSON values; keys may be left out. Raises BadPlan at an unknown key or a value out of range."""
    if not isinstance(value, Mapping):
        raise BadPlan(f"plan: found {type(value).__name__}; expected an object with the keys {', '.join(_KEYS)}")
    if unknown := [str(key) for key in value if key not in _KEYS]:
        raise BadPlan(f"plan: found the unknown key {unknown[0]!r}; expected {', '.join(_KEYS)}")
    steer = value.get("steer")
    return Plan(
        aspects=_aspects(value.get("aspects", {}), scheme.names),
        wanted=_clauses(value.get("wanted", []), "wanted"),
        avoided=_clauses(value.get("avoided", []), "avoided"),
        where=_text(value.get("where"), "where"),
        task=_text(value.get("task"), "task"),
        steer=None if steer is None else _number(steer, "steer", 0.0, 1.0),
        not_understood=_strings(value.get("not_understood", [])),
    )


def _aspects(value: object, names: Sequence[str]) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise BadPlan(f"plan: aspects: found {type(value).__name__}; expected an object of name: weight in [-1, 1]")
    if unknown := [str(name) for name in value if name not in names]:
        raise BadPlan(f"plan: aspects: found the unknown aspect {unknown[0]!r}; this collection has {', '.join(names)}")
    return {name: _number(value.get(name, 0.0), f"aspects: {name}", -1.0, 1.0) for name in names}


def _clauses(value: object, key: str) -> tuple[Clause, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise BadPlan(f'plan: {key}: found {type(value).__name__}; expected a list of {{"text", "weight"}}')
    clauses = []
    for number, entry in enumerate(value, 1):
        where = f"{key} {number}"
        if isinstance(entry, str):
            entry = {"text": entry}
        if not isinstance(entry, Mapping) or set(entry) - {"text", "weight"}:
            raise BadPlan(f'plan: {where}: found {entry!r}; expected {{"text": ..., "weight": above 0, at most 1}}')
        text = entry.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadPlan(f"plan: {where}: found {text!r} under 'text'; expected words")
        weight = _number(entry.get("weight", 1.0), f"{where}: weight", 0.0, 1.0)
        if weight == 0:
            raise BadPlan(f"plan: {where}: found weight 0; expected above 0 and at most 1, or no such entry")
        clauses.append(Clause(text, weight))
    return tuple(clauses)


def _number(value: object, key: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadPlan(f"plan: {key}: found {value!r}; expected a number from {low:g} to {high:g}")
    if not low <= value <= high:
        raise BadPlan(f"plan: {key}: found {value:g}; expected a number from {low:g} to {high:g}")
    return float(value)


def _text(value: object, key: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise BadPlan(f"plan: {key}: found {type(value).__name__}; expected a string or null")


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise BadPlan("plan: not_understood: expected a list of strings")
