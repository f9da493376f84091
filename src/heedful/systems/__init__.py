"""Names to things that rank, and what they are worth on a benchmark."""

from heedful.systems.protocol import Collection, Needs, Ranker, Ranking, System
from heedful.systems.registry import parse_system, system_names
from heedful.systems.reranking import open_reranker

__all__ = ["Collection", "Needs", "Ranker", "Ranking", "System", "open_reranker", "parse_system", "system_names"]
