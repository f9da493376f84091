"""Names to systems: `name` or `name(option=value, ...)`, by the entry points of the group heedful.systems."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from heedful.errors import BadSystem, HeedfulError, Missing
from heedful.systems.protocol import System

GROUP = "heedful.systems"
_NAME = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


@lru_cache(maxsize=1)
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP))}


def system_names() -> tuple[str, ...]:
    """The names that are registered, sorted."""
    return tuple(_entries())


def factory(name: str) -> Callable[..., System]:
    """What makes the system of that name. Raises BadSystem for an unknown one, Missing where its import fails."""
    entries = _entries()
    if name not in entries:
        near = get_close_matches(name, entries, 3)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise BadSystem(f"unknown system {name!r}{hint}; there are {', '.join(entries) or 'none'}")
    try:
        made: Callable[..., System] = entries[name].load()
    except HeedfulError:
        raise
    except (ImportError, AttributeError) as error:
        raise Missing(f"system {name!r} ({entries[name].value}) cannot be imported: {error}") from error
    return made


def parse_system(text: str) -> System:
    """A system from its name and options. Raises BadSystem for an unknown name or option or a value out of range."""
    name, options = split_name(text)
    make = factory(name)
    known = {
        parameter.name: parameter
        for parameter in inspect.signature(make).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    hints = get_type_hints(make.__init__ if inspect.isclass(make) else make)
    values: dict[str, Any] = {}
    for option, value in options.items():
        if option not in known:
            raise BadSystem(f"{text}: found the option {option!r}; {name} has {', '.join(known) or 'no options'}")
        values[option] = _convert(text, option, value, hints.get(option, str))
    needed = [option for option, p in known.items() if p.default is p.empty and option not in values]
    if needed:
        raise BadSystem(f"{text}: lacks the option {needed[0]!r}; expected {name}({needed[0]}=...)")
    return make(**values)


def split_name(text: str) -> tuple[str, dict[str, str]]:
    """`name(option=value, ...)` to the name and its options as text. Values may be quoted, and may nest parentheses."""
    match = _NAME.fullmatch(text)
    if not match:
        raise BadSystem(f"found {text!r}; expected a system as name or name(option=value, ...)")
    name, inside = match[1], match[2]
    options: dict[str, str] = {}
    for piece in _pieces(text, inside or ""):
        option, equals, value = piece.partition("=")
        option, value = option.strip(), value.strip()
        if not equals or not option:
            raise BadSystem(f"{text}: found {piece.strip()!r}; expected option=value")
        if option in options:
            raise BadSystem(f"{text}: found the option {option!r} twice")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        options[option] = value
    return name, options


def _pieces(text: str, inside: str) -> Iterator[str]:
    depth, quote, start = 0, "", 0
    for at, letter in enumerate(inside):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
            if depth < 0:
                break
        elif letter == "," and depth == 0:
            yield inside[start:at]
            start = at + 1
    if depth or quote:
        raise BadSystem(f"{text}: the parentheses or quotes do not close")
    if inside[start:].strip() or start:
        yield inside[start:]


def _convert(text: str, option: str, value: str, hint: Any) -> Any:
    """The text of an option as its annotated type: bool, int, float, str, a Literal, or one of them or None."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value.lower() == "none":
            return None
        for kind in (kind for kind in get_args(hint) if kind is not type(None)):
            try:
                return _convert(text, option, value, kind)
            except BadSystem:
                continue
        raise BadSystem(f"{text}: found {option}={value!r}; expected {hint}")
    if origin is Literal:
        allowed = {str(choice): choice for choice in get_args(hint)}
        if value not in allowed:
            raise BadSystem(f"{text}: found {option}={value!r}; expected one of {', '.join(allowed)}")
        return allowed[value]
    if hint is bool:
        if value.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise BadSystem(f"{text}: found {option}={value!r}; expected true or false")
        return value.lower() in ("true", "yes", "1")
    if hint in (int, float):
        try:
            return hint(value)
        except ValueError as error:
            raise BadSystem(f"{text}: found {option}={value!r}; expected a number ({hint.__name__})") from error
    return value
