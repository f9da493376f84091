"""What ranks here, and what each system needs."""

from __future__ import annotations

import inspect
from typing import Any

from heedful.errors import HeedfulError
from heedful.systems.protocol import Needs
from heedful.systems.registry import factory, system_names


def listing() -> list[dict[str, Any]]:
    """One JSON-ready row a registered system; one that cannot be imported says why in `missing`."""
    return [_row(name) for name in system_names()]


def _row(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "options": {}, "summary": "", "given": [], "available": True, "missing": ""}
    needs: Any = Needs()
    try:
        make = factory(name)
        needs = getattr(make, "needs", Needs())
        parameters = inspect.signature(make).parameters.values()
        row["options"] = {p.name: "" if p.default is p.empty else p.default for p in parameters}
        row["summary"] = " ".join((inspect.getdoc(make) or "").split("\n\n")[0].split())
        given: object = getattr(make, "given", None)
        row["given"] = sorted(given) if isinstance(given, frozenset) else []
    except HeedfulError as error:
        row |= {"available": False, "missing": str(error)}
    if needs.extra and row["available"]:
        row |= _extra(needs.extra)
    return row | {"size": needs.size, "licence": needs.licence, "gpu": needs.gpu, "extra": needs.extra}


def _extra(extra: str) -> dict[str, Any]:
    from importlib.util import find_spec

    package = {"train": "sentence_transformers", "llm": "openai"}.get(extra)
    if package is None or find_spec(package) is not None:
        return {}
    return {"available": False, "missing": f"pip install 'heedful[{extra}]'"}
