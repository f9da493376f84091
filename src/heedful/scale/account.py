"""An account that every worker of a Ray cluster reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heedful.chat import LocalAccount
from heedful.chat.account import Standing
from heedful.errors import Upstream


class RayAccount:
    """An `Account` in a process of its own beside this one, which ends with this one; Ray must be up.

    It can be sent to workers. Where its process is gone no more money is given: Upstream.
    """

    def __init__(self, budget: float | None = None):
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options: dict[str, Any] = {"num_cpus": 0, "scheduling_strategy": here}
        self.budget = budget
        self._actor: Any = ray.remote(**options)(LocalAccount).remote(budget)

    def take(self, amount: float) -> Standing:
        """As the seam says."""
        standing: Standing = _answer(self._actor.take.remote(amount))
        return standing

    def settle(self, amount: float, done: Mapping[str, float], *, wait: bool = False) -> None:
        """As the seam says: what one process sends arrives in order."""
        entered = self._actor.settle.remote(amount, done)
        if wait:
            _answer(entered)

    def tally(self) -> dict[str, float]:
        """As the seam says."""
        tally: dict[str, float] = _answer(self._actor.tally.remote())
        return tally


def _answer(reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        raise Upstream(
            "the process that keeps the budget is gone; the same command goes on from what is kept"
        ) from error
