"""What computes a batch: torch here, OpenVINO beside it. Token ids in, sums over tokens and label probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heedful.encode.passages import Ints, Window
    from heedful.encode.weights import ModelFiles

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows of like length, padded to one.

    ids, mask, sentence: (B, T); sentence is the number within the window, -1 outside. n_sentences: (B,).
    pool: (B, 1 + S, T) float32, which tokens sum into the whole (row 0) and into each sentence.
    """

    ids: Ints
    mask: Ints
    sentence: Ints
    n_sentences: Ints
    pool: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """vectors: (B, 1 + S, H). probabilities: (B, S, labels), or None where no labels were asked for."""

    vectors: Floats
    probabilities: Floats | None = None


class Backend(Protocol):
    """Something that runs the model."""

    name: str
    dtype: str
    dim: int
    budget: int  # padded tokens a batch
    multiple: int  # lengths are padded to it: fewer shapes, where every new shape costs

    def run(self, batch: Batch, label: bool) -> Sums:
        """Sums over tokens; label: whether to give the labeller's probabilities too."""
        ...

    def release(self) -> None:
        """Let go of what `run` can make again, where it takes much memory."""
        ...


def make_batch(windows: Sequence[Window], pooling: str = "mean", multiple: int = 1, padding: int = 0) -> Batch:
    """Pad windows to their longest, rounded up to a multiple; above 1 the rows of sentences are rounded to 4s too."""
    rows, longest = len(windows), max(map(len, windows))
    tokens = -(-longest // multiple) * multiple
    ids = np.full((rows, tokens), padding, dtype=np.int64)
    mask, sentence = np.zeros_like(ids), np.full_like(ids, -1)
    n_sentences = np.zeros(rows, dtype=np.int64)
    for row, window in enumerate(windows):
        n = len(window)
        ids[row, :n], mask[row, :n] = window.ids, 1
        n_sentences[row] = window.n_sentences
        sentence[row, :n] = window.local
    sums = 1 + int(n_sentences.max())
    if multiple > 1:
        sums = -(-sums // 4) * 4
    pool = np.zeros((rows, sums, tokens), dtype=np.float32)
    for row, window in enumerate(windows):
        owned = np.flatnonzero(window.owned)
        pool[row, 1 + window.local[owned], owned] = 1.0  # special tokens and the title land in row 0
        pool[row, 0, : len(window)] = 0.0
        if pooling == "cls":
            pool[row, 0, 0] = len(owned)
        else:
            pool[row, 0, owned] = 1.0
    return Batch(ids, mask, sentence, n_sentences, pool)


class TorchBackend:
    """Torch, on the CPU or on CUDA; bfloat16 where the hardware multiplies it."""

    multiple = 1

    def __init__(self, files: ModelFiles, labeller: Any | None = None, *, dtype: str = "auto", device: str = "auto"):
        import torch

        from heedful.encode.modules import load_module

        self._torch = torch
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if dtype == "auto":
            dtype = "bfloat16" if device == "cuda" or cpu_has_bfloat16() else "float32"
        self.device, self.dtype = device, dtype
        self.name = "torch" if device == "cpu" else f"torch-{device}"
        self.budget = 4096 if device == "cpu" else 131_072
        self.dim = int(files.config["hidden_size"])
        self._module = load_module(files, labeller).to(device=device, dtype=getattr(torch, dtype))

    def run(self, batch: Batch, label: bool) -> Sums:
        """Sums over tokens, and the labeller's probabilities where asked for."""
        torch = self._torch

        def tensor(array: Any) -> Any:
            return torch.from_numpy(array).to(self.device)

        with torch.inference_mode():
            mask = None if batch.mask.all() else tensor(batch.mask)
            if not label:
                vectors = self._module(tensor(batch.ids), mask, tensor(batch.pool))
                return Sums(vectors.cpu().numpy())
            vectors, probabilities = self._module(
                tensor(batch.ids), mask, tensor(batch.pool), tensor(batch.sentence), tensor(batch.n_sentences)
            )
            return Sums(vectors.cpu().numpy(), probabilities.cpu().numpy())

    def release(self) -> None:
        """Nothing: the weights are all there is."""


def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware."""
    import torch

    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)


def has_cuda() -> bool:
    """Whether torch sees a CUDA device; a build of torch for the CPU alone is not even imported to find out."""
    from importlib.metadata import version

    if version("torch").endswith("+cpu"):
        return False
    import torch

    return torch.cuda.is_available()
