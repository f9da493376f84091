"""Plans by a chat model: a structured answer, checked before it is believed."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from heedful.errors import BadPlan, Upstream

if TYPE_CHECKING:
    from heedful.corpus.aspects import AspectScheme
    from heedful.seams import ChatModel

log = logging.getLogger("heedful.explore.plan")

_KEYS = {"aspects", "wanted", "avoided", "where", "task", "not_understood"}
_STRING = re.compile(r"'(?:[^']|'')*'")
_SQL_WORDS = frozenset(
    "and or not in like ilike between is null true false cast as date timestamp lower upper regexp_match starts_with "
    "ends_with contains".split()
)


def prompt(text: str, scheme: AspectScheme, columns: Collection[str]) -> str:
    """The prompt for one instruction."""
    aspects = "\n".join(f"- {name}: {definition}" for name, definition in scheme.definitions.items())
    form = files("heedful.explore.planning").joinpath("prompt.txt").read_text(encoding="utf-8")
    return (
        form.replace("{aspects}", aspects)
        .replace("{columns}", ", ".join(sorted(columns)) or "none (where must be null)")
        .replace("{instruction}", text)
    )


def ask(text: str, chat: ChatModel, scheme: AspectScheme, columns: Collection[str]) -> Mapping[str, Any] | None:
    """The chat model's answer as JSON values; None, with a warning in the log, where it cannot be used."""
    try:
        (answer,) = chat.complete([prompt(text, scheme, columns)])
        value = parse(answer)
        check_where(value.get("where"), columns)
    except (Upstream, BadPlan, ValueError) as error:
        log.warning("the chat model gave no usable plan (%s); the rules made it instead", error)
        return None
    return value


def parse(answer: str) -> Mapping[str, Any]:
    """The JSON object in an answer, with or without a code fence. Raises BadPlan."""
    start, end = answer.find("{"), answer.rfind("}")
    try:
        value = json.loads(answer[start : end + 1])
    except ValueError as error:
        raise BadPlan(f"plan: found an answer that is not JSON ({error}): {answer[:80]!r}") from None
    if not isinstance(value, dict) or not value.keys() >= _KEYS:
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise BadPlan(f"plan: found {found}; expected an object with the keys {', '.join(sorted(_KEYS))}")
    return value


def check_where(where: object, columns: Collection[str]) -> None:
    """Raise BadPlan unless a filter is one condition over known columns: no statement, comment or other name."""
    if where in (None, ""):
        return
    if not isinstance(where, str):
        raise BadPlan(f"plan: where: found {type(where).__name__}; expected a string or null")
    bare = _STRING.sub(" ", where)
    if re.search(r"--|/\*|;|'|\"", bare) or not where.isprintable():
        raise BadPlan(f"plan: where: found {where!r}; expected one condition over {', '.join(sorted(columns))}")
    for quoted, word in re.findall(r"`([^`]*)`|([A-Za-z_]\w*)", bare):
        if (quoted or word) not in columns and word.lower() not in _SQL_WORDS:
            raise BadPlan(
                f"plan: where: found {quoted or word!r}; expected only the columns {', '.join(sorted(columns))}"
            )
