"""st(model=...) with a tiny model, random and made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heedful.records import Document, Topic
from heedful.systems import Collection, parse_system

WORDS = (
    "represent query passage find papers whose method is similar tides wavelets steel rust bread flour : , .".split()
)
DOCUMENTS = {
    id: Document(id, title, text)
    for id, title, text in [
        ("sea", "Tides", "Wavelets, tides."),
        ("rust", "Steel", "Rust, steel."),
        ("bread", "Bread", "Flour, bread."),
    ]
}
TOPIC = Topic("t", text="tides wavelets", instruction="find papers whose method is similar")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of width 16 over a vocabulary of a few words, saved with prompts of its own."""
    torch = pytest.importorskip("torch")
    st = pytest.importorskip("sentence_transformers", reason="st(model=) needs sentence-transformers")
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate((*special, *WORDS))}, unk_token="[UNK]"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **dict(zip(names, special, strict=True)))
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    try:
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    except ImportError:
        from sentence_transformers.models import Pooling, Transformer
    transformer = Transformer(str(folder / "bert"))
    made = st.SentenceTransformer(
        modules=[transformer, Pooling(16)],
        prompts={"query": "query: ", "document": "passage: "},
        device="cpu",
    )
    made.save(str(folder / "model"))
    return folder / "model"


def inputs(name: str, topic: Topic = TOPIC) -> tuple[str, ...] | None:
    return parse_system(name).open(Collection(DOCUMENTS)).rank(topic, list(DOCUMENTS)).inputs


def test_its_own_prompt_and_the_instruction_are_both_in_the_record(model: Path):
    assert inputs(f"st(model={model})") == (f"query: {TOPIC.instruction} {TOPIC.text}",)
    assert inputs(f"st(model={model}, instruction=none)") == (f"query: {TOPIC.text}",)


def test_a_template_of_ones_own_says_where_the_instruction_goes(model: Path):
    name = f'st(model={model}, template="{{text}} represent : {{instruction}}")'
    assert inputs(name) == (f"query: {TOPIC.text} represent : {TOPIC.instruction}",)


def test_its_ranking_is_that_of_the_model_called_directly(model: Path):
    import sentence_transformers

    plain = sentence_transformers.SentenceTransformer(str(model), device="cpu")
    texts = [f"passage: {d.title} {d.text}" for d in DOCUMENTS.values()]
    query = f"query: {TOPIC.instruction} {TOPIC.text}"
    vectors = plain.encode([*texts, query], prompt="", normalize_embeddings=True)
    expected = dict(zip(DOCUMENTS, (vectors[:-1] @ vectors[-1]).tolist(), strict=True))
    hits = parse_system(f"st(model={model})").open(Collection(DOCUMENTS)).rank(TOPIC, list(DOCUMENTS)).hits
    assert {hit.id: hit.score for hit in hits} == pytest.approx(expected, abs=1e-5)
    assert np.std(list(expected.values())) > 1e-4
    assert [hit.id for hit in hits] == sorted(expected, key=expected.__getitem__, reverse=True)


def test_a_template_without_the_instruction_is_not_delivered_and_with_it_is(model: Path):
    other = Topic("t", text=TOPIC.text, instruction="represent steel")
    deaf, hearing = f'st(model={model}, template="{{text}}")', f"st(model={model})"
    assert inputs(deaf) == inputs(deaf, other)
    assert inputs(hearing) != inputs(hearing, other)
