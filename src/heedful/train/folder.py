"""The folder of a run: which run it is, and the files that say so, each whole or absent."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from heedful.errors import Mismatch, StorageFailed, Unwritable
from heedful.train.recipe import Recipe

MANIFEST = "training.json"
CHECKPOINTS = "checkpoints"
BEFORE = "before.json"
_log = logging.getLogger("heedful.train")


def versions() -> dict[str, str]:
    """What the run stood on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import heedful

    found = {"heedful": heedful.__version__, "python": platform.python_version()}
    for name in ("torch", "transformers", "sentence-transformers", "accelerate", "peft", "datasets"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole or absent. Raises StorageFailed."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageFailed(f"{path}: cannot be written ({error.strerror or error}); make room") from None


def open_run(out: Path, identity: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """The manifest that is there, or a new one that says which run this is. Raises Mismatch, Unwritable.

    A run that failed before its first checkpoint binds nobody: its folder is taken over. Of several processes the
    first one judges and writes.
    """
    path, main = out / MANIFEST, int(os.environ.get("RANK", "0")) == 0
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    found: dict[str, Any] = {}
    if path.is_file():
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise Mismatch(f"{path}: found no manifest of a run ({error}); name another --out") from None
        differ = [key for key, value in identity.items() if found.get("identity", {}).get(key) != value]
        if not differ:
            if main and not found.get("complete") and found.get("processes", processes) != processes:
                _log.warning(
                    "begun with %d processes, going on with %d: the same batches, but dropout is drawn otherwise, so "
                    "that the weights will not be those of a run without a break",
                    found["processes"],
                    processes,
                )
            return found
        if main and (found.get("complete") or list((out / CHECKPOINTS).glob("checkpoint-*"))):
            raise Mismatch(
                f"{out}: found a run with another {' and '.join(differ)}{_apart(found.get('recipe'), recipe)}; name "
                "another --out, or delete it"
            )
    if not main:
        return {}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unwritable(f"{out}: cannot be made ({error.strerror}); name another --out") from None
    if not found and any(out.iterdir()):
        raise Mismatch(f"{out}: found a folder with other things in it; expected a new or empty one as --out")
    (out / BEFORE).unlink(missing_ok=True)
    write_json(path, {"identity": identity, "recipe": asdict(recipe), "processes": processes, "complete": False})
    return {}


def _apart(there: Any, recipe: Recipe) -> str:
    """The settings in which a run's recipe is another, in words; nothing where it is the same or not known."""
    known = there if isinstance(there, dict) else {}
    apart = [
        f"{name}={known[name]!r}, not {value!r}"
        for name, value in recipe.settings().items()
        if known.get(name, value) != value
    ]
    return f" (it has {'; '.join(apart)})" if apart else ""
