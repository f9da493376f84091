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

DEPTH = 200  # documents a list
MOST = 300  # candidates that are scored, a list of the plan's and one without it
RRF = 60  # the constant of reciprocal rank fusion


def plain_lists(index: Index, start: Start, where: str | None) -> list[list[str]]:
    """What a search without instruction finds: by the whole vector, and by the title's (or the text's) words."""
    if start.block is None:
        assert start.query is not None
        vector, words = start.query, start.text
    else:
        mean = start.block.vectors.whole.mean(axis=0)
        vector = mean / max(float(np.linalg.norm(mean)), 1e-9)
        words = " ".join(document.title or document.sentences[0].text for document in start.documents)
    return [
        _ids(index.search(vector, DEPTH, where=where), start.ids),
        _ids(index.search_text(words, DEPTH, where=where), start.ids),
    ]


def plan_lists(
    index: Index, start: Start, plan: Plan, wanted: Sequence[ClauseVector], where: str | None
) -> list[list[str]]:
    """What the plan names: every aspect that likeness is asked in, and every wanted text by meaning and by words."""
    lists = []
    for aspect, weight in meant(plan.aspects).items():
        if weight > 0 and start.block is not None:
            vector = start.block.vectors.aspects[aspect].mean(axis=0)
            if (norm := float(np.linalg.norm(vector))) > 0:
                lists.append(_ids(index.search(vector / norm, DEPTH, column=aspect, where=where), start.ids))
    for clause in wanted:
        lists.append(_ids(index.search(clause.vector, DEPTH, where=where), start.ids))
        lists.append(_ids(index.search_text(clause.text, DEPTH, where=where), start.ids))
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
