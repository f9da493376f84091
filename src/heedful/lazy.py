"""Names of a package that are imported when first asked for: some of them bring torch, or ray."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_from(homes: Mapping[str, str], namespace: dict[str, Any]) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562). homes: name -> the module that has it. namespace: its `globals()`."""

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        value = namespace[name] = getattr(import_module(homes[name]), name)
        return value

    return get
