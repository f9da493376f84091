"""Where derived things are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$HEEDFUL_CACHE, or the user's cache directory; made where it is not there yet."""
    from platformdirs import user_cache_path

    named = os.environ.get("HEEDFUL_CACHE")
    folder = Path(named) if named else user_cache_path("heedful", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
