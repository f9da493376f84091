"""The objectives against a slow version in float64 that loops over every pair, gradients included."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from heedful.errors import BadInput
from heedful.train.losses import OBJECTIVES, Ignored, Objective, contrastive_loss, false_negatives, objective_of

N, M, H, D, T = 7, 4, 2, 5, 0.05


def dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum()


def slow(x: Tensor, p: Tensor, z: Tensor, objective: Objective, hard: Tensor | None, out: Ignored) -> Tensor:
    """As the formulas are written: exponentials, summed one by one, then a logarithm."""
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(x)):
        s = dot(x[i], p[i]) / T
        sums = {"P": 0 * s, "IQ": 0 * s, "I": 0 * s}
        for j in range(len(x)):
            if j != i and not (out.passages is not None and out.passages[i, j]):
                sums["P"] = sums["P"] + torch.exp(dot(x[i], p[j]) / T)
            if j != i and not (out.queries is not None and out.queries[i, j]):
                sums["IQ"] = sums["IQ"] + torch.exp(dot(x[j], p[i]) / T)
            for h in range(0 if hard is None else hard.shape[1]):
                if not (out.hard is not None and out.hard[i, j * hard.shape[1] + h]):
                    sums["P"] = sums["P"] + torch.exp(dot(x[i], hard[j, h]) / T)
        for m in range(1, z.shape[1]):
            if not (out.altered is not None and out.altered[i, m]):
                sums["I"] = sums["I"] + torch.exp(dot(z[i, m], p[i]) / T)
        groups = [objective.views] if objective.combine == "uni" else [(view,) for view in objective.views]
        for group in groups:
            own = dot(z[i, 0], p[i]) / T if group == ("I",) else s
            total = total - s + torch.log(torch.exp(own) + sum(sums[view] for view in group))
    return total / len(x)


def batch(seed: int = 0, n: int = N) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(seed)

    def unit(*shape: int) -> Tensor:
        return torch.nn.functional.normalize(torch.randn(*shape, D, generator=made, dtype=torch.float64), dim=-1)

    x, p, z, hard = unit(n), unit(n), unit(n, M), unit(n, H)
    z[:, 0] = x
    return {name: t.requires_grad_() for name, t in (("x", x), ("p", p), ("z", z), ("hard", hard))}


def masks() -> Ignored:
    made = torch.Generator().manual_seed(5)
    altered = torch.rand(N, M, generator=made) < 0.3
    altered[:, 0] = False
    return Ignored(
        torch.rand(N, N, generator=made) < 0.2,
        torch.rand(N, N, generator=made) < 0.2,
        altered,
        torch.rand(N, N * H, generator=made) < 0.2,
    )


def variants() -> Iterator[tuple[str, bool, bool]]:
    for name in OBJECTIVES:
        for with_hard, masked in ((False, False), (True, False), (False, True), (True, True)):
            yield name, with_hard, masked


@pytest.mark.parametrize(("name", "with_hard", "masked"), list(variants()))
def test_values_and_gradients_are_those_of_the_slow_version(name: str, with_hard: bool, masked: bool):
    objective, out = OBJECTIVES[name], masks() if masked else Ignored()
    ours, theirs = batch(), batch()
    found = contrastive_loss(
        ours["x"],
        ours["p"],
        ours["z"],
        views=objective.views,
        combine=objective.combine,
        temperature=T,
        hard=ours["hard"] if with_hard else None,
        ignored=out,
    )
    expected = slow(theirs["x"], theirs["p"], theirs["z"], objective, theirs["hard"] if with_hard else None, out)
    assert math.isfinite(found.item()) and abs(found.item() - expected.item()) < 1e-6
    found.backward()
    expected.backward()
    used = {"x", "p"} | ({"z"} if "I" in objective.views else set())
    used |= {"hard"} if with_hard and "P" in objective.views else set()
    for key in used:
        assert torch.allclose(ours[key].grad, theirs[key].grad, rtol=0, atol=1e-6)
        assert float(ours[key].grad.abs().sum()) > 1e-3  # it was compared, and it matters


def test_there_are_eleven_and_each_matters_to_every_row():
    assert len(OBJECTIVES) == 11
    values = set()
    for objective in OBJECTIVES.values():
        made = batch(3)
        loss = contrastive_loss(
            made["x"], made["p"], made["z"], views=objective.views, combine=objective.combine, temperature=T
        )
        loss.backward()
        values.add(round(loss.item(), 9))
        assert bool((made["x"].grad.abs().sum(1) > 0).all()) and bool((made["p"].grad.abs().sum(1) > 0).all())
        if "I" in objective.views:
            assert bool((made["z"].grad[:, 1:].abs().sum(-1) > 0).all())
    assert len(values) == 11


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name.startswith("multi")])
def test_multi_is_the_sum_of_its_views(name: str):
    made, objective = batch(1), OBJECTIVES[name]

    def value(*views: str, combine: str = "uni") -> float:
        return float(contrastive_loss(made["x"], made["p"], made["z"], views=views, combine=combine, temperature=T))

    assert value(*objective.views, combine="multi") == pytest.approx(sum(value(v) for v in objective.views), abs=1e-9)


def test_float32_vectors_give_the_value_of_float64_to_a_millionth():
    made = {name: tensor.detach().float() for name, tensor in batch(2, 40).items()}
    for objective in OBJECTIVES.values():
        told = {"views": objective.views, "combine": objective.combine, "temperature": 0.01}
        low = contrastive_loss(made["x"], made["p"], made["z"], **told)
        high = contrastive_loss(made["x"].double(), made["p"].double(), made["z"].double(), **told)
        assert low.dtype == torch.float32 and abs(float(low) - float(high)) < 1e-6 * max(1.0, float(high))


def test_rows_that_say_the_same_are_no_negatives_of_each_other():
    #                      row: 0  1  2  3     0 and 1 share all, 2 shares the anchor of 0, 3 the passage of 0
    anchors, passages = torch.tensor([5, 5, 5, 6]), torch.tensor([1, 1, 2, 1])
    altered = torch.tensor([[5, 6, 7], [5, 7, -1], [5, 6, 8], [6, 5, 9]])
    hard = torch.tensor([[2], [4], [-1], [2]])
    found = false_negatives(anchors, passages, altered, hard)
    yes, no = True, False
    assert found.passages.tolist() == [[yes, yes, yes, yes]] * 3 + [[yes, yes, no, yes]]
    assert found.queries.tolist() == [[yes] * 4, [yes] * 4, [yes, yes, yes, no], [yes] * 4]
    # under instruction 6 the query of row 0 asks for passage 1, as row 3 says; row 2 asks for passage 2
    assert found.altered.tolist() == [[no, yes, no], [no, no, yes], [no, no, no], [no, yes, no]]
    assert found.hard.tolist() == [[yes, no, yes, yes]] * 3 + [[no, no, yes, no]]


def test_an_exact_copy_of_the_positive_no_longer_floors_the_loss():
    x = torch.nn.functional.normalize(torch.randn(1, D, dtype=torch.float64), dim=-1)
    altered = torch.stack([x, x, -x], dim=1)
    told = {"views": ("I",), "combine": "uni", "temperature": T}
    assert float(contrastive_loss(x, x, altered, **told)) == pytest.approx(math.log(2), abs=1e-6)
    ids = torch.tensor([[0, 0, 1]])
    out = false_negatives(torch.tensor([0]), torch.tensor([0]), ids)
    assert float(contrastive_loss(x, x, altered, ignored=out, **told)) < 1e-6


def test_one_row_without_any_negative_has_loss_zero_and_finite_gradients():
    made = batch(4, 1)
    for objective in OBJECTIVES.values():
        z = made["z"][:, :1]
        loss = contrastive_loss(
            made["x"], made["p"], z, views=objective.views, combine=objective.combine, temperature=T
        )
        loss.backward()
        assert loss.item() == pytest.approx(0, abs=1e-12)
        assert torch.isfinite(made["x"].grad).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"views": ("Q",)}, "some of P, IQ, I"),
        ({"views": ()}, "some of P, IQ, I"),
        ({"views": ("P", "P")}, "each once"),
        ({"combine": "sum"}, "'uni' or 'multi'"),
        ({"temperature": 0.0}, "above 0"),
        ({"views": ("I",)}, "the view I needs"),
        ({"hard": torch.zeros(2, 1, D)}, "expected (n, h, d)"),
        ({"passages": torch.zeros(3, D)}, "expected (n, d) twice"),
    ],
)
def test_what_does_not_fit_is_told(changed: dict, said: str):
    told = {"queries": torch.zeros(4, D), "passages": torch.zeros(4, D), "views": ("P",), "combine": "uni"}
    with pytest.raises(BadInput) as error:
        contrastive_loss(**(told | {"temperature": 0.1} | changed))
    assert said in str(error.value)


def test_names_are_read_in_any_order_and_unknown_ones_listed():
    assert objective_of("multi-IQ-P-I") == OBJECTIVES["multi-P-I-IQ"]
    with pytest.raises(BadInput, match="uni-P, uni-IQ"):
        objective_of("uni-X")
