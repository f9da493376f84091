"""Published models by hub name and revision, or from a folder, through plain transformers."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast
from urllib.parse import urlsplit

from heedful.encode.batches import by_length
from heedful.errors import HeedfulError, Mismatch, Missing, Upstream, first_line

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
Kind: TypeAlias = Literal["encoder", "causal", "seq2seq", "classifier"]
_LOADERS: dict[Kind, str] = {
    "encoder": "AutoModel",
    "causal": "AutoModelForCausalLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "classifier": "AutoModelForSequenceClassification",
}
_log = logging.getLogger("heedful.encode")


@dataclass(frozen=True, slots=True)
class Weights:
    """Where weights come from. revision: a commit of the hub, "main" where none is pinned; unused for a folder."""

    name: str
    revision: str = "main"
    size: str = ""
    licence: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether the name is a folder here."""
        return Path(self.name).expanduser().is_dir()

    def chosen(self, name: str, revision: str = "") -> Weights:
        """These weights, or others where a name is given; size and licence are known of the usual ones only."""
        if name and name != self.name:
            return Weights(name, revision or "main")
        return replace(self, revision=revision) if revision else self

    def spec(self) -> dict[str, Any]:
        """What decides the vectors, JSON-ready. A folder is told by its weight files' names, sizes and times."""
        folder = Path(self.name).expanduser()
        if not folder.is_dir():
            return {"name": self.name, "revision": self.revision}
        files = sorted(path for pattern in ("*.safetensors", "*.bin", "*.json") for path in folder.glob(pattern))
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return {"name": str(folder.resolve()), "files": stats}

    def at_hub(self) -> dict[str, Any]:
        """How the hub's client finds them: nothing for a folder. Asks no network that is not there."""
        if self.is_folder:
            return {}
        return {"revision": self.revision} | ({} if _hub_is_there() else {"local_files_only": True})

    def failed(self, error: Exception) -> HeedfulError:
        """What to say where loading them failed: not there (Missing), not whole (Mismatch), no memory (Upstream)."""
        from safetensors import SafetensorError

        about = ", ".join(part for part in (self.size, self.licence) if part)
        first = first_line(error)
        if out_of_memory(error):
            return Upstream(f"{self.name}: found no memory to load it ({first}); expected more, or a smaller model")
        if isinstance(error, SafetensorError):
            return Mismatch(f"{self.name}: found weights that cannot be read ({first}); expected whole ones")
        if self.is_folder:
            return Missing(f"{self.name}: found no model that loads ({first}); expected config, weights and tokenizer")
        return Missing(
            f"the model {self.name!r} (revision {self.revision}{f', {about}' if about else ''}) is not here and could "
            f"not be downloaded: {first} Download it where there is a network (hf download {self.name} --revision "
            f"{self.revision}), or name a folder that holds it: model=FOLDER"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """A tokenizer and a model in evaluation mode, on `device`. config: the model's own."""

    tokenizer: Any
    model: Any
    device: str

    def tensors(self, rows: Sequence[Sequence[int]], left: bool = False) -> tuple[Tensor, Tensor]:
        """Token ids to ids and mask, both (rows, longest), padded on the right, or on the left."""
        import torch

        longest = max(1, *map(len, rows))
        padding = self.tokenizer.pad_token_id
        ids = torch.full((len(rows), longest), 0 if padding is None else int(padding), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            part = slice(longest - len(row), longest) if left else slice(0, len(row))
            ids[place, part] = torch.tensor(row, dtype=torch.long)
            mask[place, part] = 1
        return ids.to(self.device), mask.to(self.device)

    def batches(self, rows: Sequence[Sequence[int]]) -> list[list[int]]:
        """Positions of the rows in batches of like length."""
        return by_length([len(row) for row in rows], 4096 if self.device == "cpu" else 32_768)

    def place(self, token: str) -> int:
        """The id of a token of the vocabulary. Raises Missing where it has no such token."""
        found = self.tokenizer.get_vocab().get(token)
        if found is None:
            raise Missing(f"the tokenizer has no token {token!r}; expected a model that answers with it")
        return int(found)


@lru_cache(maxsize=1)
def _hub_is_there() -> bool:
    """Whether the hub's name resolves, or a proxy does that: its client would try for a minute."""
    from huggingface_hub import constants

    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    address = urlsplit(constants.ENDPOINT)
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return False
    return True


_kept: list[tuple[str, object]] = []  # what was loaded last
_lock = threading.Lock()


def kept(what: str, weights: Sequence[Weights], load: Callable[[], T]) -> T:
    """What `load` gives, or gave when it was last asked for these weights; one is kept, for the next question."""
    key = json.dumps([what, [one.spec() for one in weights]])
    with _lock:
        if not _kept or _kept[0][0] != key:
            _kept.clear()  # before the next one is loaded: two may not fit
            _kept.append((key, load()))
        return cast("T", _kept[0][1])


def load_pretrained(weights: Weights, kind: Kind = "encoder") -> Pretrained:
    """A tokenizer and a model, in the type the checkpoint was saved in; what was loaded last is kept.

    Raises Missing where they are not there.
    """
    return kept(kind, [weights], lambda: load_anew(weights, kind))


def load_anew(weights: Weights, kind: Kind = "encoder") -> Pretrained:
    """The same, for whoever will change the model."""
    import torch
    import transformers

    name, where = weights.name, weights.at_hub()
    if weights.is_folder:
        name = str(Path(name).expanduser())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(name, **where)
        model: Any = getattr(transformers, _LOADERS[kind]).from_pretrained(name, dtype="auto", **where)
    except load_errors() as error:
        raise weights.failed(error) from error
    _log.info("%s (%s) on %s, %s", weights.name, kind, device, model.dtype)
    return Pretrained(tokenizer, model.eval().requires_grad_(False).to(device), device)


def load_errors() -> tuple[type[Exception], ...]:
    """What loading a model raises where it is not there, or not whole."""
    from safetensors import SafetensorError

    return OSError, ValueError, ImportError, RuntimeError, MemoryError, SafetensorError


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ended, on a GPU or on the CPU."""
    said = str(error).lower()
    marks = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
    return isinstance(error, MemoryError) or any(mark in said for mark in (*marks, "defaultcpuallocator"))


def find_file(weights: Weights, names: Sequence[str]) -> Path:
    """The first of these files that the model's folder or hub repository has. Raises Missing."""
    if weights.is_folder:
        folder = Path(weights.name).expanduser()
        for name in names:
            if (folder / name).is_file():
                return folder / name
        raise Missing(f"{folder}: has none of {', '.join(names)}")
    from huggingface_hub import hf_hub_download

    where = weights.at_hub()
    last: Exception = FileNotFoundError(names[0])
    for name in names:
        try:
            return Path(hf_hub_download(weights.name, name, **where))
        except Exception as error:  # the hub client raises many kinds: offline, unknown, gated
            last = error
    raise weights.failed(last) from last
