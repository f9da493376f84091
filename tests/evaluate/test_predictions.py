"""mteb's prediction files, and its topic ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heedful.errors import BadInput
from heedful.evaluate.files import follow_files
from heedful.evaluate.measures import parse_measure
from heedful.evaluate.predictions import of_side, read_predictions
from heedful.evaluate.trec import read_run
from heedful.records import Hit

TOPICS = {
    "q-og": {"a": 2.0, "b": 1.0, "c": 1.0},
    "q-changed": {"a": 0.5, "b": 1.0, "c": 1.0},
}


def write(folder: Path, found: object) -> Path:
    path = folder / "Task_predictions.json"
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    return path


def test_a_prediction_file_is_a_run(tmp_path: Path):
    path = write(tmp_path, {"mteb_model_meta": {"model_name": "lab/mine"}, "default": {"test": TOPICS}})
    run = read_run(path)
    assert run.tag == "lab/mine"
    assert run.topics["q-og"] == [Hit("a", 2.0), Hit("c", 1.0), Hit("b", 1.0)]


def test_of_several_subsets_and_splits_one_is_named(tmp_path: Path):
    path = write(tmp_path, {"en": {"dev": TOPICS, "test": TOPICS}, "fr": {"test": {"q": {"a": 1.0}}}})
    with pytest.raises(BadInput, match="subsets en, fr"):
        read_predictions(path)
    with pytest.raises(BadInput, match="splits dev, test"):
        read_predictions(path, "en")
    with pytest.raises(BadInput, match="lacks the split 'train'"):
        read_predictions(path, "en", "train")
    assert set(read_predictions(path, "fr").topics) == {"q"}


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ("{", "found no JSON"),
        ([], "found list"),
        ({}, "found no subset"),
        ({"default": {}}, "found no split"),
        ({"default": {"test": {}}}, "found no ranked document"),
        ({"default": {"test": {"q": {}}}}, "found no ranked document"),
        ({"default": {"test": [1, 2]}}, "holds list"),
        ({"default": {"test": {"q": ["a"]}}}, "topic 'q' holds list"),
        ({"default": {"test": {"q": {"a": "high"}}}}, "gives 'a' the score 'high'"),
        ('{"default": {"test": {"q": {"a": NaN}}}}', "gives 'a' the score nan"),
    ],
)
def test_what_is_no_prediction_file_is_refused_with_its_place(tmp_path: Path, found: object, what: str):
    with pytest.raises(BadInput, match=what) as raised:
        read_run(write(tmp_path, found))
    assert "Task_predictions.json" in str(raised.value)


def test_one_file_with_both_sides_may_be_both_runs_and_both_qrels(tmp_path: Path):
    path = write(tmp_path, {"default": {"test": TOPICS}})
    (tmp_path / "qrels").write_text("q-og 0 a 1\nq-changed 0 a 0\nq-changed 0 b 1\n")
    found = follow_files(path, path, tmp_path / "qrels", tmp_path / "qrels", [parse_measure("RR")])
    assert found["per_topic"] == {"q": pytest.approx(100 * (1 - 1 / 3))}
    assert found["measures"]["RR"] == {"og": 1.0, "changed": 0.5}


def test_endings_are_taken_off_where_every_topic_has_one_and_nowhere_else():
    assert of_side({"1-og": 1, "1-changed": 2}, "changed", "f") == {"1": 2}
    assert of_side({"1-og": 1, "2": 2}, "og", "f") == {"1-og": 1, "2": 2}
    assert of_side({}, "og", "f") == {}


def test_runs_that_were_given_the_wrong_way_round_are_refused():
    with pytest.raises(BadInput, match=r"x\.run: found only topics that end in -changed; expected some .* -og"):
        of_side({"1-changed": 1}, "og", "x.run")
