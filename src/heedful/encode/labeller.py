"""Which aspect each sentence of a document speaks of: a low-rank adapter on the default encoder, and a sequence head.

The encoder's lower layers run once for both jobs. From their output the labeller takes its own way through adapted
copies of the upper layers, averages each sentence's tokens, lets the sentences of a document see one another in a
small bidirectional LSTM, and answers with a calibrated distribution over the labels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heedful.errors import Mismatch, Missing

LABELS = ("background", "objective", "method", "result", "other")
PROJECTIONS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
NORMS = ("attention.output.LayerNorm", "output.LayerNorm")
POSITION_FEATURES = 5
_FORMAT = "heedful-aspects-1"


def bert_layer(hidden: Tensor, attend: Tensor, weights: Mapping[str, Tensor], heads: int, eps: float) -> Tensor:
    """One post-norm transformer layer as BERT has it, without dropout.

    hidden: (batch, tokens, dim). attend: (batch, 1, 1, tokens) bool, False where nobody may look. weights: by the
    names of a BertLayer's state. Returns (batch, tokens, dim). Source: Devlin et al. 2019, arXiv:1810.04805.
    """
    batch, tokens, dim = hidden.shape

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, (dim,), weights[f"{name}.weight"], weights[f"{name}.bias"], eps)

    query, key, value = (
        linear(name, hidden).view(batch, tokens, heads, dim // heads).transpose(1, 2) for name in PROJECTIONS[:3]
    )
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=attend)
    mixed = mixed.transpose(1, 2).reshape(batch, tokens, dim)
    hidden = norm(NORMS[0], hidden + linear(PROJECTIONS[3], mixed))
    return norm(NORMS[1], hidden + linear(PROJECTIONS[5], F.gelu(linear(PROJECTIONS[4], hidden))))


def sentence_means(hidden: Tensor, token_sentence: Tensor, n_sentences: Tensor) -> Tensor:
    """The mean of each sentence's tokens.

    hidden: (batch, tokens, dim). token_sentence: (batch, tokens), the number of each token's sentence or -1.
    Returns (batch, largest n_sentences, dim); zero where a sentence has no token.
    """
    numbers = torch.arange(n_sentences.max(), device=hidden.device)  # type: ignore[call-overload]
    member = (token_sentence[:, None, :] == numbers[None, :, None]).to(hidden.dtype)
    means: Tensor = torch.bmm(member, hidden) / member.sum(-1, keepdim=True).clamp(min=1)
    return means


class SequenceHead(nn.Module):
    """Sentence vectors of one document to one row of logits a sentence; rows beyond a document's end are noise."""

    def __init__(self, dim: int, width: int, labels: int, drop: float = 0.0):
        super().__init__()
        self.enter = nn.Linear(dim + POSITION_FEATURES, 2 * width)
        self.there = nn.LSTM(2 * width, width, batch_first=True)
        self.back = nn.LSTM(2 * width, width, batch_first=True)
        self.leave = nn.Linear(4 * width, labels)
        self.drop = nn.Dropout(drop)

    def forward(self, sentences: Tensor, n_sentences: Tensor) -> Tensor:
        """(batch, sentences, dim) and (batch,) to (batch, sentences, labels); padding changes no real row."""
        size = n_sentences[:, None]
        place = torch.arange(sentences.shape[1], device=sentences.device)[None, :].expand(sentences.shape[:2])
        rest = (size - 1 - place).clamp(min=0)
        last = (size - 1).clamp(min=1)
        features = torch.stack(
            [place / last, 1 / (1 + place), 1 / (1 + rest), (place == 0) * 1.0, 1 / size.clamp(min=1) + 0.0 * place], -1
        )
        entered = self.drop(F.gelu(self.enter(torch.cat([sentences, features.to(sentences.dtype)], -1))))
        # Each document is turned round at its own end, so padding stays behind the last step in both directions.
        turn = torch.where(place < size, rest, place)[..., None]
        there = self.there(entered)[0]
        turned = self.back(entered.gather(1, turn.expand(entered.shape)))[0]
        back = turned.gather(1, turn.expand(turned.shape))
        logits: Tensor = self.leave(self.drop(torch.cat([there, back, entered], -1)))
        return logits


