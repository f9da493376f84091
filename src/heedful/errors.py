"""Every error raised on purpose.

HeedfulError                  exit code 1
  BadInput (ValueError)       2   BadRecord, BadRun, BadQrels, BadMeasure, BadRank, BadBenchmark, BadPlan, BadFilter,
                                  BadSystem, UnknownId, UnknownAspect, Unwritable, Diverged
  Mismatch                    2   artifacts that do not belong together, or are damaged
  Missing                     3   an extra, a model, a file, a key
  BudgetSpent                 3   the money set aside is spent; holds what is there
  Upstream                    4   a service or the machine failed: RateLimited, Refused, Unparsable, StorageFailed

A message says where, what was found, and what would do.
"""

from __future__ import annotations

from collections.abc import Sequence


class HeedfulError(Exception):
    """The root of every error that Heedful raises on purpose."""

    exit_code = 1


class BadInput(HeedfulError, ValueError):
    """Something given by the user cannot be used as it is."""

    exit_code = 2


class BadLine(BadInput):
    """A line of an input file cannot be read."""

    def __init__(self, path: object, line: int, found: str, expected: str):
        self.path, self.line, self.found, self.expected = str(path), line, found, expected
        super().__init__(f"{path}:{line}: found {found}; expected {expected}")


class BadRecord(BadLine):
    """An entry of a corpus file cannot become a document."""


class BadRun(BadLine):
    """A line of a run file is not 'topic Q0 document rank score tag'."""


class BadQrels(BadLine):
    """A line of a qrels file is not 'topic 0 document grade'."""


class BadBenchmark(BadInput):
    """A benchmark folder lacks a file, or its files disagree."""


class BadMeasure(BadInput):
    """A measure's name is unknown or its parameters are off."""


class BadRank(BadInput):
    """A rank below 1."""


class BadPlan(BadInput):
    """A plan has an unknown key or a value out of range."""


class BadFilter(BadInput):
    """A --where filter does not parse, or names a column that the collection lacks."""


class BadSystem(BadInput):
    """A system name is unknown or its options are off."""


class UnknownId(BadInput):
    """A document id that the collection lacks."""

    def __init__(self, id: str, nearest: Sequence[str] = ()):
        self.id, self.nearest = id, tuple(nearest)
        hint = f"; nearest ids: {', '.join(nearest)}" if nearest else "; the collection is empty"
        super().__init__(f"no document has the id {id!r}{hint}")


class UnknownAspect(BadInput):
    """An aspect that the collection lacks."""

    def __init__(self, aspect: str, known: Sequence[str]):
        self.aspect, self.known = aspect, tuple(known)
        super().__init__(f"unknown aspect {aspect!r}; this collection has {', '.join(known) or 'no aspects'}")


class Unwritable(BadInput):
    """An output path cannot be written."""


class Diverged(BadInput):
    """Training with these settings or rows gives no finite number."""


class Mismatch(HeedfulError):
    """Artifacts that do not belong together, or one that is damaged."""

    exit_code = 2


class Missing(HeedfulError):
    """An extra, a model, a file or a key that is needed and not there."""

    exit_code = 3


class BudgetSpent(HeedfulError):
    """The budget does not cover the next call. partial: what is there, for whoever raised it to say in which form."""

    exit_code = 3

    def __init__(self, message: str, partial: object = None):
        self.partial = partial
        super().__init__(message)


class Upstream(HeedfulError):
    """A service, or the machine underneath, failed."""

    exit_code = 4


class RateLimited(Upstream):
    """A service kept refusing for want of quota after bounded retries."""


class Refused(Upstream):
    """A service refused the request."""


class Unparsable(Upstream):
    """A service answered something that cannot be read."""


class StorageFailed(Upstream):
    """The disk is full or an input/output call failed; what was complete before is intact."""


def first_line(error: BaseException) -> str:
    """What another's error says, on one line of at most 300 characters: its kind where it says nothing."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line if len(line) <= 300 else f"{line[:300]}..."
