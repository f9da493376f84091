"""The first stage: what the plan names is searched, not only the whole vector; the lists are fused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from heedful.explore.scoring import ClauseVector, meant
from heedful.records import Hit, Plan

if TYPE_CHECKING:
    from heedful.explore.start import Start
    from heedful.index import Index

DEPTH = 200  # documents a list, where no more hits are asked for
DEEPEST = 2000  # documents a list at most
MOST = 300  # candidates that are scored of the plan's lists, and of the ones without it, where no more are asked for
RRF = 60  # the constant of reciprocal rank fusion


def depth_for(k: int, start: Start) -> int:
    """How deep lists must be for k hits that are no seeds."""
    return max(DEPTH, min(k + len(start.ids), DEEPEST))


def plain_lists(index: Index, start: Start, where: str | None, depth: int = DEPTH) -> list[list[str]]:
    """What a search without instruction finds: by the whole vector, and by the title's (or the text's) words."""
    if start.block is None:
        assert start.query is not None
        vector, words = start.query, start.text
    else:
        mean = start.block.vectors.whole.mean(axis=0)
        vector = mean / max(float(np.linalg.norm(mean)), 1e-9)
        words = " ".join(document.title or document.sentences[0].text for document in start.documents)
    return [
        _ids(index.search(vector, depth, where=where), start.ids),
        _ids(index.search_text(words, depth, where=where), start.ids),
    ]


def plan_lists(
    index: Index,
    start: Start,
    plan: Plan,
    wanted: Sequence[ClauseVector],
    where: str | None,
    depth: int = DEPTH,
) -> list[list[str]]:
    """What the plan names: every aspect that likeness is asked in, and every wanted text by meaning and by words."""
    lists = []
    for aspect, weight in meant(plan.aspects).items():
        if weight > 0 and start.block is not None:
            vector = start.block.vectors.aspects[aspect].mean(axis=0)
            if (norm := float(np.linalg.norm(vector))) > 0:
                lists.append(_ids(index.search(vector / norm, depth, column=aspect, where=where), start.ids))
    for clause in wanted:
        lists.append(_ids(index.search(clause.vector, depth, where=where), start.ids))
        lists.append(_ids(index.search_text(clause.text, depth, where=where), start.ids))
    return lists


def fuse(lists: Sequence[Sequence[str]], most: int = MOST) -> list[str]:
    """The union of ranked lists of ids, by reciprocal rank fusion (Cormack et al. 2009), cut to `most`; ties by id."""
    scores: dict[str, float] = {}
    for ids in lists:
        for rank, id in enumerate(ids, start=1):
            scores[id] = scores.get(id, 0.0) + 1 / (RRF + rank)
    return sorted(scores, key=lambda id: (-scores[id], id))[:most]


def _ids(hits: Sequence[Hit], seeds: Sequence[str]) -> list[str]:
    return [hit.id for hit in hits if hit.id not in seeds]