class AspectLabeller(nn.Module):
    """Hidden states of the default encoder's lower layers to label probabilities, sentence by sentence.

    layer: how many of the encoder's layers run before this. labels: the order of the last axis of the answer.
    digest: sha256 of the weights file. recipe: what the file says of its making (data, licence, metrics).
    """

    def __init__(self, recipe: Mapping[str, Any], tensors: Mapping[str, Tensor], digest: str):
        super().__init__()
        self.recipe = dict(recipe)
        self.digest = digest
        self.layer = int(recipe["layer"])
        self.labels: tuple[str, ...] = tuple(recipe["labels"])
        self.heads = int(recipe["heads"])
        self.eps = float(recipe["eps"])
        self.temperature = float(recipe["temperature"])
        self._adapter = {k.removeprefix("adapter."): v.float() for k, v in tensors.items() if k.startswith("adapter.")}
        self._upper: list[dict[str, str]] = []
        self.head = SequenceHead(int(recipe["dim"]), int(recipe["width"]), len(self.labels))
        self.head.load_state_dict(
            {k.removeprefix("head."): v.float() for k, v in tensors.items() if k.startswith("head.")}
        )
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path | str | None = None) -> AspectLabeller:
        """The labeller in `path`, or the one that ships with the package; `attach` it before use.

        Raises Missing where there is no such file, and Mismatch where it is damaged or of another kind.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        source = Path(path) if path is not None else files("heedful.encode") / "weights" / "aspects.safetensors"
        try:
            data = source.read_bytes()
        except OSError as error:
            raise Missing(f"{source}: no labeller weights ({error}); reinstall heedful or give a path") from error
        try:
            recipe = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["heedful"]
            recipe = json.loads(recipe)
            if recipe["format"] != _FORMAT:
                raise Mismatch(f"{source}: format {recipe['format']!r}; this version reads {_FORMAT!r}")
            return cls(recipe, load(data), hashlib.sha256(data).hexdigest())
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise Mismatch(f"{source}: not a labeller's weights, or damaged ({error!r}); reinstall heedful") from error

    def attach(self, upper_layers: Sequence[nn.Module]) -> AspectLabeller:
        """Merge the adapter into copies of the encoder's layers from number `layer` on; they themselves stay as is.

        Raises Mismatch where their number or shapes are not those that the adapter was trained on.
        """
        layers = list(upper_layers)
        expected = int(self.recipe["layers"]) - self.layer
        if len(layers) != expected:
            raise Mismatch(f"the labeller adapts {expected} layers; got {len(layers)}: attach layers[{self.layer}:]")
        dtype = self.head.leave.weight.dtype
        self._upper = []
        for number, plain in enumerate(layers):
            names = {}
            for name, tensor in merged(plain.state_dict(), self._adapter, number).items():
                names[name] = f"upper_{number}_{name.replace('.', '_')}"
                self.register_buffer(names[name], tensor.to(dtype), persistent=False)
            self._upper.append(names)
        return self

    def forward(self, hidden: Tensor, attention_mask: Tensor, token_sentence: Tensor, n_sentences: Tensor) -> Tensor:
        """Label probabilities, (batch, largest n_sentences, labels) float32, each row summing to 1.

        hidden: (batch, tokens, dim) after `layer` layers. attention_mask: (batch, tokens), 0 for padding.
        token_sentence: (batch, tokens) int64, the number of each token's sentence, -1 for title and special tokens.
        n_sentences: (batch,) int64; rows beyond it carry no meaning.
        """
        if not self._upper:
            raise Mismatch("the labeller has no upper layers yet; call attach(layers) first")
        hidden = hidden.to(self.head.leave.weight.dtype)
        attend = attention_mask[:, None, None, :] > 0
        for names in self._upper:
            weights = {name: getattr(self, buffer) for name, buffer in names.items()}
            hidden = bert_layer(hidden, attend, weights, self.heads, self.eps)
        logits = self.head(sentence_means(hidden, token_sentence, n_sentences), n_sentences)
        return torch.softmax(logits.float() / self.temperature, -1)


def merged(plain: Mapping[str, Tensor], adapter: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    """A layer's weights with its adapter added: W + B A for projections, a plain difference for the rest.

    adapter: `{number}.{name}.a` (rank, in) with `{number}.{name}.b` (out, rank), or `{number}.{name}` (a shift).
    Raises Mismatch where the shapes do not fit. Source: Hu et al. 2021, LoRA, arXiv:2106.09685.
    """
    result = {}
    for module in (*PROJECTIONS, *NORMS):
        for kind in ("weight", "bias"):
            name = f"{module}.{kind}"
            try:
                weight = plain[name].detach().float()
                if f"{number}.{name}.a" in adapter:
                    weight = weight + adapter[f"{number}.{name}.b"] @ adapter[f"{number}.{name}.a"]
                if f"{number}.{name}" in adapter:
                    weight = weight + adapter[f"{number}.{name}"]
            except (KeyError, RuntimeError) as error:
                raise Mismatch(f"the labeller does not fit this encoder's upper layers: {name} ({error})") from error
            result[name] = weight
    return result
