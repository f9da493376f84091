"""The vectors of some documents, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from heedful.records import Vector


@dataclass(frozen=True, slots=True, eq=False)
class VectorBlock:
    """The vectors of n documents, in the order asked for; all float32.

    whole: (n, dim). aspects: name -> (n, dim), a row of zeros where the document lacks the aspect. sentences:
    (total, dim). offsets: (n + 1,); document i's sentences are rows offsets[i]:offsets[i+1]. probabilities: (total,
    aspects) in the order of the collection's aspects.
    """

    ids: tuple[str, ...]
    whole: Vector
    aspects: Mapping[str, Vector]
    sentences: Vector
    offsets: NDArray[np.int64]
    probabilities: Vector
