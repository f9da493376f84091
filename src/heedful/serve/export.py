"""Exports as attachments whose names are safe wherever they are saved."""

from __future__ import annotations

import re
from typing import Any

from fastapi import Response

_TYPES = {
    "bibtex": ("bib", "application/x-bibtex"),
    "ris": ("ris", "application/x-research-info-systems"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "json": ("json", "application/json"),
    "trec": ("run", "text/plain; charset=utf-8"),
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {media.split(";")[0]: {"schema": {"type": "string"}} for _, media in _TYPES.values()},
    }
}
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """A file's name without folders, dots in front, or anything but letters, digits, `-`, `_` and `.`; 1 to 80 long."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", re.split(r"[/\\]", name)[-1])
    plain = re.sub(r"\.{2,}", ".", plain).strip("-._")[:80]
    return "heedful" if not plain or _RESERVED.fullmatch(plain.split(".")[0]) else plain


def attachment(content: str, format: str, name: str) -> Response:
    """The file, to be saved and never shown."""
    ending, media = _TYPES[format]
    stem = safe_name(name).removesuffix(f".{ending}")
    headers = {"Content-Disposition": f'attachment; filename="{stem}.{ending}"'}
    return Response(content.encode("utf-8"), headers=headers, media_type=media)
