"""Where derived things are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

from heedful.errors import Unwritable


def cache_folder() -> Path:
    """$HEEDFUL_CACHE, or the user's cache directory; made where it is not there yet. Raises Unwritable."""
    from platformdirs import user_cache_path

    named = os.environ.get("HEEDFUL_CACHE")
    folder = Path(named) if named else user_cache_path("heedful", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unwritable(f"{folder}: cannot be made ({error.strerror}); set HEEDFUL_CACHE to another folder") from error
    return folder
