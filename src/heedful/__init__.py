"""Heedful: retrieval that heeds instructions.

The public names are imported when first asked for, so that `import heedful` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heedful.lazy import names_from

__version__ = "0.1.0"

_HOMES = {
    "Document": "heedful.records",
    "Hit": "heedful.records",
    "Plan": "heedful.records",
    "Qrels": "heedful.records",
    "Run": "heedful.records",
    "Sentence": "heedful.records",
    "Topic": "heedful.records",
    "HeedfulError": "heedful.errors",
    "Comparison": "heedful.explore",
    "Exploration": "heedful.explore",
    "Explorer": "heedful.explore",
    "open": "heedful.explore",
    "p_mrr": "heedful.evaluate.following",
    "HashEncoder": "heedful.encode.hashing",
    "load_encoder": "heedful.encode.load",
}
__all__ = sorted([*_HOMES, "__version__"])

if TYPE_CHECKING:
    from heedful.encode.hashing import HashEncoder as HashEncoder
    from heedful.encode.load import load_encoder as load_encoder
    from heedful.errors import HeedfulError as HeedfulError
    from heedful.evaluate.following import p_mrr as p_mrr
    from heedful.explore import Comparison as Comparison
    from heedful.explore import Exploration as Exploration
    from heedful.explore import Explorer as Explorer
    from heedful.explore import open as open
    from heedful.records import Document as Document
    from heedful.records import Hit as Hit
    from heedful.records import Plan as Plan
    from heedful.records import Qrels as Qrels
    from heedful.records import Run as Run
    from heedful.records import Sentence as Sentence
    from heedful.records import Topic as Topic


__getattr__ = names_from(_HOMES, globals())


def __dir__() -> list[str]:
    return __all__
