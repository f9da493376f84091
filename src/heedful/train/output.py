"""What a run leaves: a folder for SentenceTransformer(path), with prompts, template, manifest and a card."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heedful.encode.saved_template import TEMPLATE_FILE
from heedful.errors import StorageFailed, first_line
from heedful.train.folder import MANIFEST, write_json
from heedful.train.recipe import Recipe

_LAST = "modules.json"  # by this file a folder is a model


def write_model(model: Any, out: Path, manifest: Mapping[str, Any], recipe: Recipe) -> None:
    """The model into `out`, file by file, modules.json and the manifest last. Raises StorageFailed."""
    staging = out / "staging-model"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        model.save_pretrained(str(staging), create_model_card=False)
        write_json(staging / TEMPLATE_FILE, {"template": recipe.query_template})
        (staging / "README.md").write_text(card(manifest, recipe), encoding="utf-8")
        for path in sorted(staging.iterdir(), key=lambda path: (path.name == _LAST, path.name)):
            if (out / path.name).is_dir():
                shutil.rmtree(out / path.name)
            os.replace(path, out / path.name)
        staging.rmdir()
    except Exception as error:  # the writers raise many kinds
        shutil.rmtree(staging, ignore_errors=True)
        raise _unwritten(out, "the model", error) from error
    write_json(out / MANIFEST, manifest)


def _unwritten(folder: Path, what: str, error: Exception) -> StorageFailed:
    return StorageFailed(
        f"{folder}: {what} cannot be written: {first_line(error)}. Make room, and run the same command again: the "
        "checkpoints are whole"
    )


def write_adapter(model: Any, out: Path, recipe: Recipe) -> None:
    """The adapters alone, with the template, into `out`/adapter. Raises StorageFailed."""
    folder = out / "adapter"
    try:
        model.save_pretrained(str(folder), create_model_card=False)
        write_json(folder / TEMPLATE_FILE, {"template": recipe.query_template})
    except Exception as error:  # the writers raise many kinds
        raise _unwritten(folder, "the adapters", error) from error


def card(manifest: Mapping[str, Any], recipe: Recipe) -> str:
    """A model card with what was measured."""
    tags = "tags:\n- sentence-transformers\n- feature-extraction\n- instruction-following\n"
    lines = [
        f"---\nlibrary_name: sentence-transformers\n{tags}---",
        "# An embedder that is told what to look for",
        f"Trained by Heedful {manifest['versions']['heedful']} from `{_name(recipe.model)}` on "
        f"{manifest['data']['examples']:,} examples ({', '.join(manifest['data']['kinds'])}) of "
        f"{', '.join(manifest['data']['files'])} (sha256 {manifest['data']['sha256'][:16]}...), loss `{recipe.loss}`, "
        f"temperature {recipe.temperature:g}, {manifest['steps']:,} steps of {recipe.batch} rows, seed {recipe.seed}"
        + (f", adapters of rank {recipe.lora_rank}, merged" if recipe.lora_rank else "")
        + ("" if recipe.attention == "none" else f", instruction-query attention ({recipe.attention})")
        + f". The weights are those of step {manifest['best_step']:,}, chosen on the dev measure below; test figures "
        "are for whoever uses the model to measure.",
        "## Use",
        _use(recipe),
        "## Measured on the dev sets",
        "nDCG in [0, 1]; p-MRR x100, net of what a ranking earns that moves without listening. In brackets 95 % over "
        "topics (those of one seed together). The best step was chosen by these figures, so expect less elsewhere.",
        _table(manifest["dev"]),
        "## Recipe",
        f"`{MANIFEST}` holds every setting, the data's sha256, versions, seeds, losses and looks at the dev measure.",
    ]
    return "\n\n".join(lines) + "\n"


def figure(look: Mapping[str, Any], name: str, form: str) -> str:
    """A figure of a look at the dev measure with its interval, in words; `-` where there is none."""
    value, interval = look.get(name), look.get(f"{name}_interval")
    if value is None:
        return "-"
    return f"{value:{form}}" + (f" [{interval[0]:{form}}, {interval[1]:{form}}]" if interval else "")


def _use(recipe: Recipe) -> str:
    load = "from sentence_transformers import SentenceTransformer\nmodel = SentenceTransformer(PATH)"
    if recipe.attention != "none":
        load = "from heedful.train.attention import load_sentence_transformer\nmodel = load_sentence_transformer(PATH)"
    return (
        f"```python\n{load}\n"
        f"template = {recipe.query_template!r}\n"
        'query = model.encode_query(template.format(instruction="Find papers with a similar method.", text=SEED))\n'
        "passages = model.encode_document(PASSAGES)\n```\n\n"
        "In Heedful it is the system `st(model=PATH)`, which takes the template from this folder; in mteb "
        '`heedful.systems.mteb.for_mteb("st(model=PATH)")`, to which query and instruction are delivered apart.'
    )


def _table(dev: Mapping[str, Any]) -> str:
    rows = ["| dev set (split) | measure | before | after | net p-MRR before | after |", "|---|---|---|---|---|---|"]
    for name, after in dev["after"].items():
        before = dev["before"].get(name, {})
        cells = [f"{name} ({after['split']}, {after['topics']} topics)", after["measure"]]
        cells += [figure(look, "nDCG", ".4f") for look in (before, after)]
        cells += [figure(look, "net", "+.1f") for look in (before, after)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _name(model: str) -> str:
    """A model's name; of a folder its last part, since a card travels."""
    return Path(model).name if Path(model).is_dir() else model
