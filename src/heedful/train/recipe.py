"""What a training run is told: a recipe, from a preset, a TOML file and single settings."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from heedful.errors import BadInput, Missing
from heedful.train.columns import Poisoned
from heedful.train.losses import Objective, objective_of

SEPARATOR = "␞"  # as heedful.encode.instructed has it, which needs sentence-transformers
Attention = Literal["none", "published", "residual"]
_SAME_RESULT = ("mini_batch", "gradient_checkpointing", "keep")  # may change between a run and its continuation


@dataclass(frozen=True, slots=True)
class Recipe:
    """A run's settings.

    model: hub name or folder; "minilm" is the one that comes with the package. pooling: "auto" takes what the model's
    folder says. template: how instruction and text become a query. query_prompt, passage_prompt: constant prefixes,
    saved with the model. attention: instruction-query attention, or none (then the template joins the two).
    loss: one of the eleven objectives. temperature: what scores are divided by. hard: hard negatives a row. altered:
    other instructions a row, for the view I. poisoned: what a poisoned passage is, a hard negative of its row or a pair
    of its own (as published). max_length: tokens of a text, what is longer is cut. batch: rows a step, over all
    processes. mini_batch: above 0, GradCache. epochs, or max_steps where above 0. learning_rate, warmup (share of the
    steps), weight_decay, schedule: of AdamW. lora_rank: above 0 trains adapters only; lora_alpha: 0 takes the rank.
    gather: processes share their negatives. eval_every: steps between looks at the dev measure (0: ten looks).
    patience: looks without a gain before the run ends (0: never). following: the share of net p-MRR in the dev
    measure, in [0, 1]; the rest is nDCG. keep: checkpoints on disk.
    """

    model: str = "minilm"
    pooling: Literal["auto", "mean", "cls", "last"] = "auto"
    template: str = "{instruction} {text}"
    query_prompt: str = ""
    passage_prompt: str = ""
    attention: Attention = "none"
    loss: str = "multi-P-I-IQ"
    temperature: float = 0.05
    hard: int = 2
    altered: int = 2
    poisoned: Poisoned = "negatives"
    max_length: int = 256
    batch: int = 32
    mini_batch: int = 0
    epochs: float = 2.0
    max_steps: int = 0
    learning_rate: float = 5e-5
    warmup: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    seed: int = 42
    bf16: bool = False
    gradient_checkpointing: bool = False
    lora_rank: int = 0
    lora_alpha: int = 0
    lora_dropout: float = 0.0
    gather: bool = True
    eval_every: int = 0
    patience: int = 3
    following: float = 0.5
    keep: int = 2

    @property
    def objective(self) -> Objective:
        """The objective that `loss` names."""
        return objective_of(self.loss)

    @property
    def query_template(self) -> str:
        """How instruction and text become the query's string: the template, or the form that attention reads."""
        return self.template if self.attention == "none" else f"{{instruction}}{SEPARATOR}{{text}}"

    def digest(self) -> str:
        """Hex, equal for recipes whose runs are the same run."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:16]

    def settings(self) -> dict[str, Any]:
        """The settings that decide what comes out."""
        return {name: value for name, value in asdict(self).items() if name not in _SAME_RESULT}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a run reads and writes. dev: benchmark folders; empty: the sample that comes with the package."""

    data: Path | None = None
    out: Path | None = None
    dev: tuple[Path, ...] = ()


def preset_names() -> tuple[str, ...]:
    """The presets that come with the package."""
    return tuple(_presets())


def preset(name: str) -> dict[str, Any]:
    """A preset's settings. Raises BadInput for an unknown one."""
    known = _presets()
    if name not in known:
        raise BadInput(f"--preset: found {name!r}; expected one of {', '.join(known)}")
    return dict(known[name])


def read_config(path: Path) -> tuple[dict[str, Any], Places]:
    """A TOML file's settings (those of `preset` under its own), and its data, out and dev, relative to the file.

    Raises Missing, BadInput.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}); expected a recipe in TOML") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: found no valid TOML ({error}); expected lines of NAME = VALUE") from None
    dev = given.pop("dev", [])
    listed = [dev] if isinstance(dev, str) else dev
    named = [given.pop("data", ""), given.pop("out", ""), given.get("preset", "")]
    if not isinstance(listed, list) or not all(isinstance(value, str) for value in [*listed, *named]):
        raise BadInput(f"{path}: expected data, out and preset to be texts, and dev a text or a list of them")
    given.pop("preset", None)
    data, out = (path.parent / value if value else None for value in named[:2])
    settings = (preset(named[2]) if named[2] else {}) | given
    return settings, Places(data, out, tuple(path.parent / folder for folder in listed))


def parse_settings(given: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` each; a value is TOML, or text as it stands. Raises BadInput."""
    settings: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"--set: found {text!r}; expected NAME=VALUE")
        try:
            settings[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            settings[name.strip()] = value
    return settings


def make_recipe(settings: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from settings. Raises BadInput for an unknown name, another type, or a value out of range."""
    hints = get_type_hints(Recipe)
    for name, value in settings.items():
        if name not in hints:
            raise BadInput(f"{where}: found {name!r}; expected some of {', '.join(f.name for f in fields(Recipe))}")
        allowed = get_args(hints[name])
        if allowed and value not in allowed:
            raise BadInput(f"{where}: found {name}={value!r}; expected one of {', '.join(map(str, allowed))}")
        kinds = (int, float) if hints[name] is float else (hints[name],)
        if not allowed and (not isinstance(value, kinds) or isinstance(value, bool) != (hints[name] is bool)):
            raise BadInput(f"{where}: found {name}={value!r}; expected {hints[name].__name__}")
    recipe = Recipe(**settings)
    _check(recipe, where)
    return recipe


def _check(recipe: Recipe, where: str) -> None:
    views = recipe.objective.views
    bounds: dict[str, tuple[float, float]] = {
        "temperature": (1e-6, 100), "batch": (2, 1 << 20), "max_length": (4, 1 << 20), "epochs": (1e-9, 1e6),
        "learning_rate": (0, 10), "warmup": (0, 1), "weight_decay": (0, 10), "following": (0, 1), "keep": (1, 1000),
        "lora_dropout": (0, 0.99),
    }  # fmt: skip
    counts = ("hard", "altered", "mini_batch", "max_steps", "lora_rank", "lora_alpha", "eval_every", "patience")
    for name, (low, high) in (bounds | dict.fromkeys(counts, (0, 1 << 30))).items():
        value = getattr(recipe, name)
        if not low <= value <= high:
            raise BadInput(f"{where}: found {name}={value}; expected a number from {low:g} to {high:g}")
    if "I" in views and not recipe.altered:
        raise BadInput(f"{where}: found loss={recipe.loss!r} with altered=0; the view I needs altered=1 or more")
    if recipe.attention == "none" and not ("{instruction}" in recipe.template and "{text}" in recipe.template):
        raise BadInput(f"{where}: found template={recipe.template!r}; expected {{instruction}} and {{text}} in it")


def _presets() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("heedful.train").joinpath("presets.toml").read_text(encoding="utf-8"))
