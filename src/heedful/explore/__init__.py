"""Seed and instruction to explained hits: plan, first stage, scoring, evidence, moves."""

from heedful.explore.explorer import Explorer, open
from heedful.explore.results import Comparison, Exploration, ExploredHit

__all__ = ["Comparison", "Exploration", "ExploredHit", "Explorer", "open"]
