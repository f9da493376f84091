"""The eleven contrastive objectives over queries, passages and altered instructions, as one pure function.

With t the temperature, x_i the vector of query i under its own instruction, z_im the same query under another one, and
p_j the vector of passage j, the scores are s_ij = <x_i, p_j>/t and r_im = <z_im, p_i>/t. A view names where the
negatives of row i come from: P other passages for its query (s_ij), IQ other queries for its passage (s_ji), I its own
query under other instructions (r_im). "uni" is one softmax over the union of the views' negatives with one positive;
"multi" is the sum of one softmax a view.
Source: Zhuang et al. 2025, InF-IR and InF-Embed, arXiv:2505.21439.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from heedful.errors import BadInput

View: TypeAlias = Literal["P", "IQ", "I"]
Combine: TypeAlias = Literal["uni", "multi"]
VIEWS: tuple[View, ...] = ("P", "IQ", "I")


@dataclass(frozen=True, slots=True)
class Objective:
    """One of the eleven. views: where negatives come from. combine: one softmax, or one a view."""

    views: tuple[View, ...]
    combine: Combine = "uni"

    def __str__(self) -> str:
        return f"{self.combine}-{'-'.join(self.views)}"


_UNIONS: tuple[tuple[View, ...], ...] = (("P", "IQ"), ("P", "I"), ("I", "IQ"), ("P", "I", "IQ"))
OBJECTIVES: dict[str, Objective] = {
    str(objective): objective
    for objective in (
        *(Objective((view,)) for view in VIEWS),
        *(Objective(views) for views in _UNIONS),
        *(Objective(views, "multi") for views in _UNIONS),
    )
}


def objective_of(name: str) -> Objective:
    """An objective by its name ("uni-P", "multi-P-I-IQ"; the views in any order). Raises BadInput for another."""
    combine, _, views = name.partition("-")
    for objective in OBJECTIVES.values():
        if objective.combine == combine and sorted(objective.views) == sorted(views.split("-")):
            return objective
    raise BadInput(f"found the loss {name!r}; expected one of {', '.join(OBJECTIVES)}")


@dataclass(frozen=True, slots=True)
class Ignored:
    """False negatives: True where a pair is left out of the softmax.

    passages: (n, N), row i's query with passage j. queries: (n, N), row i's passage with query j. altered: (n, m), row
    i's query under its m-th instruction; the first column, its own, is never left out. hard: (n, N * h), row i's query
    with the hard negatives of all rows, row by row.
    """

    passages: Tensor | None = None
    queries: Tensor | None = None
    altered: Tensor | None = None
    hard: Tensor | None = None


def contrastive_loss(
    queries: Tensor,
    passages: Tensor,
    altered: Tensor | None = None,
    *,
    views: Sequence[View],
    combine: Combine,
    temperature: float,
    hard: Tensor | None = None,
    ignored: Ignored | None = None,
) -> Tensor:
    """The mean loss over the rows, a scalar; every vector is expected at unit length.

    queries, passages: (n, d), row i of one belongs to row i of the other. altered: (n, m, d), each query under m
    instructions, its own first; read by the view I only. hard: (n, h, d), each row's hard negatives, which stand among
    the passages of every row; read by the view P only. Scores are divided by `temperature` exactly. Sums are made in
    float64 on the CPU and in float32 elsewhere. Raises BadInput for views, combine, temperature or shapes that do not
    fit.
    """
    return row_losses(
        queries,
        passages,
        altered,
        views=views,
        combine=combine,
        temperature=temperature,
        hard=hard,
        ignored=ignored,
    ).mean()


def row_losses(
    queries: Tensor,
    passages: Tensor,
    altered: Tensor | None = None,
    *,
    views: Sequence[View],
    combine: Combine,
    temperature: float,
    hard: Tensor | None = None,
    ignored: Ignored | None = None,
    first: int = 0,
    rows: int | None = None,
) -> Tensor:
    """(rows,) the losses of the rows from `first` on, against all N queries and passages.

    altered, and the rows of `ignored`, are those of these rows only. Otherwise as `contrastive_loss`.
    """
    rows = len(queries) - first if rows is None else rows
    _check(queries, passages, altered, hard, views, combine, temperature, rows)
    ignored = ignored or Ignored()
    given, kind = queries.dtype, torch.float64 if queries.device.type == "cpu" else torch.float32
    queries, passages = queries.to(kind), passages.to(kind)
    own_queries, own_passages = queries[first : first + rows], passages[first : first + rows]
    positive = (own_queries * own_passages).sum(dim=1, keepdim=True) / temperature  # (rows, 1)
    diagonal = torch.arange(first, first + rows, device=queries.device)[:, None]
    own = torch.zeros(rows, len(queries), dtype=torch.bool, device=queries.device).scatter_(1, diagonal, True)
    negatives: dict[str, list[Tensor]] = {}  # view -> logits, (rows, any), without the positive
    if "P" in views:
        negatives["P"] = [_logits(own_queries @ passages.T, temperature, own, ignored.passages)]
        if hard is not None and hard.shape[1]:
            among = own_queries @ hard.flatten(0, 1).to(kind).T
            negatives["P"].append(_logits(among, temperature, ignored.hard))
    if "IQ" in views:
        negatives["IQ"] = [_logits(own_passages @ queries.T, temperature, own, ignored.queries)]
    if "I" in views and altered is not None:
        under = torch.einsum("nmd,nd->nm", altered.to(kind), own_passages)
        left_out = None if ignored.altered is None else ignored.altered[:, 1:]
        negatives["I"] = [_logits(under[:, 1:], temperature, left_out)]
        alone = under[:, :1] / temperature  # r_ii, the same number as the positive
    losses = queries.new_zeros(rows)
    for group in [list(negatives)] if combine == "uni" else [[view] for view in negatives]:
        among_them = alone if group == ["I"] else positive
        logits = torch.cat([among_them, *(part for view in group for part in negatives[view])], dim=1)
        losses = losses + torch.logsumexp(logits, dim=1) - positive[:, 0]
    return losses.to(given if given == torch.float64 else torch.float32)


def false_negatives(
    anchors: Tensor,
    passages: Tensor,
    altered: Tensor | None = None,
    hard: Tensor | None = None,
    *,
    first: int = 0,
    rows: int | None = None,
) -> Ignored:
    """Which pairs of a batch are positive by the batch's own word: some row has this query, instruction and passage.

    Ids, equal for equal texts, int64 and 0 or above. anchors: (N,), of query and instruction together. passages: (N,).
    altered: (rows, m), of each row's query with its m-th instruction. hard: (N, h), of passages. An id below 0 in
    altered or hard marks an empty place, which is left out too. first, rows: the rows asked for, all where not said.
    """
    rows = len(anchors) - first if rows is None else rows
    part = slice(first, first + rows)
    every = [anchors, passages] + [ids.flatten() for ids in (altered, hard) if ids is not None]
    _, dense = torch.unique(torch.cat(every), return_inverse=True)
    parts = dense.split([len(ids) for ids in every])
    a, p, span = parts[0], parts[1], int(dense.max()) + 1
    known = torch.unique(a * span + p)  # every positive of the batch

    def positive(anchor: Tensor, passage: Tensor) -> Tensor:
        asked = anchor * span + passage
        found: Tensor = known[torch.searchsorted(known, asked).clamp(max=len(known) - 1)] == asked
        return found

    at = 2
    of_altered = of_hard = None
    if altered is not None:
        of_altered = positive(parts[at].view(altered.shape), p[part, None]) | (altered < 0)
        of_altered = torch.cat([torch.zeros_like(of_altered[:, :1]), of_altered[:, 1:]], dim=1)
        at += 1
    if hard is not None:
        of_hard = positive(a[part, None], parts[at][None, :]) | (hard.flatten() < 0)[None, :]
    return Ignored(positive(a[part, None], p[None, :]), positive(a[None, :], p[part, None]), of_altered, of_hard)


def _logits(products: Tensor, temperature: float, *left_out: Tensor | None) -> Tensor:
    """Scores, minus infinity where one of the masks is True."""
    logits = products / temperature
    for mask in left_out:
        if mask is not None:
            logits = logits.masked_fill(mask, -torch.inf)
    return logits


def _check(
    queries: Tensor,
    passages: Tensor,
    altered: Tensor | None,
    hard: Tensor | None,
    views: Sequence[View],
    combine: str,
    temperature: float,
    rows: int,
) -> None:
    if not views or len(set(views)) < len(views) or not set(views) <= set(VIEWS):
        raise BadInput(f"found views={tuple(views)!r}; expected some of {', '.join(VIEWS)}, each once")
    if combine not in ("uni", "multi"):
        raise BadInput(f"found combine={combine!r}; expected 'uni' or 'multi'")
    if not temperature > 0:
        raise BadInput(f"found temperature={temperature}; expected a number above 0")
    if queries.dim() != 2 or queries.shape != passages.shape or not len(queries):
        shapes = f"{tuple(queries.shape)} and {tuple(passages.shape)}"
        raise BadInput(f"found queries and passages of the shapes {shapes}; expected (n, d) twice, n above 0")
    wanted = (rows, queries.shape[1])
    if "I" in views and (altered is None or altered.dim() != 3 or (altered.shape[0], altered.shape[2]) != wanted):
        found = "none" if altered is None else f"the shape {tuple(altered.shape)}"
        raise BadInput(f"found {found} for altered; the view I needs (n, m, d) = ({wanted[0]}, m, {wanted[1]})")
    if "P" in views and hard is not None and (hard.dim() != 3 or (hard.shape[0], hard.shape[2]) != queries.shape):
        raise BadInput(f"found hard of the shape {tuple(hard.shape)}; expected (n, h, d), n and d as of the queries")
