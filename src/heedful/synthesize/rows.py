"""A triplet and where it came from; the values that generators make, audits read and converters write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType

from heedful.errors import BadInput
from heedful.records import Scalar

NEGATIVE_KINDS = ("poisoned-instruction", "poisoned-query", "hard", "polarity", "random")
SPLITS = ("train", "dev")
_NOTHING: Mapping[str, Scalar] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Passage:
    """What is ranked. id: the collection's, or one of its own where the text was generated."""

    id: str
    text: str
    title: str = ""

    @property
    def full(self) -> str:
        """Title and text as one string."""
        return f"{self.title}. {self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Negative:
    """A passage that does not satisfy the row's (query, instruction), and what it satisfies instead.

    kind: one of NEGATIVE_KINDS. "poisoned-instruction": it satisfies (row's query, `instruction`).
    "poisoned-query": it satisfies (`query`, row's instruction). "polarity": it satisfies the row's query under the
    reversed `instruction`. "hard": from the collection, near the query, satisfying neither side. "random": drawn
    blindly. origin: "corpus" or "generated".
    """

    passage: Passage
    kind: str = "hard"
    instruction: str = ""
    query: str = ""
    origin: str = "corpus"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validator said of one (query, instruction, passage), without knowing which it was.

    passage: its id. side: "positive" or the kind of the negative. against: "original" (the row's own query and
    instruction) or "poisoned" (the negative's). satisfied: the verdict; confidence: in [0, 1].
    """

    passage: str
    side: str
    satisfied: bool
    reason: str = ""
    confidence: float = 1.0
    against: str = "original"
    model: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a row came from.

    kind: what the instruction asks ("aspect", "exclusion", "negation", "filter", or a pipeline's own word). group: the
    rows that were made together share it (they reuse one another's passages under other instructions). seed: the
    document that is the query, where it is one. aspect: the aspect asked for, where one is. sources: ids of every
    document of the collection that the row shows. generator, validator: models, or "rules". templates: ids of the
    prompts or templates. cost_usd: what the row's calls cost. licence: of the sources. details: scalars of the
    generator's own.
    """

    kind: str = ""
    group: str = ""
    seed: str = ""
    aspect: str = ""
    sources: tuple[str, ...] = ()
    generator: str = ""
    validator: str = ""
    templates: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    cost_usd: float = 0.0
    licence: str = ""
    details: Mapping[str, Scalar] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Triplet:
    """An instruction, a query, the passage that satisfies both, and passages that do not."""

    id: str
    instruction: str
    query: str
    positive: Passage
    negatives: tuple[Negative, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    split: str = "train"

    def passages(self) -> tuple[Passage, ...]:
        """The positive, then the negatives'."""
        return (self.positive, *(negative.passage for negative in self.negatives))

    def first(self, kind: str) -> Negative | None:
        """The first negative of a kind."""
        return next((negative for negative in self.negatives if negative.kind == kind), None)


def check(row: Triplet, where: str) -> Triplet:
    """The row, if it can be trained on. Raises BadInput, naming `where` and the field."""
    for name, text in (("id", row.id), ("positive.id", row.positive.id), ("positive.text", row.positive.text)):
        if not text.strip():
            raise BadInput(f"{where}: found an empty {name}; expected text")
    if not (row.query.strip() or row.instruction.strip()):
        raise BadInput(f"{where}: found neither query nor instruction; expected at least one")
    if row.split not in SPLITS:
        raise BadInput(f"{where}: found split {row.split!r}; expected one of {', '.join(SPLITS)}")
    for at, negative in enumerate(row.negatives):
        if negative.kind not in NEGATIVE_KINDS:
            kinds = ", ".join(NEGATIVE_KINDS)
            raise BadInput(f"{where}: found negatives[{at}].kind {negative.kind!r}; expected one of {kinds}")
        if not negative.passage.id.strip() or not negative.passage.text.strip():
            raise BadInput(f"{where}: found negatives[{at}] with an empty id or text; expected both")
        if negative.passage.id == row.positive.id:
            raise BadInput(f"{where}: found the positive {row.positive.id!r} among its negatives; expected another")
    return row


def part_of(document: str, dev: float) -> str:
    """The split that a document belongs to, by its id alone: "dev" for a share `dev` in [0, 1] of all ids."""
    if not 0 <= dev <= 1:
        raise BadInput(f"a dev share of {dev}; expected a number from 0 to 1")
    digest = blake2b(document.encode("utf-8", "surrogatepass"), digest_size=8, person=b"heedful-split").digest()
    return "dev" if int.from_bytes(digest, "big") < dev * 2**64 else "train"


def split_of(documents: Sequence[str], dev: float) -> str | None:
    """The split that all these documents belong to; None where they belong to both (such a row is left out).

    A generator that draws a row's documents from one part only never meets None.
    """
    parts = {part_of(id, dev) for id in documents}
    return parts.pop() if len(parts) == 1 else None


def with_split(row: Triplet, dev: float) -> Triplet | None:
    """The row in the split of its source documents (its passages' ids where it names none); None where they differ."""
    split = split_of(row.provenance.sources or tuple(p.id for p in row.passages()), dev)
    return None if split is None else replace(row, split=split)
