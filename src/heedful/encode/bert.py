"""BERT as the default checkpoint has it, with a door between its lower and its upper layers.

Written out rather than imported: it loads in a fraction of the time, joins query, key and value into one product, and
lets the labeller start from the hidden states of any layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heedful.errors import Mismatch

_QKV = ("query", "key", "value")
ADAPTED = ("qkv", "attended", "up", "down")
_PUBLIC_NAMES = {
    "attended": "attention.output.dense",
    "attended_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "down_norm": "output.LayerNorm",
}


class Layer(nn.Module):
    """One transformer layer, normalised after each part."""

    def __init__(self, width: int, inner: int, heads: int, epsilon: float):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=epsilon)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.down_norm = nn.LayerNorm(width, eps=epsilon)

    def forward(self, hidden: Tensor, bias: Tensor | None) -> Tensor:
        """(B, T, H) to the same. bias: (B, 1, 1, T), added to the attention scores; None where nothing is padded."""
        batch, tokens, width = hidden.shape
        q, k, v = self.qkv(hidden).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        hidden = self.attended_norm(self.attended(context.transpose(1, 2).reshape(batch, tokens, width)) + hidden)
        out: Tensor = self.down_norm(self.down(F.gelu(self.up(hidden))) + hidden)
        return out


class Bert(nn.Module):
    """Token ids to hidden states."""

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        width, epsilon = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding(config["vocab_size"], width)
        self.positions = nn.Embedding(config["max_position_embeddings"], width)
        self.types = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps=epsilon)
        heads, inner = config["num_attention_heads"], config["intermediate_size"]
        self.layers = nn.ModuleList(Layer(width, inner, heads, epsilon) for _ in range(config["num_hidden_layers"]))

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) token ids to (B, T, H)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden: Tensor = self.norm(self.words(ids) + self.positions(places) + self.types.weight[0])
        return hidden

    def bias(self, mask: Tensor) -> Tensor:
        """(B, T), 1 where there is a token, to (B, 1, 1, T) of the weights' type: 0 there, very low at padding."""
        kind = self.norm.weight.dtype
        return ((1.0 - mask.to(kind)) * torch.finfo(kind).min)[:, None, None, :]

    def named_layers(self, first: int = 0) -> list[nn.Module]:
        """The layers from number `first` on, as holders of weights under the public checkpoint's names."""
        return [NamedLayer(layer) for layer in list(self.layers)[first:] if isinstance(layer, Layer)]

    def through(self, hidden: Tensor, bias: Tensor | None, first: int = 0, last: int | None = None) -> Tensor:
        """Hidden states after the layers first:last."""
        for layer in list(self.layers)[first:last]:
            hidden = layer(hidden, bias)
        return hidden

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T) ids to (B, T, H), the last layer's hidden states."""
        return self.through(self.embed(ids), None if mask is None else self.bias(mask))


class NamedLayer(nn.Module):
    """A layer's weights under the public checkpoint's names, query, key and value apart; it computes nothing."""

    def __init__(self, layer: Layer):
        super().__init__()
        for kind in ("weight", "bias"):
            for ours, theirs in _PUBLIC_NAMES.items():
                self._hold(f"{theirs}.{kind}", getattr(getattr(layer, ours), kind))
            for name, part in zip(_QKV, getattr(layer.qkv, kind).chunk(3), strict=True):
                self._hold(f"attention.self.{name}.{kind}", part)

    def _hold(self, name: str, value: Tensor) -> None:
        module: nn.Module = self
        *parents, last = name.split(".")
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, nn.Module())
            module = getattr(module, parent)
        module.register_buffer(last, value)


def is_bert(config: dict[str, Any]) -> bool:
    """Whether a config.json describes what `Bert` computes."""
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
    )


def load_bert(config: dict[str, Any], weights: Path) -> Bert:
    """The model in float32 on the CPU. Raises Mismatch where the file is not that model's."""
    from safetensors.torch import load_file

    try:
        stored = load_file(weights)
        with torch.device("meta"):
            model = Bert(config)
        model.load_state_dict(_renamed(stored, config["num_hidden_layers"]), assign=True)
    except Exception as error:  # the reader and torch raise many kinds
        raise Mismatch(f"{weights}: not the weights that config.json describes ({error})") from None
    return model.float().eval().requires_grad_(False)


def add_adapter(bert: Bert, path: Path, *, above: int = 0) -> None:
    """Add a low-rank difference to the weights: `N.PLACE.a` (rank, in) and `N.PLACE.b` (out, rank), W + B A.

    PLACE is one of ADAPTED. above: layers before this one must be left alone. Raises Mismatch where the file does not
    fit. Source: Hu et al. 2021, LoRA, arXiv:2106.09685.
    """
    from safetensors.torch import load_file

    try:
        stored = load_file(path)
        for name in sorted(name.removesuffix(".a") for name in stored if name.endswith(".a")):
            number, place = name.split(".")
            if int(number) < above or place not in ADAPTED:
                raise ValueError(f"found {name}; expected layers from {above} on, of {', '.join(ADAPTED)}")
            layer = bert.layers[int(number)]
            linear = getattr(layer, place)
            linear.weight = nn.Parameter(
                linear.weight + stored[f"{name}.b"].float() @ stored[f"{name}.a"].float(), requires_grad=False
            )
    except Exception as error:  # the reader and torch raise many kinds
        raise Mismatch(f"{path}: not an adapter of this model ({error})") from None


def _renamed(stored: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    stored = {name.removeprefix("bert."): value for name, value in stored.items()}
    out = {
        "words.weight": stored["embeddings.word_embeddings.weight"],
        "positions.weight": stored["embeddings.position_embeddings.weight"],
        "types.weight": stored["embeddings.token_type_embeddings.weight"],
    }
    for kind in ("weight", "bias"):
        out[f"norm.{kind}"] = stored[f"embeddings.LayerNorm.{kind}"]
        for n in range(layers):
            old = f"encoder.layer.{n}."
            for ours, theirs in _PUBLIC_NAMES.items():
                out[f"layers.{n}.{ours}.{kind}"] = stored[f"{old}{theirs}.{kind}"]
            parts = [stored[f"{old}attention.self.{part}.{kind}"] for part in _QKV]
            out[f"layers.{n}.qkv.{kind}"] = torch.cat(parts)
    return out
