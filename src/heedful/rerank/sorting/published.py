"""The sorts that the literature compares: all pairs, heapsort, sliding window, quick-select. All ask both orders."""

from __future__ import annotations

from itertools import combinations

from heedful.rerank.sorting.protocol import Sort, Stop, compare, with_rest

CHUNK = 512  # prompts of all-pairs in one batch, so that a stop loses little


def all_pairs(n: int, k: int) -> Sort:
    """Sort by comparisons won, a tie counting half; n(n-1) prompts, all independent.

    A win tie keeps the first-stage order. Stopped early, it ranks by the mean of what was compared.
    Source: Qin et al. 2023, arXiv:2306.17563 (PRP-Allpair).
    """
    del k
    wins, met = [0.0] * n, [0] * n
    pairs = list(combinations(range(n), 2))
    try:
        for start in range(0, len(pairs), CHUNK // 2):
            batch = pairs[start : start + CHUNK // 2]
            for (a, b), won in zip(batch, (yield from compare(batch)), strict=True):
                wins[a] += won
                wins[b] += 1 - won
                met[a] += 1
                met[b] += 1
    except Stop:
        pass
    return sorted(range(n), key=lambda i: -(wins[i] / met[i] if met[i] else 0.5))


def heapsort(n: int, k: int) -> Sort:
    """Array max-heap: build from n // 2 down to 0, then k extractions, one comparison (two prompts) at a time.

    "Greater" needs both orders to agree, so a tie leaves the heap as it is. The rest keeps its first-stage order.
    Source: the heap of Qin et al. 2023 as published in Zhuang et al. 2024, arXiv:2310.09497.
    """
    heap, top = list(range(n)), list[int]()

    def sift(size: int, root: int):  # type: ignore[no-untyped-def]
        while True:
            largest = root
            for child in (2 * root + 1, 2 * root + 2):
                if child < size and (yield from compare([(heap[child], heap[largest])])) == [1.0]:
                    largest = child
            if largest == root:
                return
            heap[root], heap[largest] = heap[largest], heap[root]
            root = largest

    try:
        for root in range(n // 2, -1, -1):
            yield from sift(n, root)
        for last in range(n - 1, -1, -1):
            heap[last], heap[0] = heap[0], heap[last]
            top.append(heap[last])
            if len(top) >= k:
                break
            yield from sift(last, 0)
    except Stop:
        pass
    return with_rest(top, n)


def sliding(n: int, k: int) -> Sort:
    """K passes of a bubble from the bottom to the top, one comparison at a time (PRP-Sliding-K).

    A pass starts just under the lowest exchange of the pass before: below it nothing has changed.
    """
    order = list(range(n))
    start = n - 1
    try:
        for done in range(min(k, n)):
            lowest = None
            for i in range(start, done, -1):
                if (yield from compare([(order[i], order[i - 1])])) == [1.0]:
                    order[i], order[i - 1] = order[i - 1], order[i]
                    lowest = i if lowest is None else lowest
            if lowest is None:
                break
            start = min(n - 1, lowest + 1)
    except Stop:
        pass
    return order


def quick_select(n: int, k: int) -> Sort:
    """Compare all with one pivot at once, keep the side that holds rank k, then sort the top the same way.

    The pivot stands where the boundary is expected (rank k of the first stage), later in the middle. A tie keeps
    the first-stage order against the pivot.
    """
    order = list(range(n))
    work = [(0, n, min(k, max(n - 1, 0)))]
    try:
        while work:
            level = [(lo, hi, at) for lo, hi, at in work if hi - lo > 1 and lo < k]
            work = []
            if not level:
                break
            pairs = [(x, order[at]) for lo, hi, at in level for x in order[lo:hi] if x != order[at]]
            verdicts = dict(zip(pairs, (yield from compare(pairs)), strict=True))
            for lo, hi, at in level:
                pivot = order[at]
                ahead = [x for x in order[lo:hi] if x != pivot and _ahead(verdicts[x, pivot], x, pivot)]
                behind = [x for x in order[lo:hi] if x != pivot and x not in set(ahead)]
                order[lo:hi] = [*ahead, pivot, *behind]
                cut = lo + len(ahead)
                work += [(lo, cut, _pivot(lo, cut, k)), (cut + 1, hi, _pivot(cut + 1, hi, k))]
    except Stop:
        pass
    return with_rest(order[:k], n)


def _ahead(won: float, x: int, pivot: int) -> bool:
    return won > 0.5 or (won == 0.5 and x < pivot)


def _pivot(lo: int, hi: int, k: int) -> int:
    return k if lo < k < hi else (lo + hi) // 2
