"""`heedful train`: triplets to an encoder that follows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from heedful.cli.output import Format, note, print_json


def command(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="A recipe in TOML.")] = None,
    preset: Annotated[str | None, typer.Option(metavar="NAME", help="minilm, modernbert, e5, scincl, qwen, llama.")] = (
        None
    ),
    data: Annotated[Path | None, typer.Option(help="Triplets: a folder, or a .parquet or .jsonl file.")] = None,
    out: Annotated[Path | None, typer.Option(help="The model's folder; run again to go on.")] = None,
    dev: Annotated[
        list[Path] | None,
        typer.Option(help="A benchmark folder to choose by (repeatable), its dev split only; else the sample."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="One setting of the recipe (repeatable), such as batch=64; a wrong name lists them all.",
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="For eyes or for programs.")] = Format.table,
) -> None:
    """Train an embedder on triplets. Run it again after an interruption: it goes on exactly where it was."""
    from heedful.errors import BadInput
    from heedful.train.loop import train
    from heedful.train.recipe import Places, make_recipe, parse_settings, read_config
    from heedful.train.recipe import preset as preset_of

    if config is not None and preset is not None:
        raise BadInput("found both CONFIG and --preset; expected one (a CONFIG may say preset = NAME)")
    if config is None and preset is None:
        raise BadInput("found neither CONFIG nor --preset; expected one")
    settings, places = read_config(config) if config else (preset_of(preset or ""), Places())
    where = f"{config or f'--preset {preset}'}{' with --set' if setting else ''}"
    recipe = make_recipe(settings | parse_settings(setting or ()), where)
    data, out = data or places.data, out or places.out
    if data is None or out is None:
        raise BadInput(f"found no {'data' if data is None else 'out'}; expected --data and --out, or both in CONFIG")
    done = train(recipe, data, out, tuple(dev or ()) or places.dev, _tell)
    if int(os.environ.get("RANK", "0")):  # one of several processes; the first one speaks
        return
    if format is Format.json:
        print_json({"model": str(done.folder), "unchanged": done.unchanged, **_short(done.manifest)})
        return
    if done.unchanged:
        print(f"{done.folder}: finished before; nothing to do")
        return
    _print(done.folder, done.manifest)


def _tell(step: int, steps: int, figures: dict[str, Any]) -> None:
    if "eval_joint" in figures:
        said = ", ".join(
            f"{name.removeprefix('eval_')} {figures[name]:.4g}"
            for name in figures
            if name == "eval_joint" or name.endswith((" nDCG", " net"))
        )
        note(f"step {step:,} of {steps:,}: {said}")
    elif "loss" in figures:
        note(f"step {step:,} of {steps:,}: loss {figures['loss']:.4f}")


def _short(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: manifest[name] for name in ("steps", "best_step", "seconds", "dev", "data", "parameters", "versions")}


def _print(folder: Path, manifest: dict[str, Any]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from heedful.cli.output import wide_console
    from heedful.train.output import figure

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("dev set", "measure", "before", "after", "net p-MRR before", "after"):
        table.add_column(column, justify="left" if column in ("dev set", "measure") else "right")
    for name, after in manifest["dev"]["after"].items():
        before = {key: value for key, value in manifest["dev"]["before"][name].items() if "interval" not in key}
        cells = [figure(look, *told) for told in (("nDCG", ".4f"), ("net", "+.1f")) for look in (before, after)]
        table.add_row(escape(name), after["measure"], *map(escape, cells))
    console = wide_console()
    console.print(table)
    console.print(
        f"{escape(str(folder))}: step {manifest['best_step']:,} of {manifest['steps']:,}, {manifest['seconds']:.0f} s",
        soft_wrap=True,
    )
