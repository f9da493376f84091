"""Instruction-query attention, in training as in inference: the modules are the encoder's own."""

from heedful.encode.instructed import (
    SEPARATOR,
    InstructedPooling,
    InstructedTransformer,
    instruction_attention,
    load_sentence_transformer,
)

__all__ = [
    "SEPARATOR",
    "InstructedPooling",
    "InstructedTransformer",
    "instruction_attention",
    "load_sentence_transformer",
]
