"""The verb `train`: recipes, presets, single settings, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests import tiny
from tests.folders import lines
from tests.train.models import texts

from heedful.cli.main import main
from heedful.errors import BadInput, Missing
from heedful.train.losses import OBJECTIVES
from heedful.train.recipe import SEPARATOR, make_recipe, parse_settings, preset, preset_names, read_config


def test_every_preset_is_a_recipe():
    assert set(preset_names()) == {"minilm", "modernbert", "e5", "scincl", "qwen", "llama"}
    recipes = {name: make_recipe(preset(name)) for name in preset_names()}
    assert recipes["qwen"].pooling == recipes["llama"].pooling == "last" and recipes["qwen"].lora_rank == 8
    assert recipes["e5"].passage_prompt == "passage: " and recipes["scincl"].pooling == "cls"
    assert all(str(make_recipe({"loss": name}).objective) == name for name in OBJECTIVES)


def test_the_separator_of_attention_is_one():
    pytest.importorskip("sentence_transformers")
    from heedful.encode import instructed

    assert instructed.SEPARATOR == SEPARATOR


def test_a_config_names_its_places_beside_itself_and_goes_over_its_preset(tmp_path: Path):
    path = tmp_path / "run.toml"
    path.write_text('preset = "minilm"\ndata = "rows"\nout = "model"\ndev = ["a", "b"]\nbatch = 8\n')
    settings, places = read_config(path)
    assert settings["batch"] == 8 and settings["model"] == "minilm"
    assert places.data == tmp_path / "rows" and places.dev == (tmp_path / "a", tmp_path / "b")
    assert parse_settings(["batch=8", "loss=uni-P", 'template="{instruction}: {text}"', "bf16=true"]) == {
        "batch": 8,
        "loss": "uni-P",
        "template": "{instruction}: {text}",
        "bf16": True,
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batchsize": 3}, "found 'batchsize'; expected some of model, pooling"),
        ({"batch": "3"}, "found batch='3'; expected int"),
        ({"batch": 1}, "found batch=1; expected a number from 2"),
        ({"bf16": 1}, "found bf16=1; expected bool"),
        ({"pooling": "max"}, "found pooling='max'; expected one of auto, mean, cls, last"),
        ({"temperature": 0.0}, "found temperature=0.0"),
        ({"loss": "triplet"}, "found the loss 'triplet'"),
        ({"altered": 0}, "needs altered=1 or more"),
        ({"template": "{text}"}, "expected {instruction} and {text}"),
    ],
)
def test_a_bad_setting_is_told(settings: dict, said: str):
    with pytest.raises(BadInput) as error:
        make_recipe(settings, "here")
    assert said in str(error.value)


def test_bad_configs_are_told(tmp_path: Path):
    with pytest.raises(Missing, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("batch = \n")
    with pytest.raises(BadInput, match="found no valid TOML"):
        read_config(tmp_path / "bad.toml")
    with pytest.raises(BadInput, match="expected NAME=VALUE"):
        parse_settings(["batch"])
    with pytest.raises(BadInput, match="expected one of minilm"):
        preset("gpt")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "found neither CONFIG nor --preset"),
        (["x.toml", "--preset", "minilm"], "found both CONFIG and --preset"),
        (["--preset", "minilm"], "found no data; expected --data and --out"),
        (["--preset", "minilm", "--data", "x"], "found no out"),
        (["--preset", "minilm", "--set", "bach=8"], "--preset minilm with --set: found 'bach'"),
    ],
)
def test_what_is_missing_on_the_command_line_is_told(arguments: list[str], said: str, capsys):
    assert main(["train", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_run_from_the_command_line(tmp_path: Path, capsys):
    pytest.importorskip("datasets", reason="training needs the extra")
    tiny.bert(tmp_path / "bert")
    pairs = zip(texts(8, 6, 1), texts(8, 9, 2), strict=True)
    rows = [
        {"anchor": a, "positive": b, "instruction": "find waves" if n % 2 else "old"} for n, (a, b) in enumerate(pairs)
    ]
    lines(tmp_path / "train.jsonl", rows)
    lines(
        tmp_path / "dev/corpus.jsonl", [{"_id": f"d{n}", "title": "", "text": t} for n, t in enumerate(texts(4, 9, 3))]
    )
    lines(tmp_path / "dev/queries.jsonl", [{"_id": "q", "text": "old tides", "instruction": "find waves"}])
    (tmp_path / "dev/qrels.tsv").write_text("q 0 d0 1\nq 0 d1 0\n")
    (tmp_path / "run.toml").write_text(
        f'model = "{tmp_path}/bert"\ndata = "train.jsonl"\nout = "model"\ndev = "dev"\nbatch = 4\nmax_length = 32\n'
    )
    told = ["train", str(tmp_path / "run.toml"), "--set", "max_steps=2", "--format", "json"]
    assert main(told) == 0
    first = capsys.readouterr()
    said = json.loads(first.out)
    assert said["steps"] == 2 and said["dev"]["after"]["dev"]["net"] is None and "step 2 of 2: joint" in first.err
    assert main(told) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] is True
