"""The loss as a module: one process or two, plain or cached, the gradients are the same."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from tests.train.models import features, gradients, sentence_transformer, texts

from heedful.errors import BadInput
from heedful.train.losses import OBJECTIVES, contrastive_loss
from heedful.train.objective import FollowingLoss

ROWS, HARD, ALTERED = 8, 2, 2


def columns(rows: int = ROWS) -> list[list[str]]:
    return [texts(rows, 9, seed) for seed in range(2 + HARD + ALTERED)]


def labels(rows: int = ROWS) -> torch.Tensor:
    """Rows 0 and 3 share everything, 5 has the passage of 1, hard negatives are missing here and there."""
    ids = torch.arange(rows)[:, None] * 10 + torch.arange(2 + HARD + ALTERED)
    ids[3] = ids[0]
    ids[5, 1] = ids[1, 1]
    ids[2, 2], ids[4, 3], ids[6, 5] = -1, -1, -1
    return ids


def loss_of(model: Any, objective: str = "multi-P-I-IQ", **options: Any) -> FollowingLoss:
    return FollowingLoss(model, objective, 0.1, hard=HARD, altered=ALTERED, **options)


def test_a_loss_of_columns_is_the_pure_function_of_their_vectors(bert: Path):
    model = sentence_transformer(bert)
    for name, objective in OBJECTIVES.items():
        found = loss_of(model, name)(features(model, columns()), None)
        unit = [
            torch.nn.functional.normalize(model(one)["sentence_embedding"], dim=1) for one in features(model, columns())
        ]
        expected = contrastive_loss(
            unit[0],
            unit[1],
            torch.stack([unit[0], *unit[4:]], dim=1),
            views=objective.views,
            combine=objective.combine,
            temperature=0.1,
            hard=torch.stack(unit[2:4], dim=1),
        )
        assert found.item() == pytest.approx(expected.item(), abs=1e-5)
        assert found.item() > 0.01


def test_ids_change_the_loss(bert: Path):
    model = sentence_transformer(bert)
    with_ids = loss_of(model)(features(model, columns()), labels())
    without = loss_of(model)(features(model, columns()), None)
    assert with_ids.item() < without.item() - 0.01


@pytest.mark.parametrize("name", ["uni-P", "uni-I", "uni-P-I-IQ", "multi-P-I-IQ"])
@pytest.mark.parametrize("mini_batch", [1, 3, 8])
def test_cached_gradients_are_those_of_a_plain_step(bert: Path, name: str, mini_batch: int):
    found = []
    for size in (0, mini_batch):
        model = sentence_transformer(bert)
        loss = loss_of(model, name, mini_batch=size)(features(model, columns()), labels())
        loss.backward()
        found.append((loss.item(), gradients(model)))
    (plain, expected), (cached, ours) = found
    assert cached == pytest.approx(plain, abs=1e-5)
    assert expected.norm() > 0.1 and (ours - expected).norm() < 1e-4 * expected.norm()


def test_a_cached_loss_is_scaled_as_gradient_accumulation_asks(bert: Path):
    found = []
    for size in (0, 3):
        model = sentence_transformer(bert)
        (loss_of(model, mini_batch=size)(features(model, columns()), labels()) / 4).backward()
        found.append(gradients(model))
    assert (found[0] - found[1]).norm() < 1e-4 * found[0].norm()


CASES = {"even": (4, 0), "uneven": (5, 0), "cached": (5, 2)}  # rows of the first process, mini-batch


def _one_of_two(rank: int, bert: Path, out: Path) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{out}/meet", rank=rank, world_size=2)
    for name, (split, mini_batch) in CASES.items():
        part = slice(0, split) if rank == 0 else slice(split, ROWS)
        model = sentence_transformer(bert)
        loss = loss_of(model, gather=True, mini_batch=mini_batch)(
            features(model, [column[part] for column in columns()]), labels()[part]
        )
        loss.backward()
        told = torch.cat([loss.detach().double()[None], gradients(model)]) / 2  # as DDP averages
        torch.distributed.all_reduce(told)
        if rank == 0:
            torch.save(told, out / f"{name}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_are_one(bert: Path, tmp_path: Path):
    """Even or uneven shares of a batch, plain or cached: value and averaged gradients of one process with all rows."""
    mp.spawn(_one_of_two, args=(bert, tmp_path), nprocs=2)
    model = sentence_transformer(bert)
    loss = loss_of(model)(features(model, columns()), labels())
    loss.backward()
    expected = gradients(model)
    assert expected.norm() > 0.1
    for name in CASES:
        told = torch.load(tmp_path / f"{name}.pt", weights_only=True)
        assert told[0].item() == pytest.approx(loss.item(), abs=1e-5), name
        assert (told[1:] - expected).norm() < 1e-4 * expected.norm(), name


def test_what_an_objective_does_not_read_is_not_embedded(bert: Path):
    model = sentence_transformer(bert)
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    loss_of(model, "uni-IQ")(features(model, columns()), labels())
    assert len(calls) == 2


def test_wrong_columns_and_labels_are_told(bert: Path):
    model = sentence_transformer(bert)
    with pytest.raises(BadInput, match="found 2 columns"):
        loss_of(model)(features(model, columns()[:2]), None)
    with pytest.raises(BadInput, match="expected 6 ids a row"):
        loss_of(model)(features(model, columns()), torch.arange(ROWS))
    with pytest.raises(BadInput, match="altered=1 or more"):
        FollowingLoss(model, "uni-I")


class Held:
    """Bytes that autograd keeps for backward passes, now and at most."""

    def __init__(self) -> None:
        self.now = self.peak = 0

    def pack(self, tensor: torch.Tensor) -> Any:
        size = tensor.numel() * tensor.element_size()
        self.now += size
        self.peak = max(self.peak, self.now)
        kept = _Kept(tensor)
        weakref.finalize(kept, self._gone, size)
        return kept

    def _gone(self, size: int) -> None:
        self.now -= size


class _Kept:
    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor


def test_2048_cached_rows_keep_no_more_for_the_backward_pass_than_64_plain_ones(bert: Path):
    peaks = []
    for rows, mini_batch in ((64, 0), (2048, 64), (256, 0)):
        model, held = sentence_transformer(bert), Held()
        texts_of = [texts(rows, 9, seed) for seed in (1, 2)]
        with torch.autograd.graph.saved_tensors_hooks(held.pack, lambda kept: kept.tensor):
            loss = FollowingLoss(model, "uni-P", 0.1, mini_batch=mini_batch)(features(model, texts_of), None)
            loss.backward()
        assert gradients(model).norm() > 0
        peaks.append(held.peak)
    plain, cached, four_times = peaks
    assert four_times > 3 * plain  # the measure sees a larger batch
    assert cached < 1.1 * plain
