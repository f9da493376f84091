"""Documents to a table and back: building, the opened index, filters. Names are imported when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heedful.lazy import names_from

_HOMES = {
    "BuildReport": "heedful.index.build",
    "Index": "heedful.index.reading",
    "Manifest": "heedful.index.manifest",
    "VectorBlock": "heedful.index.block",
    "build_index": "heedful.index.build",
    "describe_index": "heedful.index.describe",
    "describe_sources": "heedful.index.sources",
    "read_manifest": "heedful.index.manifest",
}
__all__ = [
    "BuildReport",
    "Index",
    "Manifest",
    "VectorBlock",
    "build_index",
    "describe_index",
    "describe_sources",
    "read_manifest",
]

if TYPE_CHECKING:
    from heedful.index.block import VectorBlock as VectorBlock
    from heedful.index.build import BuildReport as BuildReport
    from heedful.index.build import build_index as build_index
    from heedful.index.describe import describe_index as describe_index
    from heedful.index.manifest import Manifest as Manifest
    from heedful.index.manifest import read_manifest as read_manifest
    from heedful.index.reading import Index as Index
    from heedful.index.sources import describe_sources as describe_sources


__getattr__ = names_from(_HOMES, globals())
