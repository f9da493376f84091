"""What a set holds, counted row by row in memory that grows with ids only: repeats, clashes, variety, leaks."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from heedful.corpus.duplicates import SeenIds
from heedful.synthesize.overlap import TestSets
from heedful.synthesize.rows import Passage, Triplet

EXAMPLES = 10
_WORD = re.compile(r"\w+")


@dataclass
class Counts:
    """Everything that is counted over all rows; `add` them one by one."""

    tests: TestSets | None = None
    rows: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    aspects: Counter[str] = field(default_factory=Counter)
    negatives: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    generators: Counter[str] = field(default_factory=Counter)
    validators: Counter[str] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    without_negatives: int = 0
    cost: float = 0.0
    verdicts: int = 0
    doubted: int = 0
    repeats: Counter[str] = field(default_factory=Counter)
    leaks: Counter[str] = field(default_factory=Counter)
    leaking: dict[str, str] = field(default_factory=dict)
    checked: int = 0
    words: Counter[str] = field(default_factory=Counter)
    shown: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        names = ("id", "row", "asked", "instruction", "query", "passage", "text", "pair", "words", "placed")
        self._seen = {name: SeenIds() for name in names}

    def add(self, row: Triplet) -> None:
        """One more row."""
        source = row.provenance
        self.rows += 1
        self.splits[row.split] += 1
        self.kinds[source.kind or "unnamed"] += 1
        if source.aspect:
            self.aspects[source.aspect] += 1
        self.licences[source.licence or "unstated"] += 1
        self.generators[source.generator or "unnamed"] += 1
        self.validators[source.validator or "none"] += 1
        self.templates.update(source.templates)
        self.cost += source.cost_usd
        self.verdicts += len(source.verdicts)
        self.doubted += sum(one.confidence < 0.6 for one in source.verdicts)
        self.without_negatives += not row.negatives
        for negative in row.negatives:
            self.negatives[negative.kind] += 1
            self.origins[negative.origin] += 1
        self._repeat(row)
        for passage in row.passages():
            self._passage(passage, row.split)
        self._leak("a query", Passage("", row.query))

    def _repeat(self, row: Triplet) -> None:
        asked = f"{row.query}\0{row.instruction}"
        if not self._seen["id"].add(row.id):
            self.repeats["rows with an id that another row has"] += 1
        if not self._seen["row"].add(f"{asked}\0{row.positive.text}"):
            self.repeats["rows with query, instruction and positive of another row"] += 1
        elif not self._seen["asked"].add(asked):
            self.repeats["rows with query and instruction of another row"] += 1
        self._seen["query"].add(row.query)
        if self._seen["instruction"].add(row.instruction):
            words = _WORD.findall(row.instruction.lower())
            self.words.update(f"{a} {b}" for a, b in pairwise(words))

    def _passage(self, passage: Passage, split: str) -> None:
        new_id = self._seen["passage"].add(passage.id)
        self.shown[hash(passage.id)] += 1
        self._seen["words"].add(passage.text)
        self._seen["placed"].add(f"{split}\0{passage.text}")
        new_text = self._seen["text"].add(f"{passage.title}\0{passage.text}")
        if self._seen["pair"].add(f"{passage.id}\0{passage.title}\0{passage.text}"):
            if not new_id:
                self.repeats["passage ids that stand for two texts"] += 1
            elif not new_text:
                self.repeats["passages with the text of another id"] += 1
            self._leak(passage.id, passage)

    def _leak(self, name: str, passage: Passage) -> None:
        if self.tests is None:
            return
        self.checked += 1
        reason = self.tests.reason(passage)
        if reason:
            self.leaks[reason] += 1
            if len(self.leaking) < EXAMPLES:
                self.leaking[name] = reason

    @property
    def both_splits(self) -> int:
        """Texts of passages that stand in more than one split."""
        return len(self._seen["placed"]) - len(self._seen["words"])

    @property
    def passages(self) -> int:
        """Different passages, by id."""
        return len(self._seen["passage"])

    def diversity(self) -> dict[str, Any]:
        """How much variety there is: different values, and how far the commonest reach."""
        pairs = sum(self.words.values())
        return {
            "instructions": len(self._seen["instruction"]),
            "queries": len(self._seen["query"]),
            "passages": self.passages,
            "templates": len(self.templates),
            "commonest_template_share": max(self.templates.values(), default=0) / max(1, self.rows),
            "rows_of_the_commonest_passage": max(self.shown.values(), default=0),
            "different_word_pairs_of_instructions": len(self.words) / pairs if pairs else 0.0,
        }

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "rows": self.rows,
            "splits": dict(self.splits),
            "kinds": dict(self.kinds.most_common()),
            "aspects": dict(self.aspects.most_common()),
            "negatives": dict(self.negatives.most_common()),
            "origins": dict(self.origins.most_common()),
            "rows_without_negatives": self.without_negatives,
            "generators": dict(self.generators.most_common()),
            "validators": dict(self.validators.most_common()),
            "licences": dict(self.licences.most_common()),
            "verdicts": {"verdicts": self.verdicts, "below_0.6": self.doubted},
            "duplicates": dict(self.repeats.most_common()),
            "passages_in_both_splits": self.both_splits,
            "diversity": self.diversity(),
            "leakage": None
            if self.tests is None
            else {
                "test_texts": len(self.tests),
                "checked": self.checked,
                "found": dict(self.leaks.most_common()),
                "examples": dict(self.leaking),
            },
            "cost_usd": self.cost,
            "cost_usd_per_row": self.cost / self.rows if self.rows else None,
        }
