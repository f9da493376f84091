"""Compaction: many small pieces joined, what no reader needs deleted, approximate indexes brought up to date."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heedful.errors import BadInput, StorageFailed
from heedful.index import manifest as files
from heedful.index.ann import build_ann, choose_probes, unindexed
from heedful.index.derived import build_derived, prune_derived
from heedful.index.home import home_of
from heedful.index.manifest import Manifest
from heedful.index.objects import Location, locate
from heedful.index.store import TABLE, Store, bytes_below

_SLACK = 1.1


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What compacting did. needed: bytes of free space that it was sure to find. bytes: of the table, all versions."""

    documents: int
    version: int
    pieces_before: int
    pieces: int
    bytes_before: int
    bytes: int
    needed: int


def space_needed(folder: Location, store: Store) -> int:
    """Bytes: the table is written anew beside itself, and so are the derived files of a folder on this machine."""
    derived = bytes_below(folder / files.CACHE) if isinstance(folder, Path) and (folder / files.CACHE).exists() else 0
    return int(_SLACK * (store.bytes_in_use() + derived))


def compact_index(path: Path | str) -> CompactReport:
    """Join the pieces of an index and delete the versions before the one that readers may have open.

    That version's own files go with the next compaction or update. Answers stay as they are. Raises Missing, Mismatch,
    BadInput (a build under way), StorageFailed where the free space does not do; the index stays as it was then.
    """
    folder = locate(path)
    manifest = files.read_manifest(folder)
    with files.build_lock(folder) as still_ours:
        files.drop_stale_journal(folder, manifest)
        if (folder / files.JOURNAL).exists():
            raise BadInput(f"{folder}: a build was begun and not finished; run it again first, it resumes")
        store = Store.open(folder)
        if store.version != manifest.version:  # of a compaction that was cut off
            store.restore(manifest.version)
        needed = space_needed(folder, store)
        _require_space(folder, needed)
        pieces, size = store.fragments(), bytes_below(folder / f"{TABLE}.lance")
        store.compact(keep=manifest.version)
        search = _search(store, manifest) if manifest.ann else {}
        compacted = replace(manifest, version=store.version, search=search)
        home = home_of(folder)
        build_derived(home, compacted, store)
        still_ours()
        files.write_manifest(folder, compacted)
        prune_derived(home, {manifest.version, compacted.version})
        return CompactReport(
            manifest.documents,
            compacted.version,
            pieces,
            store.fragments(),
            size,
            bytes_below(folder / f"{TABLE}.lance"),
            needed,
        )


def _search(store: Store, manifest: Manifest) -> Mapping[str, Any]:
    dim, counts = manifest.encoder["dim"], {"whole": manifest.documents, **manifest.aspects}
    if set(manifest.search) != set(counts) or any(unindexed(store, manifest.search, manifest.aspects)):
        return build_ann(store, dim, manifest.documents, manifest.aspects)
    return {
        name: found
        if not found["partitions"]
        else {**found, **choose_probes(store, name, dim, counts[name], found["partitions"])}
        for name, found in manifest.search.items()
    }


def _require_space(folder: Location, needed: int) -> None:
    if not isinstance(folder, Path):
        return
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageFailed(
            f"{folder}: compacting needs {needed / 1e9:.1f} GB free (the table is written anew beside itself), "
            f"{free / 1e9:.1f} GB are; free some space, the index is as it was"
        )
