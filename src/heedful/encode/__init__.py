"""Documents to vectors. The names are imported when first asked for: some of them bring torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heedful.lazy import names_from

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


__getattr__ = names_from(_HOMES, globals())
