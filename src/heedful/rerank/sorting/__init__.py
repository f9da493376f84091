"""Sorting by a noisy comparator: pure algorithms that ask for prompts and are told votes."""

from __future__ import annotations

from heedful.rerank.sorting.active import Active, default_prompts
from heedful.rerank.sorting.bounds import most_prompts, most_sets, supposed
from heedful.rerank.sorting.protocol import Answered, Ask, Pair, Progress, Sort, Sorted, Sorter, Stop, Vote, run_sort
from heedful.rerank.sorting.published import all_pairs, heapsort, quick_select, sliding
from heedful.rerank.sorting.report import Consistency, consistency, pooled

SORTERS: dict[str, Sorter] = {
    "active": Active(),
    "allpairs": all_pairs,
    "heapsort": heapsort,
    "sliding": sliding,
    "quickselect": quick_select,
}

__all__ = [
    "SORTERS",
    "Active",
    "Answered",
    "Ask",
    "Consistency",
    "Pair",
    "Progress",
    "Sort",
    "Sorted",
    "Sorter",
    "Stop",
    "Vote",
    "all_pairs",
    "consistency",
    "default_prompts",
    "heapsort",
    "most_prompts",
    "most_sets",
    "pooled",
    "quick_select",
    "run_sort",
    "sliding",
    "supposed",
]
