"""What the sentences of a collection can be about: the aspects along which it is steered."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from heedful.errors import BadInput, BadLine, Missing

MOST = 16  # aspects in a scheme: each is a vector column of the index
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED = frozenset({"whole", "none", "other", "all"})
_SHAPE = (
    'name = "...", definition = "one sentence", examples = ["a sentence", ...] and, optionally, labels = ["...", ...]'
)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect. labels: the sentence labels that count as it, besides its own name."""

    name: str
    definition: str
    examples: tuple[str, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class AspectScheme:
    """The aspects of a kind of text, in order.

    aspects: 1 to 16, names distinct, made of small letters, digits and underscores; a definition is one sentence, an
    example one sentence as a document would have it. without: labels that are known and belong to no aspect.
    Raises BadInput where two aspects share a name or a label.
    """

    aspects: tuple[Aspect, ...]
    without: tuple[str, ...] = ("other",)

    def __post_init__(self) -> None:
        if not 1 <= len(self.aspects) <= MOST:
            raise BadInput(f"an aspect scheme: found {len(self.aspects)} aspects; expected 1 to {MOST}")
        owner: dict[str, str] = {_key(label): "no aspect" for label in self.without}
        for aspect in self.aspects:
            _check(aspect)
            for label in (aspect.name, *aspect.labels):
                if owner.setdefault(_key(label), aspect.name) != aspect.name:
                    taken = owner[_key(label)]
                    raise BadInput(
                        f"aspect {aspect.name!r}: found the label {label!r}, which {taken!r} has already; "
                        "expected every name and label once"
                    )
        if len({aspect.name for aspect in self.aspects}) < len(self.aspects):
            raise BadInput(f"an aspect scheme: found a name twice among {', '.join(self.names)}; expected each once")

    @property
    def names(self) -> tuple[str, ...]:
        """The aspects' names, in order."""
        return tuple(aspect.name for aspect in self.aspects)

    @property
    def definitions(self) -> Mapping[str, str]:
        """Name -> definition."""
        return MappingProxyType({aspect.name: aspect.definition for aspect in self.aspects})

    @property
    def examples(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> example sentences, at least one each."""
        return MappingProxyType({aspect.name: aspect.examples for aspect in self.aspects})

    @cached_property
    def labels(self) -> Mapping[str, str | None]:
        """Every known label in small letters -> the aspect it counts as, or None."""
        known: dict[str, str | None] = {_key(label): None for label in self.without}
        for aspect in self.aspects:
            known |= {_key(label): aspect.name for label in (aspect.name, *aspect.labels)}
        return MappingProxyType(known)

    def aspect_of(self, label: str) -> str | None:
        """The aspect that a sentence label counts as; None for one of no aspect and for an unknown one."""
        return self.labels.get(_key(label))

    def as_json(self) -> dict[str, Any]:
        """The scheme as JSON-ready values; `from_json` reads it back."""
        return {
            "none": list(self.without),
            "aspect": [
                {
                    "name": aspect.name,
                    "definition": aspect.definition,
                    "examples": list(aspect.examples),
                    "labels": list(aspect.labels),
                }
                for aspect in self.aspects
            ],
        }

    def digest(self) -> str:
        """Sha256 (64 hex digits) over everything in the scheme: equal digests, equal schemes."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    @classmethod
    def from_json(cls, value: Mapping[str, Any], where: str = "aspects") -> AspectScheme:
        """A scheme from the values of a TOML or JSON file. where: what errors name. Raises BadInput."""
        _only(value, {"aspect", "none"}, where)
        entries = value.get("aspect")
        if not isinstance(entries, list) or not entries:
            raise BadInput(f"{where}: found no [[aspect]]; expected at least one, each with {_SHAPE}")
        aspects = tuple(_aspect(entry, f"{where}: aspect {number}") for number, entry in enumerate(entries, 1))
        without = _strings(value.get("none", ["other"]), f"{where}: none")
        try:
            return cls(aspects, without)
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from None

    @classmethod
    def from_toml(cls, path: str | Path) -> AspectScheme:
        """A scheme from a TOML file of [[aspect]] tables. Raises Missing or BadInput (with the line, if it has one)."""
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
            return cls.from_json(tomllib.loads(text), str(path))
        except FileNotFoundError:
            raise Missing(f"{path}: no such file; expected a TOML file of [[aspect]] tables") from None
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror}); expected a TOML file") from None
        except UnicodeDecodeError as error:
            raise BadInput(f"{path}: found bytes that are not UTF-8 at {error.start}; save the file as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            number = int(line[1]) if line else text.count("\n") + 1
            raise BadLine(path, number, f"broken TOML ({error})", f"[[aspect]] tables with {_SHAPE}") from None


def _aspect(entry: object, where: str) -> Aspect:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: found {type(entry).__name__}; expected a table with {_SHAPE}")
    _only(entry, {"name", "definition", "examples", "labels"}, where)
    for key in ("name", "definition"):
        if not isinstance(entry.get(key), str):
            found = "nothing" if key not in entry else repr(entry[key])
            raise BadInput(f"{where}: found {found} under {key!r}; expected a string, as in {_SHAPE}")
    if "examples" not in entry:
        raise BadInput(f"{where}: found no examples; expected at least one sentence, as in {_SHAPE}")
    examples = _strings(entry["examples"], f"{where}: examples")
    labels = _strings(entry.get("labels", []), f"{where}: labels")
    return Aspect(entry["name"].strip(), entry["definition"].strip(), examples, labels)


def _check(aspect: Aspect) -> None:
    if not _NAME.fullmatch(aspect.name) or aspect.name in _RESERVED:
        raise BadInput(
            f"found the aspect name {aspect.name!r}; expected up to 40 small letters, digits or underscores, "
            f"a letter first, and none of {', '.join(sorted(_RESERVED))}"
        )
    if not aspect.definition:
        raise BadInput(f"aspect {aspect.name!r}: found no definition; expected one sentence that says what it is")
    if not aspect.examples:
        raise BadInput(f"aspect {aspect.name!r}: found no examples; expected at least one sentence")


def _strings(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise BadInput(f"{where}: found {value!r}; expected a list of strings, none empty")
    return tuple(text.strip() for text in value)


def _only(value: Mapping[str, Any], allowed: set[str], where: str) -> None:
    if unknown := sorted(set(value) - allowed):
        raise BadInput(f"{where}: found the unknown key {unknown[0]!r}; expected {', '.join(sorted(allowed))}")


def _key(label: str) -> str:
    return label.strip().casefold()


SCIENCE = AspectScheme(
    (
        Aspect(
            "background",
            "What the work is about and why: the problem, its setting, what is known or missing, and the goal.",
            (
                "Storing renewable power over several days remains too costly for small grids.",
                "Earlier studies of this question looked at short texts only.",
                "The aim of this paper is to find out whether annotators agree on irony.",
            ),
            ("objective", "introduction", "purpose", "aim", "motivation", "problem"),
        ),
        Aspect(
            "method",
            "How the work was done: the approach, model, algorithm, data, material or experiment used or built.",
            (
                "We train a graph network on pairs of reactions with a contrastive loss.",
                "Our approach splits each route into legs and solves them by dynamic programming.",
                "Forty participants kept a diary for six weeks.",
            ),
            ("methods", "approach", "design", "technique"),
        ),
        Aspect(
            "result",
            "What came out of the work: findings, measurements, comparisons, and the conclusions drawn from them.",
            (
                "The new schedule cuts waiting times by a third.",
                "Accuracy rises on all five data sets, most of all on the smallest.",
                "These findings suggest that the effect depends on age.",
            ),
            ("results", "finding", "findings", "conclusion", "conclusions", "contribution"),
        ),
    ),
    ("other", "none"),
)
"""The default scheme, for scientific abstracts: background (with objective), method, result."""
