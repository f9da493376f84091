"""What the stages make of one passage, as values that a ledger keeps as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from heedful.synthesize.asking import Use
from heedful.synthesize.rows import Passage
from heedful.synthesize.sources import Item

ORIGINAL, POSITIVE = "original", "positive"
INSTRUCTION, QUERY, POLARITY = "poisoned-instruction", "poisoned-query", "polarity"
SIDES = (INSTRUCTION, QUERY, POLARITY)
POISONED = (INSTRUCTION, QUERY)


@dataclass(frozen=True, slots=True)
class Altered:
    """Query and instruction of which one was altered, and the passage that is to satisfy them.

    side: one of SIDES. passage: not the positive, which no longer satisfies them. origin: "corpus" or "generated".
    """

    side: str
    query: str
    instruction: str
    passage: Passage | None = None
    origin: str = "corpus"


@dataclass(frozen=True, slots=True)
class Judgment:
    """What the validator said of one passage under one request.

    shown: POSITIVE or the side whose passage it was. under: ORIGINAL or the side whose query and instruction it was.
    """

    shown: str
    under: str
    satisfied: bool
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Draft:
    """What is there of a row. manner: kind, length and style of its instruction."""

    query: str
    instruction: str
    manner: Mapping[str, str]
    altered: tuple[Altered, ...] = ()
    judgments: tuple[Judgment, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One item, done. steps: (stage, reason), an empty reason where the stage was passed. uses: prompt -> cost.

    draft: None where the item was dropped. unanswered: why nothing can be said of the item yet; it is not kept then.
    stopped: likewise, where it was the budget that ended.
    """

    item: Item
    draft: Draft | None = None
    steps: tuple[tuple[str, str], ...] = ()
    uses: Mapping[str, Use] = field(default_factory=dict)
    unanswered: str = ""
    stopped: str = ""

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; `read_outcome` reads it."""
        return asdict(self)


def read_outcome(fields: Mapping[str, Any]) -> Outcome:
    """An outcome from its JSON."""
    item, draft = fields["item"], fields["draft"]
    return Outcome(
        Item(item["position"], Passage(**item["passage"]), item["query"]),
        None if draft is None else _draft(draft),
        tuple((stage, reason) for stage, reason in fields["steps"]),
        {stage: Use(**use) for stage, use in fields["uses"].items()},
    )


def _draft(fields: Mapping[str, Any]) -> Draft:
    return Draft(
        fields["query"],
        fields["instruction"],
        fields["manner"],
        tuple(
            Altered(**side | {"passage": Passage(**side["passage"]) if side["passage"] else None})
            for side in fields["altered"]
        ),
        tuple(Judgment(**judgment) for judgment in fields["judgments"]),
    )


def shuffled(passages: Sequence[Passage], *key: str) -> list[Passage]:
    """In an order that depends on the key and the ids alone."""

    def place(passage: Passage) -> bytes:
        return hashlib.sha256("\0".join((*key, passage.id)).encode("utf-8", "surrogatepass")).digest()

    return sorted(passages, key=place)
