"""Tiny random models of the published architectures, saved in the published layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

TEXTS = (
    "Tides of a shallow sea are old. We use wavelets on tides. We find long waves.",
    "Find papers whose method is similar to this paper's. Query Document Relevant true false yes no",
    "Sourdough needs flour, water and time. Steel bridges rust in salt air; sea levels rise.",
    "<|user|> <|embed|> Instruct: Query: You are an expert Google searcher <Instruct> <Query> <Document>",
)


def save(folder: Path, tokenizer: Tokenizer, model: Any, **special: str) -> Path:
    """A folder with tokenizer and model in float32, weights spread so that tokens differ."""
    from transformers import PreTrainedTokenizerFast

    torch.manual_seed(len(str(type(model))))
    for name, value in model.named_parameters():
        if value.dim() > 1 and "norm" not in name.lower():
            torch.nn.init.normal_(value, std=0.2)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    model.eval().save_pretrained(folder)
    return folder


def word_tokenizer(template: bool = True) -> Tokenizer:
    """Words and punctuation, lower case, [CLS] and [SEP] around."""
    from tokenizers import normalizers

    made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    made.train_from_iterator(TEXTS, trainers.WordLevelTrainer(special_tokens=names))
    if template:
        ends = [(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
        )
    return made


def byte_tokenizer(special: Sequence[str], single: str, words: Sequence[str] = ()) -> Tokenizer:
    """Byte pairs over TEXTS. single: the template of a text. words: that are one token each."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        (*TEXTS, *(f"{word}\n{word}" for word in words for _ in range(9))),
        trainers.BpeTrainer(vocab_size=420, special_tokens=list(special), initial_alphabet=alphabet),
    )
    ends = [(name, made.token_to_id(name)) for name in special]
    made.post_processor = processors.TemplateProcessing(single=single, special_tokens=ends)
    return made


def bert(folder: Path, labels: int = 0) -> Path:
    """A BERT as SciNCL, SPECTER2 and Aspire are; with labels, a classifier of pairs."""
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    tokenizer = word_tokenizer()
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=512,
        num_labels=max(labels, 1),
    )
    model = BertForSequenceClassification(config) if labels else BertModel(config)
    return save(folder, tokenizer, model, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]")


def adapter(folder: Path, base: Path, width: int = 4, **changed: Any) -> Path:
    """A bottleneck adapter for `bert`, in the layout in which adapters are published."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(base)
    torch.manual_seed(5)
    stored = {}
    for n in range(config.num_hidden_layers):
        before = f"bert.encoder.layer.{n}.output.adapters.[PRX]."
        stored[before + "adapter_down.0.weight"] = torch.randn(width, config.hidden_size) * 0.3
        stored[before + "adapter_down.0.bias"] = torch.randn(width) * 0.3
        stored[before + "adapter_up.weight"] = torch.randn(config.hidden_size, width) * 0.3
        stored[before + "adapter_up.bias"] = torch.randn(config.hidden_size) * 0.3
    settings = {"non_linearity": "relu", "reduction_factor": 16, "original_ln_after": True, "scaling": 1.0}
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"config": settings | changed, "name": "[PRX]"}))
    torch.save(stored, folder / "pytorch_adapter.bin")
    return folder


def mistral(folder: Path, causal: bool = False) -> Path:
    """A Mistral as GritLM and FollowIR are."""
    from transformers import MistralConfig, MistralForCausalLM, MistralModel

    tokenizer = byte_tokenizer(["<unk>", "<s>", "</s>"], "<s> $A", ["true", "false"])
    config = MistralConfig(**_decoder(tokenizer), sliding_window=None if causal else 4)
    model = MistralForCausalLM(config) if causal else MistralModel(config)
    return save(folder, tokenizer, model, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def qwen3(folder: Path, causal: bool = False) -> Path:
    """A Qwen3 as its embedders (which end a text with a token) and its rerankers (causal) are."""
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = byte_tokenizer(special, "$A" if causal else "$A <|endoftext|>", ["yes", "no"])
    config = Qwen3Config(**_decoder(tokenizer), head_dim=8)
    model = Qwen3ForCausalLM(config) if causal else Qwen3Model(config)
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "1_Pooling/config.json").write_text('{"pooling_mode_lasttoken": true}')
    return save(folder, tokenizer, model, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def t5(folder: Path) -> Path:
    """A T5 as monoT5 is."""
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    tokenizer.train_from_iterator(TEXTS, trainers.WordLevelTrainer(special_tokens=["<pad>", "</s>", "<unk>"]))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    config = T5Config(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config)
    return save(folder, tokenizer, model, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


def _decoder(tokenizer: Tokenizer) -> dict[str, int]:
    return {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 512,
    }
