"""Instruction-query attention: instruction tokens look at query tokens, and their mean is the query's vector.

Two modules for sentence-transformers, saved with a model, with nothing to learn. They read instruction and query from
one string, `instruction + SEPARATOR + query`; a string without the separator (a document) is pooled as ever.
Source: Zhuang et al. 2025, InF-Embed, arXiv:2505.21439; the residual form is ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor

from heedful.errors import Mismatch

SEPARATOR = "␞"


def instruction_attention(
    instruction: Tensor, query: Tensor, instruction_mask: Tensor, query_mask: Tensor, residual: bool = False
) -> Tensor:
    """(B, d), not normalized: the mean over instruction tokens of what they attend to in the query.

    instruction: (B, I, d) and query: (B, Q, d), token states of the same encoder, each run alone. Masks: (B, I) and
    (B, Q), above 0 at tokens. As published, W = softmax(instruction query^T / sqrt(d)) over query tokens, and the
    vector is the mean of the rows of W query: the instruction weighs the query's states and adds nothing of its own.
    residual: the rows are W query + instruction, so that it does.
    """
    kind = instruction.dtype
    wide = kind if kind == torch.float64 else torch.float32
    instruction, query = instruction.to(wide), query.to(wide)
    seen = query_mask[:, None, :] > 0
    scores = instruction @ query.transpose(1, 2) / query.shape[-1] ** 0.5  # of another type within an autocast
    weights = scores.masked_fill(~seen, torch.finfo(scores.dtype).min).softmax(dim=-1) * seen
    rows = weights @ query + instruction if residual else weights @ query
    told = (instruction_mask > 0).to(wide)[:, :, None]
    mean: Tensor = (rows * told).sum(dim=1) / told.sum(dim=1).clamp(min=1)
    return mean.to(kind)


class InstructedTransformer(Transformer):
    """A transformer that runs instruction and query apart, each with its own special tokens and length."""

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, processing_kwargs: Any = None, **options: Any
    ) -> dict[str, Any]:
        """Tokens of the queries; where one has an instruction, `instruction_tokens` and its mask, (B, 1, I), beside."""
        options["processing_kwargs"] = processing_kwargs
        texts = [f"{prompt or ''}{text}" for text in inputs]
        if not any(SEPARATOR in text for text in texts):
            return dict(super().preprocess(inputs, prompt=prompt, **options))
        parts = [text.rpartition(SEPARATOR) for text in texts]
        told = super().preprocess([instruction for instruction, _, _ in parts], **options)
        features = dict(super().preprocess([query for _, _, query in parts], **options))
        there = torch.tensor([bool(separator) for _, separator, _ in parts])[:, None]
        features["instruction_tokens"] = told["input_ids"][:, None]  # one more dimension: no batch of tokens to trim
        features["instruction_mask"] = (told["attention_mask"] * there)[:, None]
        return features

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Token states of the queries and, as `instruction_embeddings`, of the instructions."""
        own = {name: value for name, value in features.items() if not name.startswith("instruction_")}
        features.update(super().forward(own, **options))
        if "instruction_tokens" in features:
            ids, mask = features["instruction_tokens"][:, 0], features["instruction_mask"][:, 0]
            attended = torch.where(mask.sum(dim=1, keepdim=True) > 0, mask, torch.ones_like(mask))
            told = {"input_ids": ids, "attention_mask": attended, "modality": features.get("modality", "text")}
            features["instruction_embeddings"] = super().forward(told, **options)["token_embeddings"]
        return features


class InstructedPooling(Pooling):
    """Instruction-query attention for rows with an instruction, the usual pooling for the others."""

    config_keys = [*Pooling.config_keys, "residual"]  # noqa: RUF012 (the parent's own form)

    def __init__(
        self, embedding_dimension: int, pooling_mode: Any = "mean", include_prompt: bool = True, residual: bool = False
    ):
        super().__init__(embedding_dimension, pooling_mode, include_prompt)
        self.residual = residual

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The features with `sentence_embedding`, (B, d)."""
        features = super().forward(features, **options)
        if "instruction_embeddings" in features:
            mask = features["instruction_mask"][:, 0]
            attended = instruction_attention(
                features["instruction_embeddings"],
                features["token_embeddings"],
                mask,
                features["attention_mask"],
                self.residual,
            )
            told = mask.sum(dim=1, keepdim=True) > 0
            features["sentence_embedding"] = torch.where(told, attended, features["sentence_embedding"])
        return features


OURS = {f"{made.__module__}.{made.__name__}": made for made in (InstructedTransformer, InstructedPooling)}


def load_sentence_transformer(name: str, **options: Any) -> SentenceTransformer:
    """A sentence-transformers model by hub name or folder; a folder may use the modules above.

    Nothing else of a folder is ever run. Raises Mismatch where modules.json cannot be read; errors of the library
    itself pass through.
    """
    listed = Path(name).expanduser() / "modules.json"
    if listed.is_file():
        try:
            kinds = {module["type"] for module in json.loads(listed.read_text(encoding="utf-8"))}
        except (ValueError, KeyError, TypeError) as error:
            raise Mismatch(f"{listed}: found no list of modules ({error}); save the model again") from None
        if kinds & set(OURS):
            return SentenceTransformer._load_with_module_classes(name, OURS, **options)
    return SentenceTransformer(name, **options)
