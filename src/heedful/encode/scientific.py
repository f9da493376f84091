"""Encoders of papers: SciNCL and SPECTER2 (one vector a paper), Aspire (one contextual vector a sentence)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heedful.encode.embedding import TextEmbedder
from heedful.encode.pretrained import Pretrained, Weights, find_file, kept, load_anew, load_pretrained
from heedful.errors import Mismatch
from heedful.records import Document

if TYPE_CHECKING:
    from heedful.records import Vector

SCINCL = Weights("malteos/scincl", "ebc5348d184ba2fc9beee69b4e394263fce57b2e", "440 MB", "MIT")
SPECTER2 = Weights("allenai/specter2_base", "3447645e1def9117997203454fa4495937bfbd83", "440 MB", "Apache-2.0")
PROXIMITY = Weights("allenai/specter2", "2081559630a80fc5851d8f798a05ba81e9468089", "4 MB", "Apache-2.0")
OT_ASPIRE = Weights("allenai/aspire-contextualsentence-multim-compsci", size="440 MB", licence="Apache-2.0")
TS_ASPIRE = Weights("allenai/aspire-contextualsentence-singlem-compsci", size="440 MB", licence="Apache-2.0")
ASPIRE_TOKENS = 500  # of title and sentences, before the special tokens are added


def scincl(weights: Weights = SCINCL) -> TextEmbedder:
    """SciNCL: the first token of `title [SEP] abstract`. Source: Ostendorff et al. 2022, arXiv:2202.06671."""
    return TextEmbedder(load_pretrained(weights), "cls")


def specter2(weights: Weights = SPECTER2, adapter: Weights = PROXIMITY) -> TextEmbedder:
    """SPECTER2 with its proximity adapter: the first token of `title [SEP] abstract`.

    Source: Singh et al. 2023, arXiv:2211.13308. Raises Missing for absent files, Mismatch for an adapter of another
    kind, or a model that is no BERT.
    """
    return TextEmbedder(kept("adapted", [weights, adapter], lambda: _adapted(weights, adapter)), "cls")


def _adapted(weights: Weights, adapter: Weights) -> Pretrained:
    from heedful.encode.adapters import put_adapter

    loaded = load_anew(weights)
    if loaded.model.config.model_type != "bert":
        raise Mismatch(f"{weights.name}: found a {loaded.model.config.model_type} model; the adapter is for BERT")
    config = find_file(adapter, ("adapter_config.json",))
    put_adapter(loaded.model, config, find_file(adapter, ("adapter.safetensors", "pytorch_adapter.bin")))
    return loaded


def paper_text(title: str, text: str, separator: str) -> str:
    """Title and abstract as these models were trained on: joined by the tokenizer's own separator."""
    return f"{title}{separator}{text}" if title else text


@dataclass(frozen=True, slots=True, eq=False)
class ContextualSentences:
    """Aspire's encoder: title and sentences in one pass, a sentence is the mean of its tokens, the title is left out.

    Source: Mysore et al. 2022, arXiv:2111.08366. Tokens after the 500th are cut, as published: a sentence that begins
    there has no vector.
    """

    loaded: Pretrained
    max_tokens: int = ASPIRE_TOKENS

    def encode(self, documents: Sequence[Document]) -> list[tuple[tuple[int, ...], Vector]]:
        """For each document the numbers of the sentences that have tokens, and their vectors, not normalized."""
        import torch

        cut = [self._tokens(document) for document in documents]
        rows = [row for row, _ in cut]
        out: list[tuple[tuple[int, ...], Vector]] = [((), np.zeros((0, 0), np.float32))] * len(rows)
        with torch.inference_mode():
            for places in self.loaded.batches(rows):
                ids, mask = self.loaded.tensors([rows[p] for p in places])
                hidden = self.loaded.model(input_ids=ids, attention_mask=mask).last_hidden_state.float().cpu().numpy()
                for row, place in enumerate(places):
                    spans = {number: span for number, span in enumerate(cut[place][1]) if span[1] > span[0]}
                    vectors = [hidden[row, start:end].mean(axis=0) for start, end in spans.values()]
                    out[place] = (tuple(spans), np.array(vectors, np.float32).reshape(len(vectors), hidden.shape[2]))
        return out

    def _tokens(self, document: Document) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids with special tokens, and the (start, end) of each sentence among them."""
        tokenizer = self.loaded.tokenizer
        pieces = [f"{document.title} {tokenizer.sep_token} ", *(sentence.text for sentence in document.sentences)]
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        for piece in pieces:
            start = min(len(ids), self.max_tokens)
            ids += tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"]
            spans.append((start + 1, min(len(ids), self.max_tokens) + 1))  # one for the special token in front
        row = [tokenizer.cls_token_id, *ids[: self.max_tokens], tokenizer.sep_token_id]
        return row, spans[1:]


def aspire(weights: Weights) -> ContextualSentences:
    """An Aspire model. Raises Missing where it is not there."""
    return ContextualSentences(load_pretrained(weights))
