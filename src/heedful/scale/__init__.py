"""Past one machine: mappers over Ray, and builds whose shards are encoded and written by many workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heedful.lazy import names_from

_HOMES = {
    "EncoderRecipe": "heedful.scale.encoding",
    "MappedEncoder": "heedful.scale.encoding",
    "RayAccount": "heedful.scale.account",
    "RayMapper": "heedful.scale.cluster",
    "build_in_shards": "heedful.scale.build",
}
__all__ = ["EncoderRecipe", "MappedEncoder", "RayAccount", "RayMapper", "build_in_shards"]

if TYPE_CHECKING:
    from heedful.scale.account import RayAccount as RayAccount
    from heedful.scale.build import build_in_shards as build_in_shards
    from heedful.scale.cluster import RayMapper as RayMapper
    from heedful.scale.encoding import EncoderRecipe as EncoderRecipe
    from heedful.scale.encoding import MappedEncoder as MappedEncoder


__getattr__ = names_from(_HOMES, globals())
