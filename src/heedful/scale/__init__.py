"""Past one machine: mappers over Ray, and builds whose shards are encoded and written by many workers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "EncoderRecipe": "heedful.scale.encoding",
    "MappedEncoder": "heedful.scale.encoding",
    "RayMapper": "heedful.scale.cluster",
    "build_in_shards": "heedful.scale.build",
}
__all__ = ["EncoderRecipe", "MappedEncoder", "RayMapper", "build_in_shards"]

if TYPE_CHECKING:
    from heedful.scale.build import build_in_shards as build_in_shards
    from heedful.scale.cluster import RayMapper as RayMapper
    from heedful.scale.encoding import EncoderRecipe as EncoderRecipe
    from heedful.scale.encoding import MappedEncoder as MappedEncoder


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heedful.scale' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
