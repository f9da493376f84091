from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests import tiny

from heedful.encode.pretrained import Weights
from heedful.encode.prompted import PROMPTS, gritlm, prompt_of, prompted
from heedful.errors import BadInput

ASKED = "Find papers whose method is similar to this paper's."
TEXTS = ("Tides of a shallow sea.", "We use wavelets on tides. Sourdough needs flour, water and time.")


@pytest.fixture(scope="module")
def grit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.mistral(tmp_path_factory.mktemp("mistral") / "model")


def by_hand(folder: Path, text: str, instruction: str) -> np.ndarray:
    """GritLM's published way in few lines: one text, full attention, the prefix's tokens out of the mean."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager")
    prefix = f"<|user|>\n{instruction}\n<|embed|>\n" if instruction else "<|embed|>\n"
    ids = tokenizer(prefix + text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        hidden = model(ids, attention_mask=torch.zeros(1, 1, ids.shape[1], ids.shape[1])).last_hidden_state[0]
    mean = hidden[len(tokenizer(prefix)["input_ids"]) :].mean(dim=0)
    return (mean / mean.norm()).numpy()


@pytest.mark.parametrize("instruction", [ASKED, ""])
def test_gritlm_is_as_published(grit: Path, instruction: str):
    model = gritlm(Weights(str(grit)))
    found = model.encode_written([model.prompt.query(text, instruction) for text in TEXTS])
    for row, text in zip(found, TEXTS, strict=True):
        assert abs(row - by_hand(grit, text, instruction)).max() < 1e-5
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_gritlm_reads_a_document_as_a_query_without_instruction(grit: Path):
    model = gritlm(Weights(str(grit)))
    assert model.prompt.of_document("a tide") == model.prompt.query("a tide", "") == ("<|embed|>\n", "a tide")


def test_an_instruction_moves_gritlms_vector_though_it_is_not_in_the_mean(grit: Path):
    model = gritlm(Weights(str(grit)))
    told, untold = model.encode_written([model.prompt.query(TEXTS[0], ASKED), model.prompt.query(TEXTS[0], "")])
    assert told @ untold < 0.999


def test_gritlm_attends_both_ways(grit: Path):
    """A causal model's first token cannot see the last; this one's does, beyond the sliding window too."""
    embedder = gritlm(Weights(str(grit))).embedder
    ids = torch.tensor([[1, 20, 21, 22, 23, 24, 25, 26], [1, 20, 21, 22, 23, 24, 25, 90]])
    mask = torch.ones_like(ids)
    with torch.no_grad():
        both = embedder.loaded.model(input_ids=ids, attention_mask=embedder._attention(mask)).last_hidden_state[:, 0]
        causal = embedder.loaded.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
    assert (both[0] - both[1]).abs().max() > 1e-3 and (causal[0] - causal[1]).abs().max() < 1e-6


def test_a_text_that_is_cut_within_its_prefix_still_has_a_vector(grit: Path):
    found = gritlm(Weights(str(grit)), max_tokens=10).encode_written([PROMPTS["gritlm"].query(TEXTS[0], ASKED)])
    assert np.isfinite(found).all() and np.linalg.norm(found) == pytest.approx(1)


def test_a_qwen_embedder_is_its_last_token_which_ends_the_text(tmp_path: Path):
    from transformers import AutoModel, AutoTokenizer

    folder = tiny.qwen3(tmp_path / "qwen")
    model = prompted(Weights(str(folder)), PROMPTS["qwen3"])
    assert model.embedder.pooling == "last"
    found = model.encode_written([model.prompt.query(text, ASKED) for text in TEXTS])
    tokenizer, plain = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    for row, text in zip(found, TEXTS, strict=True):
        ids = tokenizer(f"Instruct: {ASKED}\nQuery:{text}", return_tensors="pt")["input_ids"]
        assert tokenizer.convert_ids_to_tokens(ids[0, -1].item()) == "<|endoftext|>"
        with torch.no_grad():
            last = plain(ids).last_hidden_state[0, -1]
        assert abs(row - (last / last.norm()).numpy()).max() < 1e-5


def test_a_cut_text_keeps_the_token_that_ends_it(tmp_path: Path):
    model = prompted(Weights(str(tiny.qwen3(tmp_path / "qwen"))), PROMPTS["qwen3"], max_tokens=12)
    (row,) = model.embedder._tokens(["tides and waves " * 30])
    assert len(row) == 12 and row[-1] == model.embedder.loaded.place("<|endoftext|>")


def test_pooling_may_be_said(tmp_path: Path):
    folder = Weights(str(tiny.bert(tmp_path / "bert")))
    mean, cls = (prompted(folder, PROMPTS["plain"], way).encode_written([("", TEXTS[0])]) for way in ("auto", "cls"))
    assert abs(mean - cls).max() > 1e-2
    with pytest.raises(BadInput, match="pooling"):
        prompted(folder, PROMPTS["plain"], "max")


def test_a_template_of_ones_own_needs_both_places():
    prompt = prompt_of("Task: {instruction}\\nText: {text} End")
    assert "".join(prompt.query("a {instruction}", "b {text}")) == "Task: b {text}\nText: a {instruction} End"
    with pytest.raises(BadInput, match="expected one of gritlm, qwen3"):
        prompt_of("{text}")


def test_a_real_model_has_the_vectors_that_sentence_transformers_gives():
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from heedful.encode.weights import shipped_model

    folder = str(shipped_model().folder)
    model = prompted(Weights(folder), PROMPTS["plain"], max_tokens=256)
    found = model.encode_written([model.prompt.query(text, ASKED) for text in TEXTS])
    theirs = sentence_transformers.SentenceTransformer(folder, device="cpu").encode([f"{ASKED} {t}" for t in TEXTS])
    assert abs(found - theirs).max() < 1e-5
