"""What can be said about an index without searching it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from heedful.errors import Mismatch, Missing
from heedful.index import manifest as files
from heedful.index.objects import Location, locate, names_in
from heedful.index.store import TABLE, Store, bytes_below


def describe_index(path: Path | str) -> dict[str, Any]:
    """JSON-ready: documents, encoder, complete and, where it is complete, all that the manifest holds.

    For an index whose first build was cut off: the documents so far, complete false. under_way: an update was begun
    and not finished; readers see the version before it. bytes: on disk; derived_bytes: the part that can be made again.
    Raises Missing where there is no index, Mismatch where it is damaged.
    """
    folder = locate(path)
    journal = files.read_sealed(folder / files.JOURNAL)
    sizes = {"bytes": _bytes(folder), "derived_bytes": _bytes(folder / files.CACHE)}
    if journal is not None and not (folder / files.MANIFEST).exists():
        rows = 0
        if journal["order"].get("shards"):
            for name in names_in(folder / files.LEDGER):
                with suppress(Mismatch):  # half written, by a worker that is at it
                    entry = files.read_sealed(folder / files.LEDGER / name) if name.endswith(".json") else None
                    rows += entry["rows"] if entry else 0
        elif (folder / f"{TABLE}.lance").exists():
            rows = Store.open(folder).count()
        return {"documents": rows, "encoder": journal["encoder"], "complete": False, **sizes}
    manifest = files.read_manifest(folder)
    rows = Store.open(folder, manifest.version).count()
    if rows != manifest.documents:
        raise files.damaged(folder / f"{TABLE}.lance", f"{rows} rows, {manifest.documents} in the manifest")
    return {
        "documents": manifest.documents,
        "encoder": dict(manifest.encoder),
        "complete": manifest.complete,
        "under_way": journal is not None and journal["base"] == manifest.version,
        "sentences": manifest.sentences,
        "aspects": dict(manifest.aspects),
        "columns": {name: column.type for name, column in manifest.columns.items()},
        "search": "approximate" if manifest.ann else "exact",
        "version": manifest.version,
        "built": manifest.built,
        "corpus": manifest.corpus,
        "digest": manifest.digest,
        "sources": [dict(source) for source in manifest.sources],
        "libraries": dict(manifest.libraries),
        **sizes,
    }


def _bytes(folder: Location) -> int:
    try:
        return bytes_below(folder)
    except FileNotFoundError as error:  # a build is moving files about
        raise Missing(f"{folder}: changed while it was looked at; try again") from error
