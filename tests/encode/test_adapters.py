from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests import tiny

from heedful.encode.adapters import put_adapter
from heedful.errors import Mismatch


def by_hand(base: Path, adapter: Path, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last hidden state, from the stored tensors alone."""
    from safetensors.torch import load_file

    w = {name.removeprefix("bert."): value for name, value in load_file(base / "model.safetensors").items()}
    a = torch.load(adapter / "pytorch_adapter.bin", weights_only=True)

    def linear(x: torch.Tensor, name: str, weights: dict = w) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return torch.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    block = torch.where(mask[:, None, None, :] == 1, 0.0, -torch.inf)
    for n in range(3):
        layer = f"encoder.layer.{n}"
        q, k, v = (
            linear(x, f"{layer}.attention.self.{part}").unflatten(-1, (4, 8)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        seen = (q @ k.transpose(-1, -2) / 8**0.5 + block).softmax(-1) @ v
        x = norm(
            linear(seen.transpose(1, 2).flatten(2), f"{layer}.attention.output.dense") + x,
            f"{layer}.attention.output.LayerNorm",
        )
        y = linear(torch.nn.functional.gelu(linear(x, f"{layer}.intermediate.dense")), f"{layer}.output.dense")
        z = norm(y + x, f"{layer}.output.LayerNorm")
        before = f"bert.{layer}.output.adapters.[PRX].adapter_"
        z = linear(torch.relu(linear(z, f"{before}down.0", a)), f"{before}up", a)
        x = norm(z + y + x, f"{layer}.output.LayerNorm")
    return x


def test_an_adapted_model_computes_what_is_computed_by_hand(tmp_path: Path):
    from transformers import BertModel

    base = tiny.bert(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", base)
    model = BertModel.from_pretrained(base).eval()
    ids = torch.randint(4, 40, (3, 11), generator=torch.Generator().manual_seed(2))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    with torch.no_grad():
        plain = model(input_ids=ids, attention_mask=mask).last_hidden_state
        put_adapter(model, adapter / "adapter_config.json", adapter / "pytorch_adapter.bin")
        adapted = model(input_ids=ids, attention_mask=mask).last_hidden_state
    expected = by_hand(base, adapter, ids, mask)
    assert (adapted - expected)[mask == 1].abs().max() < 1e-5
    assert (adapted - plain).abs().max() > 0.1


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"non_linearity": "swish"}, "non_linearity"),
        ({"mh_adapter": True}, "mh_adapter"),
        ({"leave_out": [1]}, "leave"),
    ],
)
def test_an_adapter_of_another_kind_is_refused(tmp_path: Path, changed: dict, what: str):
    from transformers import BertModel

    base = tiny.bert(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", base, **changed)
    with pytest.raises(Mismatch, match=what):
        put_adapter(BertModel.from_pretrained(base), adapter / "adapter_config.json", adapter / "pytorch_adapter.bin")


def test_weights_that_are_no_adapter_are_refused(tmp_path: Path):
    from transformers import BertModel

    base = tiny.bert(tmp_path / "base")
    model, config = BertModel.from_pretrained(base), tmp_path / "adapter_config.json"
    with pytest.raises(Mismatch, match="no adapter configuration"):
        put_adapter(model, config, config)
    config.write_text(json.dumps({"config": {}}))
    (tmp_path / "broken.bin").write_bytes(b"not weights")
    with pytest.raises(Mismatch, match="no readable"):
        put_adapter(model, config, tmp_path / "broken.bin")
    with pytest.raises(Mismatch, match="expected one"):
        put_adapter(model, config, base / "model.safetensors")
