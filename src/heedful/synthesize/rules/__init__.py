"""Triplets without a model: from the labelled sentences and vectors of an index."""

from heedful.synthesize.rules.generate import RULES, generate
from heedful.synthesize.rules.tally import Tally

__all__ = ["RULES", "Tally", "generate"]
