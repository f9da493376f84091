"""The eleven objectives as a sentence-transformers loss: columns of texts in, a scalar out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers.base.losses import CachedLossMixin
from sentence_transformers.base.losses.merged_forward import embed_columns
from torch import Tensor, nn

from heedful.errors import BadInput
from heedful.train.losses import Objective, false_negatives, objective_of, row_losses
from heedful.train.processes import gathered, gathered_sizes, rank_and_size


class FollowingLoss(CachedLossMixin, nn.Module):
    """A contrastive objective over rows of (query, passage, hard negatives, the query under other instructions).

    The columns come in that order: 2 + `hard` + `altered`. The label of a row, if there is one, holds ids in the same
    order, equal for equal texts (a query's id is of query and instruction together; below 0: an empty place); by them
    rows that say the same are no negatives of each other. Without labels every row's passage is taken for a negative
    of every other row.

    objective: one of the eleven, or its name. temperature: what scores are divided by. hard, altered: how many such
    columns there are; hard negatives are read by the view P, altered queries by the view I, and left unembedded
    otherwise. gather: the processes of a distributed run share queries, passages and hard negatives (the instructions
    of the view I are drawn from the whole set, so no process limits them); the result is that of one process with all
    the rows. mini_batch: above 0, GradCache in mini-batches of that many rows: the same gradients, and memory that does
    not grow with the batch but for the vectors. Source of GradCache: Gao et al. 2021, arXiv:2101.06983.
    """

    def __init__(
        self,
        model: Any,
        objective: Objective | str = "uni-P",
        temperature: float = 0.05,
        *,
        hard: int = 0,
        altered: int = 0,
        gather: bool = False,
        mini_batch: int = 0,
    ):
        super().__init__()
        self.model = model
        self.objective = objective_of(objective) if isinstance(objective, str) else objective
        self.temperature, self.hard, self.altered, self.gather = temperature, hard, altered, gather
        self.mini_batch_size, self.uses_gradient_cache = mini_batch, mini_batch > 0
        if "I" in self.objective.views and altered < 1:
            raise BadInput(f"found {self.objective} without altered queries; the view I needs altered=1 or more")
        if temperature <= 0:
            raise BadInput(f"found temperature={temperature}; expected a number above 0")

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None) -> Tensor:
        """The loss of this process's rows: their mean, or with `gather` their part of the mean over all processes."""
        columns = list(sentence_features)
        if len(columns) != 2 + self.hard + self.altered:
            raise BadInput(
                f"found {len(columns)} columns; expected query, passage, {self.hard} hard negatives and "
                f"{self.altered} altered queries"
            )
        used = [columns[place] for place in self._places()]
        if self.uses_gradient_cache:
            loss: Tensor = self.forward_cached(used, labels)
            return loss
        passages = 1 + self._hard
        vectors = [
            *embed_columns(self.model, used[:1]),
            *embed_columns(self.model, used[1 : 1 + passages], separate_first=False),
            *(embed_columns(self.model, used[1 + passages :], separate_first=False) if used[1 + passages :] else ()),
        ]
        return self.calculate_loss([[column] for column in vectors], labels)

    def calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        """The loss from the columns' vectors; with_backward: also their gradients, a mini-batch of scores at a time."""
        unit = [nn.functional.normalize(_at_least_float32(torch.cat(parts)), dim=-1) for parts in reps]
        rows, count = len(unit[0]), 1 + self._hard
        sizes = gathered_sizes(rows, unit[0].device) if self.gather else [rows]
        first = sum(sizes[: rank_and_size()[0]]) if self.gather else 0
        pools = [gathered(column, sizes) for column in unit[: 1 + count]]
        altered = torch.stack(unit[1 + count :], dim=1) if self._altered else None  # (rows, altered, d), not its own
        ids = None if labels is None else self._ids(labels, sizes)
        share = len(sizes) / sum(sizes)  # a distributed run averages the gradients of its processes
        if not with_backward:
            return self._part(pools, altered, ids, first, 0, rows).sum() * share
        leaves = [pool.detach().requires_grad_() for pool in pools]
        own = None if altered is None else altered.detach().requires_grad_()
        total = unit[0].new_zeros(())
        for begin in range(0, rows, self.mini_batch_size):
            end = min(begin + self.mini_batch_size, rows)
            part = self._part(leaves, own, ids, first, begin, end).sum() * share
            part.backward()  # type: ignore[no-untyped-call]
            total = total + part.detach()
        ends = [(pool, leaf.grad) for pool, leaf in zip(pools, leaves, strict=True)]
        ends += [(altered, own.grad)] if altered is not None and own is not None else []
        torch.autograd.backward([end for end, _ in ends], [gradient for _, gradient in ends])
        return total

    def get_config_dict(self) -> dict[str, Any]:
        """What the loss is, for model cards and manifests."""
        return {
            "objective": str(self.objective),
            "temperature": self.temperature,
            "hard": self._hard,
            "altered": self._altered,
            "gather": self.gather,
            "mini_batch": self.mini_batch_size,
        }

    @property
    def _hard(self) -> int:
        return self.hard if "P" in self.objective.views else 0

    @property
    def _altered(self) -> int:
        return self.altered if "I" in self.objective.views else 0

    def _places(self) -> list[int]:
        """Which columns the objective reads; the same places of a label are their ids."""
        return [*range(2 + self._hard), *range(2 + self.hard, 2 + self.hard + self._altered)]

    def _ids(self, labels: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Ids of the columns that are read: of all processes' rows for the pools, of these rows for altered."""
        wanted = 2 + self.hard + self.altered
        if labels.dim() != 2 or labels.shape[1] != wanted:
            raise BadInput(f"found labels of the shape {tuple(labels.shape)}; expected {wanted} ids a row")
        own = labels[:, self._places()]
        count = 2 + self._hard
        return gathered(own[:, :count].contiguous(), sizes), torch.cat([own[:, :1], own[:, count:]], dim=1)

    def _part(
        self,
        pools: list[Tensor],
        altered: Tensor | None,
        ids: tuple[Tensor, Tensor] | None,
        first: int,
        begin: int,
        end: int,
    ) -> Tensor:
        """The losses of this process's rows from begin to end, which stand `first` places further in the pools."""
        queries, passages, *hard = pools
        where = slice(first + begin, first + end)
        under = None if altered is None else torch.cat([queries[where, None], altered[begin:end]], dim=1)
        ignored = None
        if ids is not None:
            of_pools, of_altered = ids
            ignored = false_negatives(
                of_pools[:, 0],
                of_pools[:, 1],
                of_altered[begin:end] if altered is not None else None,
                of_pools[:, 2:] if hard else None,
                first=first + begin,
                rows=end - begin,
            )
        return row_losses(
            queries,
            passages,
            under,
            views=self.objective.views,
            combine=self.objective.combine,
            temperature=self.temperature,
            hard=torch.stack(hard, dim=1) if hard else None,
            ignored=ignored,
            first=first + begin,
            rows=end - begin,
        )


def _at_least_float32(vectors: Tensor) -> Tensor:
    return vectors if vectors.dtype == torch.float64 else vectors.float()
