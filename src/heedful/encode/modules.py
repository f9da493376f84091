"""A model as one torch module: token ids in, sums over tokens out, and label probabilities where asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from heedful.encode.bert import Bert, add_adapter, is_bert, load_bert
from heedful.errors import Missing

if TYPE_CHECKING:
    from heedful.encode.weights import ModelFiles


class OnePass(nn.Module):
    """BERT and, beside its upper layers, the labeller's adapted ones; the lower layers run once for both."""

    def __init__(self, bert: Bert, labeller: Any | None = None):
        super().__init__()
        self.bert = bert
        self.labeller = labeller

    def forward(
        self,
        ids: Tensor,
        mask: Tensor | None,
        pool: Tensor,
        sentence: Tensor | None = None,
        n_sentences: Tensor | None = None,
    ) -> Any:
        """Sums (B, 1 + S, H) float32 alone, or with the probabilities (B, S, labels) where `sentence` is given."""
        bias = None if mask is None else self.bert.bias(mask)
        layer = self.labeller.layer if self.labeller is not None and sentence is not None else 0
        lower = self.bert.through(self.bert.embed(ids), bias, 0, layer)
        vectors = torch.bmm(pool, self.bert.through(lower, bias, layer).float())
        if sentence is None or self.labeller is None:
            return vectors
        mask = torch.ones_like(ids) if mask is None else mask
        return vectors, self.labeller(lower, mask, sentence, n_sentences).float()


class AnyModel(nn.Module):
    """A model of another kind, through transformers; it has no labeller."""

    def __init__(self, files: ModelFiles):
        super().__init__()
        from transformers import AutoModel

        try:
            self.model = AutoModel.from_pretrained(files.folder, trust_remote_code=False, dtype=torch.float32).eval()
        except (ValueError, OSError) as error:
            raise Missing(f"{files.folder}: transformers cannot load this model ({error})") from error
        self.requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor | None, pool: Tensor) -> Tensor:
        """Sums (B, 1 + S, H), float32."""
        mask = torch.ones_like(ids) if mask is None else mask
        return torch.bmm(pool, self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float())


def load_module(files: ModelFiles, labeller: Any | None = None) -> nn.Module:
    """The module of a model in float32 on the CPU, the labeller attached to it where there is one."""
    if not is_bert(files.config) or not (files.folder / "model.safetensors").is_file():
        return AnyModel(files)
    bert = load_bert(files.config, files.folder / "model.safetensors")
    if labeller is not None:
        labeller.attach(bert.named_layers(labeller.layer)).float().eval()
    if files.adapter is not None:  # after the labeller took the plain upper layers: its labels stay what they are
        add_adapter(bert, files.adapter, above=0 if labeller is None else labeller.layer)
    return OnePass(bert, labeller)
