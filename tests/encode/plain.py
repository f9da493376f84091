"""The plain version of the one-pass encoder: one document at a time, float32, no batches, public transformers code."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from heedful.corpus import SCIENCE
from heedful.encode.weights import find_model
from heedful.records import Document

MOST, OVERLAP = 512, 128


@cache
def model():
    folder = find_model().folder
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, attn_implementation="eager").eval()


def plain_vectors(document: Document) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Whole, sentences and aspects by the data's labels, unit rows."""
    tokenizer, bert = model()
    pieces = [(-1, document.title), *enumerate(sentence.text for sentence in document.sentences)]
    tokens = [(n, i) for n, text in pieces for i in tokenizer.encode(text, add_special_tokens=False, verbose=False)]
    rows: list[tuple[int, np.ndarray]] = []  # sentence, hidden state; every token once
    room, start, done = MOST - 2, 0, 0
    while True:
        stop = min(start + room, len(tokens))
        ids = [tokenizer.cls_token_id, *(i for _, i in tokens[start:stop]), tokenizer.sep_token_id]
        with torch.no_grad():
            hidden = bert(torch.tensor([ids])).last_hidden_state[0].numpy()
        end = stop if stop == len(tokens) else stop - OVERLAP // 2
        if start == 0:
            rows.append((-1, hidden[0]))
        for place in range(done, end):
            rows.append((tokens[place][0], hidden[1 + place - start]))
        done = end
        if stop == len(tokens):
            rows.append((-1, hidden[-1]))
            break
        start += room - OVERLAP
    whole = unit(np.mean([row for _, row in rows], axis=0))
    sentences = [[row for n, row in rows if n == number] for number in range(len(document.sentences))]
    means = np.array([unit(np.mean(mine, axis=0)) if mine else whole for mine in sentences]).reshape(-1, len(whole))
    labels = [SCIENCE.aspect_of(sentence.label) for sentence in document.sentences]
    aspects = {
        name: unit(sum(row for row, label in zip(means, labels, strict=True) if label == name))
        for name in SCIENCE.names
        if name in labels
    }
    return whole, means, aspects


def unit(row: np.ndarray) -> np.ndarray:
    return row / np.linalg.norm(row)
