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
from heedful.index.objects import Location, place_of

_log = logging.getLogger("heedful.index")


def home_of(folder: Location) -> Path:
    """The local folder with the derived files. One for object storage is marked as used now, and others give way."""
    if isinstance(folder, Path):
        return folder
    most = most_bytes()
    homes = cache_folder() / "indexes"
    home = homes / hashlib.sha256(place_of(folder).encode()).hexdigest()[:32]
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "address.txt").write_text(f"{folder}\n", encoding="utf-8")
        os.utime(home)
        make_room(homes, keep=home, most=most)
    except OSError as error:  # whoever derives finds that out too, and takes a temporary folder
        _log.warning(
            "%s: cannot be used as a cache (%s); set HEEDFUL_CACHE to a folder that can", homes, error.strerror
        )
    return home


def most_bytes() -> float:
    """What the derived files of all remote indexes may occupy: $HEEDFUL_CACHE_GB, 50 unless it is set. BadInput."""
    given = os.environ.get("HEEDFUL_CACHE_GB", "50")
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < float("inf"):
        raise BadInput(f"HEEDFUL_CACHE_GB is {given!r}; expected a number of gigabytes, such as 50")
    return gigabytes * 1e9


def make_room(homes: Path, keep: Path, most: float) -> None:
    """Delete the homes used longest ago until the rest occupy at most so many bytes; never the one to keep."""
    known = []
    for entry in homes.iterdir():
        with suppress(OSError):  # another process deletes, too
            if entry.is_dir():
                known.append((entry.stat().st_mtime, entry))
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
    for at, _, names in os.walk(folder):  # passes over what is gone meanwhile
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(at, name)).st_size
    return total
