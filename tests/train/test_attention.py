"""Instruction-query attention: the published form, number by number, and a model that is saved with it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.models import features, gradients

from heedful.train.attention import (
    SEPARATOR,
    InstructedPooling,
    InstructedTransformer,
    instruction_attention,
    load_sentence_transformer,
)
from heedful.train.objective import FollowingLoss

INSTRUCTION, QUERY = "find long waves", "tides of a shallow sea are old"


def plainly(instruction: Any, query: Any, residual: bool) -> Any:
    """One row without padding, token by token."""
    rows = []
    for token in instruction:
        scores = [math.exp(float(token @ other) / math.sqrt(len(token))) for other in query]
        rows.append(sum(w * other for w, other in zip(scores, query, strict=True)) / sum(scores) + residual * token)
    return sum(rows) / len(rows)


@pytest.mark.parametrize("residual", [False, True])
def test_it_is_the_published_form_whatever_the_padding(residual: bool):
    made = torch.Generator().manual_seed(0)
    told, asked = torch.randn(5, 6, 8, generator=made).double(), torch.randn(5, 9, 8, generator=made).double()
    told_mask, asked_mask = torch.zeros(5, 6), torch.zeros(5, 9)
    for row, (few, many) in enumerate([(6, 9), (1, 9), (4, 1), (1, 1), (3, 5)]):
        told_mask[row, :few] = 1
        asked_mask[row, -many:] = 1  # padded on the left
    found = instruction_attention(told, asked, told_mask, asked_mask, residual)
    for row in range(5):
        expected = plainly(told[row, told_mask[row] > 0], asked[row, asked_mask[row] > 0], residual)
        assert torch.allclose(found[row], expected, atol=1e-12)
    assert float(found.abs().min()) > 0


def test_as_published_the_vector_lies_among_the_query_s_states_and_the_residual_form_leaves_them():
    made = torch.Generator().manual_seed(1)
    told, asked = torch.randn(1, 3, 4, generator=made), torch.randn(1, 2, 4, generator=made)
    ones = torch.ones(1, 3), torch.ones(1, 2)
    mix = instruction_attention(told, asked, *ones)[0]
    share = torch.linalg.lstsq(asked[0].T, mix[:, None]).solution[:, 0]
    assert share.sum().item() == pytest.approx(1, abs=1e-5) and bool((share > 0).all())
    left = instruction_attention(told, asked, *ones, residual=True)[0] - mix
    assert torch.allclose(left, told[0].mean(0), atol=1e-6)


def model_of(folder: Path, residual: bool = False) -> Any:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    modules = [InstructedTransformer(str(folder)), InstructedPooling(32, "mean", residual=residual), Normalize()]
    return SentenceTransformer(modules=modules, device="cpu").eval()


@pytest.mark.parametrize("residual", [False, True])
def test_a_saved_model_gives_the_same_vectors_and_equals_two_runs_of_the_encoder(
    bert: Path, tmp_path: Path, residual: bool
):
    model = model_of(bert, residual)
    strings = [f"{INSTRUCTION}{SEPARATOR}{QUERY}", QUERY, f"we use wavelets{SEPARATOR}{QUERY}", f"{SEPARATOR}{QUERY}"]
    found = model.encode(strings)
    model.save_pretrained(str(tmp_path / "saved"))
    assert np.array_equal(load_sentence_transformer(str(tmp_path / "saved")).encode(strings), found)

    encoder, tokenizer = model[0].auto_model, model.tokenizer
    for row, instruction in ((0, INSTRUCTION), (2, "we use wavelets"), (3, "")):
        with torch.no_grad():
            told, asked = (
                encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0] for text in (instruction, QUERY)
            )
        expected = plainly(told, asked, residual)
        assert np.allclose(found[row], expected / expected.norm(), atol=1e-5)
    alone = encoder(**tokenizer(QUERY, return_tensors="pt")).last_hidden_state[0].mean(0)
    assert np.allclose(found[1], (alone / alone.norm()).detach(), atol=1e-5)
    assert abs(found[0] - found[2]).max() > 1e-3  # the instruction matters


def test_it_trains_and_cached_gradients_are_those_of_a_plain_step(bert: Path):
    found = []
    for mini_batch in (0, 2):
        model = model_of(bert)
        queries = [f"{told}{SEPARATOR}{QUERY}" for told in ("find waves", INSTRUCTION, "flour", "water and time")]
        passages = ["old tides", "long waves of a sea", "sourdough", "time is old"]
        loss = FollowingLoss(model, "uni-P", 0.1, mini_batch=mini_batch)
        loss(features(model, [queries, passages]), None).backward()
        found.append(gradients(model))
    assert found[0].norm() > 0.01 and (found[0] - found[1]).norm() < 1e-4 * found[0].norm()


def test_a_folder_runs_no_other_code(bert: Path, tmp_path: Path):
    model_of(bert).save_pretrained(str(tmp_path / "saved"))
    listed = tmp_path / "saved/modules.json"
    modules = json.loads(listed.read_text())
    modules[1]["type"] = "elsewhere.Module"
    listed.write_text(json.dumps(modules))
    (tmp_path / "saved/elsewhere.py").write_text("raise SystemExit(7)")
    with pytest.raises(ValueError, match="trust_remote_code"):
        load_sentence_transformer(str(tmp_path / "saved"))


def test_attention_works_where_products_are_cast_to_bfloat16():
    torch.manual_seed(0)
    instruction, query = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    masks = torch.ones(2, 3), torch.tensor([[1.0, 1, 1, 0], [1, 1, 0, 0]])
    with torch.autocast("cpu", torch.bfloat16):
        quick = instruction_attention(instruction, query, *masks)
    torch.testing.assert_close(quick.float(), instruction_attention(instruction, query, *masks), atol=2e-2, rtol=0)
