"""Ranking with chat models: pointwise, pairwise, setwise, listwise."""

from heedful.rerank.llm.rankers import Listwise, Pairwise, Pointwise, Ranking, Setwise
from heedful.rerank.llm.reranker import LLMReranker
from heedful.rerank.llm.task import Passage, Question, Tally
from heedful.rerank.llm.template import Template, load_template, parse_template, template_names

__all__ = [
    "LLMReranker",
    "Listwise",
    "Pairwise",
    "Passage",
    "Pointwise",
    "Question",
    "Ranking",
    "Setwise",
    "Tally",
    "Template",
    "load_template",
    "parse_template",
    "template_names",
]
