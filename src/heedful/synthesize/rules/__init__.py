"""Triplets without a model: from the labelled sentences and vectors of an index."""

from heedful.synthesize.rules.generate import RULES, generate

__all__ = ["RULES", "generate"]
