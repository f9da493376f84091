"""Bottleneck adapters in the published layout (adapter_config.json beside their weights), put into a BERT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from heedful.errors import Mismatch

# The one architecture that is computed here: after the feed-forward part of every layer.
_EXPECTED: dict[str, Any] = {
    "mh_adapter": False,
    "output_adapter": True,
    "original_ln_before": True,
    "original_ln_after": True,
    "residual_before_ln": True,
    "adapter_residual_before_ln": False,
    "ln_before": False,
    "ln_after": False,
    "non_linearity": "relu",
    "phm_layer": False,
    "is_parallel": False,
    "cross_adapter": False,
    "use_gating": False,
    "inv_adapter": None,
    "leave_out": [],
}


class AdaptedOutput(nn.Module):
    """A BERT layer's output block with an adapter in it.

    With y the feed-forward part's result and x what went into it: LN(up(relu(down(LN(y + x)))) * scaling + y + x).
    Source: Pfeiffer et al. 2021, arXiv:2005.00247.
    """

    def __init__(self, output: Any, down: nn.Linear, up: nn.Linear, scaling: float):
        super().__init__()
        self.dense, self.norm, self.down, self.up, self.scaling = output.dense, output.LayerNorm, down, up, scaling

    def forward(self, hidden_states: Tensor, input_tensor: Tensor) -> Tensor:
        """(B, T, intermediate) and (B, T, H) to (B, T, H)."""
        result = self.dense(hidden_states) + input_tensor
        added = self.up(torch.relu(self.down(self.norm(result)))) * self.scaling
        adapted: Tensor = self.norm(added + result)
        return adapted


def put_adapter(model: Any, config: Path, weights: Path) -> None:
    """Put an adapter into a `BertModel`, in place. Raises Mismatch where it is of another kind or shape."""
    settings = _settings(config)
    stored = _read(weights)
    names = {name.split(".adapters.")[1].split(".adapter_")[0] for name in stored if ".adapters." in name}
    if len(names) != 1:
        raise Mismatch(f"{weights}: found the adapters {sorted(names)}; expected one")
    for number, layer in enumerate(model.encoder.layer):
        before = f"bert.encoder.layer.{number}.output.adapters.{next(iter(names))}."
        down = _linear(stored, before + "adapter_down.0", weights)
        up = _linear(stored, before + "adapter_up", weights)
        width = layer.output.dense.out_features
        if down.in_features != width or up.out_features != width or down.out_features != up.in_features:
            raise Mismatch(f"{weights}: layer {number} has another width than the model's {width}")
        adapted = AdaptedOutput(layer.output, down, up, float(settings.get("scaling", 1.0)))
        layer.output = adapted.to(device=layer.output.dense.weight.device, dtype=layer.output.dense.weight.dtype)


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Mismatch(f"{path}: found no adapter configuration ({error})") from error
    for key, expected in _EXPECTED.items():
        found = settings.get(key, expected)
        if found != expected:
            raise Mismatch(f"{path}: found {key}={found!r}; only {key}={expected!r} is computed here")
    return settings


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        # the published file is torch's own format; with weights_only nothing but tensors is read
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # the readers raise many kinds
        raise Mismatch(f"{path}: found no readable adapter weights ({error})") from error


def _linear(stored: dict[str, Tensor], name: str, path: Path) -> nn.Linear:
    if f"{name}.weight" not in stored or f"{name}.bias" not in stored:
        raise Mismatch(f"{path}: lacks {name}; expected a bottleneck in every layer")
    weight, bias = stored[f"{name}.weight"], stored[f"{name}.bias"]
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.load_state_dict({"weight": weight, "bias": bias})
    return linear.requires_grad_(False).eval()
