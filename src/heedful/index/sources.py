"""What an index was made of: the files, by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def describe_sources(paths: Sequence[Path]) -> list[Mapping[str, Any]]:
    """Name, size and SHA-256 of every file; of a folder, of the files directly in it. Missing files are left out."""
    return [
        {"name": file.name, "size": file.stat().st_size, "sha256": _sha256(file)}
        for path in paths
        for file in _files(Path(path))
    ]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.iterdir() if file.is_file())
    elif path.is_file():
        yield path


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
