"""A --where filter: a boolean SQL expression over the collection's columns, and nothing else.

A row whose column is null fits no comparison with it (`year > 2000`, `year != 2000` and `NOT year > 2000` all leave
it out); `year IS NULL` finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heedful.errors import BadFilter

_TOKEN = re.compile(
    r"""\s+
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*" | `[^`]*`)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<symbol><=|>=|<>|!=|==|\|\||[=<>+*/%(),-])
    """,
    re.VERBOSE,
)
_CORE = frozenset("and or not in is null like ilike between true false escape".split())
_SOFT = frozenset(
    "cast as case when then else end date timestamp int bigint float double string varchar boolean".split()
)
_FUNCTIONS = frozenset(
    "lower upper length char_length trim abs coalesce starts_with ends_with contains regexp_like regexp_match substr "
    "round floor ceil cast".split()
)
_MAX_LENGTH, _MAX_DEPTH = 10_000, 60


def normalize(where: str, columns: Iterable[str]) -> str:
    """The expression with every column back-quoted, or BadFilter.

    columns: what may be named, in any case where that is unambiguous. Double quotes hold a column's name, or else a
    string. Subqueries, comments, several statements and unknown functions are refused here, whatever the engine does.
    """
    known = tuple(columns)
    tokens = list(_tokens(where, known))
    if not tokens:
        raise BadFilter("--where is empty; leave it out, or write something like: year >= 2020")
    pieces: list[str] = []
    depth = 0
    for position, (kind, text) in enumerate(tokens):
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if kind == "word":
            pieces.append(_word(where, text, following, known))
        elif kind == "quoted":
            inner = text[1:-1]
            column = _column(inner, known)
            if column is None and text[0] == "`":
                raise _unknown(where, inner, known)
            pieces.append(f"`{column}`" if column else "'" + inner.replace('""', '"').replace("'", "''") + "'")
        else:
            depth += (text == "(") - (text == ")")
            if depth < 0 or depth > _MAX_DEPTH:
                raise BadFilter(f"--where {where!r}: parentheses do not match, or are nested too deep")
            pieces.append("=" if text == "==" else text)
    if depth:
        raise BadFilter(f"--where {where!r}: a parenthesis is not closed")
    return " ".join(pieces)


def _tokens(where: str, known: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    if len(where) > _MAX_LENGTH:
        raise BadFilter(f"--where has {len(where)} characters; at most {_MAX_LENGTH} are read")
    for comment in ("--", "/*"):
        if comment in re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "''", where):
            raise BadFilter(f"--where {where!r}: comments are not allowed")
    position = 0
    while position < len(where):
        match = _TOKEN.match(where, position)
        if match is None:
            raise BadFilter(
                f"--where {where!r}: cannot read {where[position : position + 12]!r} at character {position + 1}; "
                f"write one condition over {', '.join(known)}, strings in single quotes"
            )
        position = match.end()
        if match.lastgroup:
            yield match.lastgroup, match.group(match.lastgroup)


def _word(where: str, word: str, following: str, known: tuple[str, ...]) -> str:
    lowered = word.lower()
    if lowered in _CORE:
        return lowered.upper()
    if following == "(" and lowered in _FUNCTIONS:
        return lowered
    literal = lowered in ("date", "timestamp") and following.startswith("'")
    column = None if literal else _column(word, known)
    if column is not None:
        return f"`{column}`"
    if lowered in _SOFT:
        return lowered.upper()
    raise _unknown(where, word, known, function=following == "(")


def _column(name: str, known: tuple[str, ...]) -> str | None:
    if name in known:
        return name
    alike = [column for column in known if column.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _unknown(where: str, name: str, known: tuple[str, ...], function: bool = False) -> BadFilter:
    if function:
        return BadFilter(
            f"--where {where!r}: {name!r} is no function that filters know ({', '.join(sorted(_FUNCTIONS))})"
        )
    return BadFilter(
        f"--where {where!r}: no column {name!r}; this collection has {', '.join(known)} (strings take single quotes)"
    )
