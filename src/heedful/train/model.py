"""The model that a recipe names, ready to train, and what is left of it afterwards."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from heedful.encode.pretrained import Weights, load_errors
from heedful.encode.prompted import published_pooling
from heedful.encode.weights import SHIPPED_NAMES, shipped_model
from heedful.errors import BadInput, Mismatch, Missing
from heedful.train.recipe import Recipe

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_POOLING = {"mean": "mean", "cls": "cls", "last": "lasttoken"}
_log = logging.getLogger("heedful.train")


def build_model(recipe: Recipe, device: str | None = None) -> SentenceTransformer:
    """Transformer, pooling and normalization; with `lora_rank`, adapters in all of its linear layers.

    Raises Missing where there is no such model, Mismatch where it is not whole or its tokenizer does not fit, Upstream
    where there is no memory for it, BadInput for a max_length that it cannot take.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    from heedful.encode.instructed import InstructedPooling, InstructedTransformer

    name = str(shipped_model().folder) if recipe.model in SHIPPED_NAMES else recipe.model
    weights = Weights(name)
    where = weights.at_hub()
    wide = {"dtype": torch.float32}  # in half precision as many are published, small steps would be rounded away
    try:
        made = (Transformer if recipe.attention == "none" else InstructedTransformer)(
            name, model_kwargs=where | wide, processor_kwargs=dict(where), config_kwargs=dict(where)
        )
    except load_errors() as error:
        raise weights.failed(error) from error
    check_fit(made, recipe)
    broken = next((name for name, p in made.auto_model.named_parameters() if not torch.isfinite(p).all()), None)
    if broken:
        raise Mismatch(f"{name}: found weights that are no numbers in {broken}; expected a whole model")
    made.max_seq_length = recipe.max_length
    dim = made.get_embedding_dimension()
    mode = _POOLING[published_pooling(weights) if recipe.pooling == "auto" else recipe.pooling]
    pooling = (
        Pooling(dim, mode)
        if recipe.attention == "none"
        else InstructedPooling(dim, mode, residual=recipe.attention == "residual")
    )
    model = SentenceTransformer(
        modules=[made, pooling, Normalize()],
        device=device,
        prompts={"query": recipe.query_prompt, "document": recipe.passage_prompt},
    )
    for name, parameter in made.auto_model.named_parameters():
        if "pooler" in name:  # a head of the checkpoint that no vector goes through
            parameter.requires_grad_(False)
    if recipe.lora_rank:
        add_adapters(model, recipe)
    return model


def check_fit(transformer: Any, recipe: Recipe) -> None:
    """Give the tokenizer a padding token where it has none. Raises Mismatch, BadInput."""
    tokenizer, config = transformer.tokenizer, transformer.auto_model.config
    if not tokenizer.get_vocab().keys() - tokenizer.all_special_tokens:  # one is made up where there are no files
        raise Mismatch(f"{recipe.model}: found no vocabulary; expected the tokenizer's files beside the model's")
    highest = max(tokenizer.get_vocab().values(), default=-1)
    rows = transformer.auto_model.get_input_embeddings().num_embeddings
    if highest >= rows:
        raise Mismatch(
            f"{recipe.model}: found a tokenizer with ids up to {highest} and {rows} embeddings; expected the tokenizer "
            "that the model was trained with"
        )
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise Mismatch(f"{recipe.model}: found a tokenizer without padding and end token; expected one of them")
        tokenizer.pad_token = tokenizer.eos_token
    places = int(getattr(config, "max_position_embeddings", 0) or 0)
    if config.model_type in {"roberta", "xlm-roberta", "mpnet", "camembert"}:
        places -= 2  # these count positions from the padding id
    if 0 < places < recipe.max_length:
        raise BadInput(f"found max_length={recipe.max_length}; {recipe.model} takes at most {places} tokens")


def add_adapters(model: Any, recipe: Recipe) -> None:
    """LoRA in every linear layer but an unused head; everything else is frozen. Raises Missing without peft."""
    try:
        from peft import LoraConfig, TaskType
    except ImportError as error:
        raise Missing("lora_rank needs peft; pip install 'heedful[train]'") from error
    unused = [name for name, _ in model[0].auto_model.named_modules() if "pooler" in name]
    model.add_adapter(
        LoraConfig(
            task_type=TaskType.FEATURE_EXTRACTION,
            r=recipe.lora_rank,
            lora_alpha=recipe.lora_alpha or recipe.lora_rank,
            lora_dropout=recipe.lora_dropout,
            target_modules="all-linear",
            exclude_modules=unused or None,
        )
    )
    trainable, total = count_parameters(model)
    _log.info("adapters of rank %d: %d of %d parameters train", recipe.lora_rank, trainable, total)


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """How many train, and how many there are."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, trains in sizes if trains), sum(size for size, _ in sizes)


def merge_adapters(model: Any) -> None:
    """Fold the adapters into the layers that they adapt: the model is then plain, and gives the same vectors."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    transformer = model[0].auto_model
    adapted = [(name, layer) for name, layer in transformer.named_modules() if isinstance(layer, BaseTunerLayer)]
    for name, layer in adapted:
        layer.merge()
        parent, _, own = name.rpartition(".")
        setattr(transformer.get_submodule(parent), own, layer.get_base_layer())
    transformer._hf_peft_config_loaded = False
    if hasattr(transformer, "peft_config"):
        del transformer.peft_config
