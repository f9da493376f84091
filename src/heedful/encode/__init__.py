"""Documents to vectors. The names are imported when first asked for: some of them bring torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "load_encoder": "heedful.encode.load",
    "HashEncoder": "heedful.encode.hashing",
    "OnePassEncoder": "heedful.encode.onepass",
    "document_text": "heedful.encode.passages",
}
__all__ = ["HashEncoder", "OnePassEncoder", "document_text", "load_encoder"]

if TYPE_CHECKING:
    from heedful.encode.hashing import HashEncoder as HashEncoder
    from heedful.encode.load import load_encoder as load_encoder
    from heedful.encode.onepass import OnePassEncoder as OnePassEncoder
    from heedful.encode.passages import document_text as document_text


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heedful.encode' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
