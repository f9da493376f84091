"""Tokens and dollars: what was spent, what is in flight, and the cap that neither may pass."""

from __future__ import annotations

from dataclasses import dataclass

from heedful.chat.prices import Price
from heedful.chat.values import Request

OVERHEAD = 32  # tokens that a chat template adds, generously


@dataclass(slots=True)
class Spending:
    """What one client did. cost: US dollars, meaningful only where the price is known.

    calls: requests that were answered over the network; retries: further attempts; cached: answered from the cache;
    failed: requests without an answer. reserved: the worst case of what is in flight.
    """

    price: Price | None = None
    budget: float | None = None
    calls: int = 0
    retries: int = 0
    cached: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    reserved: float = 0.0

    def worst_case(self, request: Request, max_tokens: int) -> float:
        """Dollars that the call cannot exceed: a token is at least one byte of the prompt."""
        if self.price is None:
            return 0.0
        return self.price.of(self.at_most(request), max_tokens)

    def at_most(self, request: Request) -> int:
        """Tokens of the prompt, from above."""
        return len(request.prompt.encode()) + len(request.system.encode()) + OVERHEAD

    def expected(self, request: Request, max_tokens: int) -> tuple[int, int]:
        """Tokens of prompt (four bytes each) and answer (as long as allowed) for an estimate."""
        return (len(request.prompt.encode()) + len(request.system.encode())) // 4 + OVERHEAD // 2, max_tokens

    def affordable(self, amount: float) -> bool:
        """Whether so much more may be in flight."""
        return self.budget is None or self.cost + self.reserved + amount <= self.budget

    def charge(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Enter one call; its dollars, None where the price is unknown."""
        self.calls += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        if self.price is None:
            return None
        cost = self.price.of(prompt_tokens, completion_tokens)
        self.cost += cost
        return cost
