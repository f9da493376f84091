"""What processes of one training run tell each other: how many there are, tensors with gradients, failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor


def rank_and_size() -> tuple[int, int]:
    """Number of this process and how many there are; (0, 1) outside a distributed run."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def lost_process(error: BaseException) -> bool:
    """Whether an error says that another process of the run has gone."""
    return rank_and_size()[1] > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error))


def gathered_sizes(rows: int, device: torch.device) -> list[int]:
    """How many rows each process has."""
    _, size = rank_and_size()
    if size == 1:
        return [rows]
    counts = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(size)]
    dist.all_gather(counts, torch.tensor([rows], dtype=torch.int64, device=device))
    return [int(count) for count in counts]


def gathered(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    """(sum of sizes, ...): every process's rows in order of rank; gradients of all of them come back to each."""
    if len(sizes) == 1:
        return tensor
    return cast("Tensor", _Gather.apply(tensor, tuple(sizes)))  # type: ignore[no-untyped-call]


class _Gather(torch.autograd.Function):
    """Processes may have different numbers of rows; gradients are summed over the processes."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, sizes: tuple[int, ...]) -> Tensor:
        rank, _ = rank_and_size()
        ctx.part = slice(sum(sizes[:rank]), sum(sizes[: rank + 1]))
        padded = tensor.new_zeros((max(sizes), *tensor.shape[1:]))
        padded[: len(tensor)] = tensor
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total[ctx.part], None
