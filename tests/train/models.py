"""Tiny random sentence-transformers models, and batches of texts that they know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

WORDS = "tides of a shallow sea are old we use wavelets find long waves sourdough needs flour water and time".split()


def texts(count: int, words: int, seed: int = 0) -> list[str]:
    """Strings of up to so many known words, each another."""
    made = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, words + 1, (count,), generator=made).tolist()
    return [" ".join(WORDS[i] for i in torch.randint(len(WORDS), (n,), generator=made).tolist()) for n in lengths]


def sentence_transformer(folder: Path, dropout: float = 0.0) -> Any:
    """A BERT of width 32 with mean pooling, from a folder of `tiny.bert`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(folder))
    model = SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    return model.train()


def features(model: Any, columns: list[list[str]]) -> list[dict[str, Any]]:
    """The columns as a data collator hands them to a loss."""
    return [dict(model.preprocess(column)) for column in columns]


def gradients(model: Any) -> torch.Tensor:
    """Every gradient in one vector."""
    parts = [p.grad.flatten() if p.grad is not None else p.new_zeros(p.numel()) for p in model.parameters()]
    return torch.cat(parts).double()
