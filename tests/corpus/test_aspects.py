"""Aspect schemes: the default one, and those from TOML."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from heedful.corpus import SCIENCE, Aspect, AspectScheme
from heedful.errors import BadInput, Missing

GOOD = """
none = ["filler"]

[[aspect]]
name = "symptom"
definition = "What the patient feels or shows."
examples = ["She had been coughing for two weeks."]
labels = ["sign"]

[[aspect]]
name = "treatment"
definition = "What was done about it."
examples = ["He was given antibiotics.", "Surgery followed."]
"""
SEVENTEEN = "".join(f'[[aspect]]\nname = "a{i}"\ndefinition = "d"\nexamples = ["e"]\n' for i in range(17))


def _toml(folder: Path, text: str) -> Path:
    path = folder / "aspects.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_default_scheme_is_background_method_result() -> None:
    assert SCIENCE.names == ("background", "method", "result")


@pytest.mark.parametrize(
    ("label", "aspect"),
    [("objective", "background"), ("BACKGROUND", "background"), (" Methods ", "method"), ("result", "result"),
     ("conclusions", "result"), ("other", None), ("", None), ("weather", None)],
)  # fmt: skip
def test_a_label_counts_as_its_aspect(label: str, aspect: str | None) -> None:
    assert SCIENCE.aspect_of(label) == aspect


def test_every_default_aspect_has_a_one_sentence_definition_and_examples() -> None:
    from heedful.corpus import split_sentences

    for name in SCIENCE.names:
        assert len(split_sentences(SCIENCE.definitions[name])) == 1
        assert len(SCIENCE.examples[name]) >= 3


def test_a_scheme_is_read_from_toml(tmp_path: Path) -> None:
    scheme = AspectScheme.from_toml(_toml(tmp_path, GOOD))
    assert scheme.names == ("symptom", "treatment")
    assert scheme.definitions["treatment"] == "What was done about it."
    assert scheme.examples["treatment"] == ("He was given antibiotics.", "Surgery followed.")
    assert [scheme.aspect_of(label) for label in ("Sign", "filler", "treatment")] == ["symptom", None, "treatment"]
    assert "filler" in scheme.labels and "other" not in scheme.labels


def test_a_scheme_survives_json_and_keeps_its_digest(tmp_path: Path) -> None:
    scheme = AspectScheme.from_toml(_toml(tmp_path, GOOD))
    again = AspectScheme.from_json(scheme.as_json())
    assert again == scheme and hash(again) == hash(scheme) and again.digest() == scheme.digest() != SCIENCE.digest()


def test_any_change_changes_the_digest() -> None:
    one = AspectScheme((Aspect("a", "A.", ("An a.",)),))
    others = [
        AspectScheme((Aspect("b", "A.", ("An a.",)),)),
        AspectScheme((Aspect("a", "B.", ("An a.",)),)),
        AspectScheme((Aspect("a", "A.", ("A b.",)),)),
        AspectScheme((Aspect("a", "A.", ("An a.",), ("x",)),)),
        AspectScheme((Aspect("a", "A.", ("An a.",)),), ("x",)),
    ]
    assert len({scheme.digest() for scheme in [one, *others]}) == 6


def test_a_scheme_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SCIENCE.aspects = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        SCIENCE.definitions["method"] = "x"  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "symptom"', "", "aspect 1: found nothing under 'name'"),
        ('name = "symptom"', "name = 3", "aspect 1: found 3 under 'name'"),
        ('name = "symptom"', 'name = "My symptom"', "found the aspect name 'My symptom'"),
        ('name = "symptom"', 'name = "whole"', "found the aspect name 'whole'"),
        ('name = "symptom"', 'name = "treatment"', "found a name twice"),
        ('labels = ["sign"]', 'labels = ["Treatment"]', "found the label 'treatment', which 'symptom' has already"),
        ('labels = ["sign"]', 'labels = ["filler"]', "found the label 'filler', which 'no aspect' has already"),
        ('labels = ["sign"]', 'labels = "sign"', "aspect 1: labels: found 'sign'; expected a list of strings"),
        ('labels = ["sign"]', 'label = "sign"', "found the unknown key 'label'; expected definition, examples"),
        ('definition = "What was done about it."', "", "aspect 2: found nothing under 'definition'"),
        ('definition = "What was done about it."', 'definition = " "', "aspect 'treatment': found no definition"),
        ('examples = ["She had been coughing for two weeks."]', "", "aspect 1: found no examples"),
        ('examples = ["She had been coughing for two weeks."]', "examples = []", "aspect 'symptom': found no examples"),
        ('examples = ["She had been coughing for two weeks."]', 'examples = ["  "]', "expected a list of strings"),
        ('none = ["filler"]', 'other = ["filler"]', "found the unknown key 'other'; expected aspect, none"),
        (GOOD, "", "found no [[aspect]]"),
        (GOOD, "aspect = [1]", "aspect 1: found int; expected a table"),
        ("[[aspect]]\nname = \"treatment\"", "[[aspect\nname = 1", "aspects.toml:10: found broken TOML"),
        (GOOD, SEVENTEEN, "found 17 aspects"),
    ],
)  # fmt: skip
def test_a_bad_file_says_where_and_what_would_do(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as caught:
        AspectScheme.from_toml(_toml(tmp_path, GOOD.replace(old, new)))
    assert says in str(caught.value) and "aspects.toml" in str(caught.value)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"none\.toml: no such file"):
        AspectScheme.from_toml(tmp_path / "none.toml")


def test_a_folder_or_wrong_bytes_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        AspectScheme.from_toml(tmp_path)
    (tmp_path / "latin.toml").write_bytes(GOOD.replace("feels", "fühlt").encode("latin-1"))
    with pytest.raises(BadInput, match="not UTF-8"):
        AspectScheme.from_toml(tmp_path / "latin.toml")


def test_the_example_in_the_documentation_is_a_scheme(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "corpus.md").read_text("utf-8")
    scheme = AspectScheme.from_toml(_toml(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert scheme.names == ("symptom", "treatment") and scheme.aspect_of("greeting") is None
