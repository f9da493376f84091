"""What a diagnosis says of a system: values only; `diagnosis_compute` makes them, `diagnosis_words` words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from heedful.evaluate.following import PMRR
from heedful.records import Run

TOP = 10  # the ranks that people look at; turnover is over these

Kind = Literal[
    "followed",
    "barely followed",
    "delivered, not followed",
    "not delivered",
    "motion, not following",
    "not followed",
    "against the instruction",
    "not judged",
    "failed",
]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a system made of one probe: the facts that a diagnosis starts from.

    variant, wording, about: which probe. instructions: topic -> what was said. run: its rankings. inputs: the delivery
    record, topic -> the exact strings that its model got because of the topic; None where the system cannot know.
    values: topic -> relevance measure, in [0, 1]. following: p-MRR over the pairs; None where nothing is paired.
    seconds: what ranking took.
    """

    variant: str
    wording: int
    about: str
    instructions: Mapping[str, str]
    run: Run
    inputs: Mapping[str, tuple[str, ...] | None]
    values: Mapping[str, float]
    following: PMRR | None
    seconds: float = 0.0

    @property
    def label(self) -> str:
        """`base`, `base (2)`, ..."""
        return self.variant if not self.wording else f"{self.variant} ({self.wording + 1})"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % interval (clusters resampled); None below two clusters."""

    value: float
    low: float | None = None
    high: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Moves:
    """How far rankings are from others of the same topics, on average. Motion alone is no following.

    rbo: rank-biased overlap (p = .9), in [0, 1], 1 = the same. tau: Kendall's, in [-1, 1]. turnover: share of the top
    ten that is new, in [0, 1]. same: in how many of the topics the two rankings are identical.
    """

    rbo: float
    tau: float
    turnover: float
    same: int
    topics: int

    def as_dict(self) -> dict[str, float | int]:
        """JSON-ready."""
        return {
            "rbo": self.rbo,
            "tau": self.tau,
            f"turnover@{TOP}": self.turnover,
            "same": self.same,
            "of": self.topics,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many of the comparisons in which the instructions differ reached the model as different inputs."""

    delivered: int
    of: int

    def as_dict(self) -> dict[str, int]:
        """JSON-ready."""
        return {"delivered": self.delivered, "of": self.of, "not_delivered": self.of - self.delivered}


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One system under one probe.

    relevance: group ("all" and aspects or sides) -> estimate. following_by: aspect asked for -> net p-MRR.
    between: the two rankings of a pair against each other. from_empty: against no instruction. from_base: against the
    base instruction. pairs: delivery within pairs; topics: delivery against no instruction. None where unknown, or
    where there is nothing to compare.
    """

    label: str
    variant: str
    wording: int
    about: str
    relevance: Mapping[str, Estimate]
    following: PMRR | None
    following_by: Mapping[str, Estimate]
    between: Moves | None
    from_empty: Moves | None
    from_base: Moves | None
    pairs: Delivery | None
    topics: Delivery | None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""

        def dictionary(value: Moves | Delivery | None) -> dict[str, Any] | None:
            return value.as_dict() if value else None

        return {
            "variant": self.variant,
            "wording": self.wording,
            "about": self.about,
            "relevance": {group: value.as_dict() for group, value in self.relevance.items()},
            "p-MRR": self.following.as_dict() if self.following else None,
            "net p-MRR by asked-for group": {group: value.as_dict() for group, value in self.following_by.items()},
            "between the rankings of a pair": dictionary(self.between),
            "against empty": dictionary(self.from_empty),
            "against base": dictionary(self.from_base),
            "delivery": {"pairs": dictionary(self.pairs), "topics": dictionary(self.topics)},
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """One variant over its wordings. deviation: standard deviation between them. rbo: of the others against one."""

    variant: str
    wordings: int
    relevance: float
    relevance_deviation: float
    net: float | None
    net_deviation: float | None
    rbo: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WrongWay:
    """A document that rose although the changed instruction made it non-relevant. ranks: 1-based."""

    pair: str
    og: str
    changed: str
    id: str
    og_rank: int
    changed_rank: int
    value: float
    title: str = ""
    text: str = ""
    about: str = ""
    og_instruction: str = ""
    changed_instruction: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """The delivery record of two topics side by side: what was said, and the exact strings that the model got."""

    variant: str
    og: str
    changed: str
    og_instruction: str
    changed_instruction: str
    og_inputs: tuple[str, ...] | None
    changed_inputs: tuple[str, ...] | None

    @property
    def identical(self) -> bool | None:
        """Whether the model got the same; None where that is unknown."""
        if self.og_inputs is None or self.changed_inputs is None:
            return None
        return self.og_inputs == self.changed_inputs

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"identical": self.identical}


@dataclass(frozen=True, slots=True)
class Flow:
    """One topic's ranking before and after. rows: (document id, rank before, rank after, "sink", "rise" or "")."""

    og: str
    changed: str
    rows: tuple[tuple[str, int, int, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"og": self.og, "changed": self.changed, "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True, slots=True)
class SystemDiagnosis:
    """Everything about one system on one split. error: why it did not finish; its other fields are then empty."""

    name: str
    kind: Kind
    verdict: str
    findings: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    results: Mapping[str, VariantResult] = field(default_factory=dict)
    spreads: tuple[Spread, ...] = ()
    wrong_way: tuple[WrongWay, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    flows: tuple[Flow, ...] = ()
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "verdict": {"kind": self.kind, "words": self.verdict, "findings": list(self.findings)},
            "given": list(self.given),
            "error": self.error or None,
            "variants": {label: result.as_dict() for label, result in self.results.items()},
            "wordings": [spread.as_dict() for spread in self.spreads],
            "wrong_way": [one.as_dict() for one in self.wrong_way],
            "delivery_examples": [one.as_dict() for one in self.exhibits],
            "rank_flow": [one.as_dict() for one in self.flows],
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a diagnosis found on one split.

    measure: of relevance. groups: the aspects or sides. facts: what a reader needs to repeat it (data, versions,
    instruction templates). others: split -> system -> base relevance and p-MRR, JSON-ready.
    """

    benchmark: str
    split: str
    measure: str
    convention: str
    topics: int
    documents: int
    pairs: int
    word: str
    groups: tuple[str, ...]
    systems: Sequence[SystemDiagnosis]
    comparisons: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, as report.json has it."""
        return {
            "benchmark": self.benchmark,
            "split": self.split,
            "measure": self.measure,
            "convention": self.convention,
            "topics": self.topics,
            "documents": self.documents,
            "pairs": self.pairs,
            "groups": list(self.groups),
            "systems": {system.name: system.as_dict() for system in self.systems},
            "comparisons": {what: list(rows) for what, rows in self.comparisons.items()},
            "splits": dict(self.splits),
            "manifest": dict(self.facts),
        }
