"""Strings to one vector each, by any transformer: first, mean or last token; causal or both ways; a silent prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from heedful.encode.pretrained import Pretrained
    from heedful.records import Vector

Pooling: TypeAlias = Literal["cls", "mean", "last"]


@dataclass(frozen=True, slots=True, eq=False)
class TextEmbedder:
    """One vector a string.

    pooling: "cls" takes the first token, "mean" all, "last" the last one. both_ways: every token sees every other one,
    in a model that is causal otherwise.
    """

    loaded: Pretrained
    pooling: Pooling = "cls"
    max_tokens: int = 512
    both_ways: bool = False

    def encode(self, texts: Sequence[str], prefixes: Sequence[str] | None = None) -> Vector:
        """(texts, dim) float32, not normalized.

        prefixes: put before their texts, seen by the model and left out of the mean; as many tokens are left out as
        the prefix has alone, so a token that is merged across the border counts to the text.
        """
        import torch

        prefixes = [""] * len(texts) if prefixes is None else prefixes
        rows = self._tokens([before + text for before, text in zip(prefixes, texts, strict=True)])
        silent = [
            len(row) if before else 0 for before, row in zip(prefixes, self._prefix_tokens(prefixes), strict=True)
        ]
        out: Any = None
        with torch.inference_mode():
            for places in self.loaded.batches(rows):
                ids, mask = self.loaded.tensors([rows[p] for p in places])
                hidden = self.loaded.model(input_ids=ids, attention_mask=self._attention(mask)).last_hidden_state
                vectors = pooled(hidden, mask, self.pooling, [silent[p] for p in places]).float().cpu().numpy()
                if out is None:
                    out = np.zeros((len(texts), vectors.shape[1]), np.float32)
                out[places] = vectors
        return np.zeros((0, 0), np.float32) if out is None else out

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        found = self.loaded.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        return [list(row) for row in found]

    def _prefix_tokens(self, prefixes: Sequence[str]) -> list[list[int]]:
        """The prefixes alone, with the special tokens that go before a text and none after it."""
        distinct = list(dict.fromkeys(prefixes))
        known: dict[str, list[int]] = {}
        for prefix in distinct:
            row = list(self.loaded.tokenizer(prefix, truncation=True, max_length=self.max_tokens)["input_ids"])
            closing = {self.loaded.tokenizer.eos_token_id, self.loaded.tokenizer.sep_token_id} - {None}
            known[prefix] = row[:-1] if row and row[-1] in closing else row
        return [known[prefix] for prefix in prefixes]

    def _attention(self, mask: Tensor) -> Tensor:
        """The mask as it is; for attention both ways (B, 1, T, T), added to the scores before the softmax."""
        import torch

        if not self.both_ways:
            return mask
        kind = self.loaded.model.dtype
        blocked = torch.finfo(kind).min
        hidden = (1.0 - mask[:, None, None, :].to(kind)) * blocked
        return hidden.expand(-1, 1, mask.shape[1], -1)


def pooled(hidden: Tensor, mask: Tensor, pooling: Pooling, silent: Sequence[int] | None = None) -> Tensor:
    """(B, dim) from (B, T, dim), padded on the right. silent: how many first tokens of each row a mean leaves out.

    A text that is nothing but its prefix takes the mean of all of its tokens.
    """
    import torch

    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        last = mask.sum(dim=1) - 1
        return hidden[torch.arange(len(hidden), device=hidden.device), last]
    counted = mask.clone()
    for row, first in enumerate(silent or [0] * len(mask)):
        if first < int(mask[row].sum()):
            counted[row, :first] = 0
    weights = counted[:, :, None].to(torch.float32)
    return (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1)
