"""Where the derived files of an index lie: in its folder, or for object storage in this machine's cache, bounded."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from heedful.cache import cache_folder
from heedful.errors import BadInput
from heedful.index.objects import Location

_log = logging.getLogger("heedful.index")


def home_of(folder: Location) -> Path:
    """The local folder with the derived files. One for object storage is marked as used now, and others give way."""
    if isinstance(folder, Path):
        return folder
    homes = cache_folder() / "indexes"
    home = homes / hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    home.mkdir(parents=True, exist_ok=True)
    (home / "address.txt").write_text(f"{folder}\n", encoding="utf-8")
    os.utime(home)
    make_room(homes, keep=home, most=most_bytes())
    return home


def most_bytes() -> float:
    """What the derived files of all remote indexes may occupy: $HEEDFUL_CACHE_GB, 50 unless it is set. BadInput."""
    given = os.environ.get("HEEDFUL_CACHE_GB", "50")
    try:
        return float(given) * 1e9
    except ValueError:
        raise BadInput(f"HEEDFUL_CACHE_GB is {given!r}; expected a number of gigabytes, such as 50") from None


def make_room(homes: Path, keep: Path, most: float) -> None:
    """Delete the homes used longest ago until the rest occupy at most so many bytes; never the one to keep."""
    known = [(entry.stat().st_mtime, entry) for entry in homes.iterdir() if entry.is_dir()]
    sizes = {entry: _bytes(entry) for _, entry in known}
    total = sum(sizes.values())
    for _, entry in sorted(known):
        if total <= most:
            return
        if entry != keep:
            _log.info("%s: derived files of another index give way", entry)
            shutil.rmtree(entry, ignore_errors=True)  # mapped files outlive their names
            total -= sizes[entry]


def _bytes(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            total += file.stat().st_size
    return total
