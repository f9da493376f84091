"""Instruction variants."""

from __future__ import annotations

from pathlib import Path

import pytest

from heedful.benchmarks import load_benchmark
from heedful.benchmarks.variants import instructed, read_variants, variants_of
from heedful.errors import BadBenchmark


def test_four_variants_ship_each_with_three_paraphrases():
    variants = read_variants()
    assert set(variants.by_name) == {"generic", "base", "definition", "subset"}
    assert all(len(variant.wordings) == 4 == len(set(variant.wordings)) for variant in variants.by_name.values())
    assert set(variants.definitions) == {"background", "method", "result"}


def test_the_stated_wordings_come_first(aspects: Path):
    found = load_benchmark(aspects)
    variants = variants_of(found)
    say = {name: instructed(found, variants, name)["s_method"] for name in variants.by_name}
    assert say["generic"].instruction == "Find papers similar to this paper."
    assert say["base"].instruction == "Find papers whose method is similar to this paper's."
    assert say["definition"].instruction.startswith(say["base"].instruction)
    assert len(say["definition"].instruction) > len(say["base"].instruction) + 20
    assert (say["subset"].seeds, say["subset"].text) == ((), "We use wavelets.")


def test_only_the_generic_variant_says_the_same_of_every_aspect(aspects: Path):
    found = load_benchmark(aspects)
    variants = variants_of(found)
    for name, variant in variants.by_name.items():
        for wording in range(len(variant.wordings)):
            said = {t.instruction for t in instructed(found, variants, name, wording).values()}
            assert len(said) == (1 if name == "generic" else 2)


def test_a_folders_own_instructions_are_its_base(paired: Path):
    found = load_benchmark(paired)
    assert instructed(found, variants_of(found)) == dict(found.topics)


def test_a_variant_that_needs_an_aspect_is_refused_where_there_is_none(paired: Path):
    found = load_benchmark(paired)
    with pytest.raises(BadBenchmark, match="has no aspect"):
        instructed(found, variants_of(found), "definition")


def test_an_unknown_variant_is_refused():
    with pytest.raises(BadBenchmark, match="expected one of generic, base"):
        read_variants()["nicely"]


def test_a_folder_may_bring_its_own_variants(aspects: Path):
    (aspects / "variants.toml").write_text('[variants.base]\ntemplate = "Same {aspect}?"\n')
    found = load_benchmark(aspects)
    assert instructed(found, variants_of(found))["s_method"].instruction == "Same method?"
    (aspects / "variants.toml").write_text("[variants.base]\n")
    read_variants.cache_clear()
    with pytest.raises(BadBenchmark, match="no variants file"):
        variants_of(found)
