from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests import tiny

from heedful.encode.pretrained import Weights
from heedful.errors import BadInput, Missing
from heedful.rerank.cross_encoder import TEMPLATES, load_cross_encoder, style_of

QUERY, ASKED = "Tides of a shallow sea.", "Find papers whose method is similar."
DOCUMENTS = ["Steel bridges rust in salt air; sea levels rise.", "We use wavelets.", "Sourdough needs flour. " * 5]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("cross")
    return {
        "followir": tiny.mistral(root / "mistral", causal=True),
        "qwen3": tiny.qwen3(root / "qwen", causal=True),
        "monot5": tiny.t5(root / "t5"),
        "pair": tiny.bert(root / "bert", labels=1),
        "two": tiny.bert(root / "bert-two", labels=2),
    }


def causal_by_hand(folder: Path, prompt: str, yes: str, no: str, special: bool = True) -> float:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=special)["input_ids"]
        logits = model(ids).logits[0, -1]
    vocabulary = tokenizer.get_vocab()
    return float(logits[vocabulary[yes]] - logits[vocabulary[no]])


def test_followir_is_the_logit_of_true_less_that_of_false(models: dict[str, Path]):
    scores = load_cross_encoder(Weights(str(models["followir"]))).score(QUERY, ASKED, DOCUMENTS)
    for score, document in zip(scores, DOCUMENTS, strict=True):
        prompt = (
            "<s> [INST] You are an expert Google searcher, whose job is to determine if the following document is "
            "relevant to the query (true/false). Answer using only one word, one of those two choices.\n\n"
            f"Query: {QUERY} {ASKED}\nDocument: {document}\n"
            'Relevant (only output one word, either "true" or "false"): [/INST] '
        )
        assert score == pytest.approx(causal_by_hand(models["followir"], prompt, "true", "false"), abs=1e-5)
    assert np.ptp(scores) > 0.01


@pytest.mark.parametrize("asked", [ASKED, ""])
def test_qwens_reranker_has_a_slot_for_the_instruction(models: dict[str, Path], asked: str):
    scores = load_cross_encoder(Weights(str(models["qwen3"]))).score(QUERY, asked, DOCUMENTS)
    told = asked or "Given a web search query, retrieve relevant passages that answer the query"
    for score, document in zip(scores, DOCUMENTS, strict=True):
        prompt = (
            "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
            'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
            f"<Instruct>: {told}\n<Query>: {QUERY}\n<Document>: {document}"
            "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
        )
        assert score == pytest.approx(causal_by_hand(models["qwen3"], prompt, "yes", "no", False), abs=1e-5)


def test_monot5_is_the_first_generated_token(models: dict[str, Path]):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models["monot5"])
    model = AutoModelForSeq2SeqLM.from_pretrained(models["monot5"])
    scores = load_cross_encoder(Weights(str(models["monot5"]))).score(QUERY, ASKED, DOCUMENTS)
    vocabulary = tokenizer.get_vocab()
    for score, document in zip(scores, DOCUMENTS, strict=True):
        made = tokenizer(f"Query: {QUERY} {ASKED} Document: {document} Relevant:", return_tensors="pt")
        out = model.generate(
            input_ids=made["input_ids"], max_new_tokens=1, return_dict_in_generate=True, output_scores=True
        )
        logits = out.scores[0][0]
        assert score == pytest.approx(float(logits[vocabulary["▁true"]] - logits[vocabulary["▁false"]]), abs=1e-5)


@pytest.mark.parametrize("labels", ["pair", "two"])
def test_a_classifier_gets_the_pair(models: dict[str, Path], labels: str):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models[labels])
    model = AutoModelForSequenceClassification.from_pretrained(models[labels])
    scores = load_cross_encoder(Weights(str(models[labels]))).score(QUERY, ASKED, DOCUMENTS)
    for score, document in zip(scores, DOCUMENTS, strict=True):
        with torch.no_grad():
            logits = model(**tokenizer(f"{QUERY} {ASKED}", document, return_tensors="pt")).logits[0]
        expected = logits[0] if len(logits) == 1 else logits[1] - logits[0]
        assert score == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("name", ["followir", "qwen3", "monot5", "pair"])
def test_a_long_document_is_shortened_and_the_question_after_it_stays(models: dict[str, Path], name: str):
    limit = {"followir": 180, "qwen3": 260, "monot5": 40, "pair": 40}[name]
    encoder = load_cross_encoder(Weights(str(models[name])), max_tokens=limit)
    rows, _, shortened = encoder._rows(QUERY, ASKED, ["We use wavelets on tides. " * 80, "Tides."])
    assert shortened == 1 and limit - 4 <= len(rows[0]) <= limit and len(rows[1]) < limit
    closing = -1 if name == "pair" else -3
    assert rows[0][closing:] == rows[1][closing:]


def test_a_long_query_leaves_room_for_the_document(models: dict[str, Path]):
    encoder = load_cross_encoder(Weights(str(models["monot5"])), max_tokens=80)
    rows, _, _ = encoder._rows("tides and waves " * 60, ASKED, ["We use wavelets on tides. " * 20])
    text = encoder.loaded.tokenizer.decode(rows[0])
    assert len(rows[0]) <= 80 and "wavelets" in text and "Relevant" in text and "method" in text


def test_what_is_written_is_what_the_model_gets(models: dict[str, Path]):
    encoder = load_cross_encoder(Weights(str(models["qwen3"])))
    written = encoder.written(QUERY, ASKED)
    assert f"<Instruct>: {ASKED}\n<Query>: {QUERY}\n<Document>: {{document}}<|im_end|>" in written
    assert encoder.written(QUERY, "") != written


def test_slots_in_a_query_are_not_filled():
    for template in TEMPLATES.values():
        assert "{query}" in template.written("a {query} {document}", "with {instruction} and {query}")


def test_a_style_is_told_by_the_architecture_or_must_be_said(models: dict[str, Path], tmp_path: Path):
    assert {style_of(Weights(str(models[name]))) for name in TEMPLATES if name in models} == set(models) - {"two"}
    with pytest.raises(BadInput, match="template"):
        style_of(Weights(str(tiny.bert(tmp_path / "bert"))))
    with pytest.raises(BadInput, match="expected auto, monot5"):
        load_cross_encoder(Weights(str(models["pair"])), "duot5")
    with pytest.raises(Missing, match="no token"):
        load_cross_encoder(Weights(str(models["followir"])), "qwen3")


def test_no_documents_give_no_scores(models: dict[str, Path]):
    for name in ("pair", "monot5"):
        assert len(load_cross_encoder(Weights(str(models[name]))).score(QUERY, "", [])) == 0
