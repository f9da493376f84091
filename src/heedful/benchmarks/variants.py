"""Instruction variants: what a system is told about a topic."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from heedful.benchmarks.benchmark import Benchmark
from heedful.errors import BadBenchmark
from heedful.records import Document, Topic

BASE = "base"
_MERGED = {"objective": "background"}  # labels that count as another aspect, as the benchmark's authors read them


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to instruct. wordings: templates that say the same; the first is the one that stands for the variant."""

    name: str
    wordings: tuple[str, ...]
    cut_seed: bool = False


@dataclass(frozen=True, slots=True)
class Variants:
    """The variants of a benchmark, and the sentence that defines each aspect."""

    by_name: Mapping[str, Variant]
    definitions: Mapping[str, str]

    def __getitem__(self, name: str) -> Variant:
        if name not in self.by_name:
            raise BadBenchmark(f"--variant: found {name!r}; expected one of {', '.join(self.by_name)}")
        return self.by_name[name]


@lru_cache(maxsize=8)
def read_variants(path: Path | None = None) -> Variants:
    """Variants from a TOML file; the ones that ship with the package where none is given. Raises BadBenchmark."""
    try:
        if path is None:
            text = files("heedful.benchmarks").joinpath("csfcube/variants.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        given: dict[str, Any] = tomllib.loads(text)
        variants = {
            name: Variant(name, (row["template"], *row.get("paraphrases", ())), bool(row.get("cut_seed", False)))
            for name, row in given["variants"].items()
        }
        return Variants(variants, dict(given.get("definitions", {})))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBenchmark(f"{path}: is no variants file ({error}); expected [variants.NAME] with template") from error


def variants_of(benchmark: Benchmark) -> Variants:
    """The folder's own variants.toml, else the ones that ship with the package."""
    own = benchmark.folder / "variants.toml"
    return read_variants(own if own.is_file() else None)


def instructed(benchmark: Benchmark, variants: Variants, name: str = BASE, wording: int = 0) -> dict[str, Topic]:
    """Topic id -> topic as a variant words it.

    `base` keeps the folder's own instruction where there is one, and says nothing where there is neither an
    instruction nor an aspect. Raises BadBenchmark where a variant needs an aspect that a topic lacks.
    """
    variant = variants[name]
    topics = {}
    for id, topic in benchmark.topics.items():
        own = topic.instruction or not topic.aspect
        if name == BASE and own:
            if wording:
                raise BadBenchmark(f"{benchmark.folder}: topic {id!r} has its own instruction; it has no paraphrases")
            topics[id] = topic
            continue
        template = variant.wordings[wording]
        topic = replace(topic, instruction=_fill(template, topic, variants, name))
        topics[id] = _cut(topic, benchmark.documents) if variant.cut_seed else topic
    return topics


def _fill(template: str, topic: Topic, variants: Variants, name: str) -> str:
    if "{aspect}" not in template and "{definition}" not in template:
        return template
    if not topic.aspect:
        raise BadBenchmark(f"--variant {name}: topic {topic.id!r} has no aspect; expected a benchmark with aspects")
    definition = variants.definitions.get(topic.aspect, "")
    return template.replace("{aspect}", topic.aspect).replace("{definition}", definition).strip()


def _cut(topic: Topic, documents: Mapping[str, Document]) -> Topic:
    """The topic with its seed's sentences of the aspect as its text; the seed whole where it has none of them."""
    sentences = [
        sentence.text
        for seed in topic.seeds
        for sentence in documents[seed].sentences
        if _MERGED.get(sentence.label, sentence.label) == topic.aspect
    ]
    return replace(topic, seeds=(), text=" ".join(sentences)) if sentences else topic
