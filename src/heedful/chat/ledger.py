"""Tokens and dollars: what was spent, what is in flight, and the cap that neither may pass."""

from __future__ import annotations

import time
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from threading import Lock

from heedful.chat.account import COUNTS, Account, Standing
from heedful.chat.prices import Price
from heedful.chat.values import Request

_TAKING = Lock()
OVERHEAD = 32  # tokens that a chat template adds, generously
STILL = 60.0  # seconds without a change after which money that other processes hold is not waited for


@dataclass(slots=True)
class Spending:
    """What one client did. cost: US dollars, meaningful only where the price is known.

    calls: requests that were answered over the network; retries: further attempts; cached: answered from the cache;
    failed: requests without an answer. reserved: the worst case of what is in flight. purse: what the client shares
    with others; account: with others in other processes.
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
    purse: Purse | None = None
    account: Account | None = None
    _standing: Standing | None = None  # of the account, when it was last asked
    _changed: float = 0.0  # when that was another than before
    _told: dict[str, float] = field(default_factory=dict)  # what the account knows

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
        if self.purse is not None and not self.purse.affordable(amount):
            return False
        return self.budget is None or self.cost + self.reserved + amount <= self.budget

    def take(self, amount: float) -> bool:
        """Reserve so much for a call, if it is affordable: never twice for clients in two threads."""
        with _TAKING:
            if not self.affordable(amount) or not self._granted(amount):
                return False
            self.reserved += amount
            return True

    def _granted(self, amount: float) -> bool:
        """Whether the account holds so much for a call, if there is one and it has a cap."""
        if self.account is None or self.account.budget is None:
            return True
        before, self._standing = self._standing, self.account.take(amount)
        if before is None or (before.spent, before.held) != (self._standing.spent, self._standing.held):
            self._changed = time.monotonic()
        return self._standing.granted

    def may_wait(self, amount: float) -> bool:
        """Whether so much, just refused, may be had once calls of other processes have ended."""
        account, standing = self.account, self._standing
        if account is None or account.budget is None or standing is None or standing.granted:
            return False
        still = time.monotonic() - self._changed
        return self.affordable(amount) and standing.spent + amount <= account.budget and still < STILL

    def settle(self, amount: float = 0.0, *, wait: bool = False) -> None:
        """Give back what was reserved for a call, and tell the account what was done since it was last told."""
        with _TAKING:
            self.reserved = max(0.0, self.reserved - amount)
            if self.reserved < 1e-12:
                self.reserved = 0.0
            if self.account is not None:
                now = {name: getattr(self, name) for name in COUNTS}
                done = {name: now[name] - self._told.get(name, 0) for name in COUNTS}
                self._told = now
                self.account.settle(amount, {name: more for name, more in done.items() if more}, wait=wait)

    def ended(self) -> tuple[float | None, float, int]:
        """(cap, dollars, calls) to tell where the budget ends: the account's where it was the account that refused."""
        if self.account is not None and self._standing is not None and not self._standing.granted:
            return self.account.budget, self._standing.spent, self._standing.calls
        return self.limit(), self.cost, self.calls

    def limit(self) -> float | None:
        """The cap that is in force: the smaller of this client's and what the others in its purse left of theirs."""
        shared = self.purse.budget if self.purse is not None else None
        if self.purse is None or shared is None:
            return self.budget
        others = max(0.0, shared - (self.purse.cost - self.cost))
        return others if self.budget is None else min(self.budget, others)

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


@dataclass(slots=True)
class Purse:
    """What all chat clients that are opened inside `with purse:` may spend together, whoever opens them.

    budget: US dollars, None for no cap. dry: they count and send nothing. spendings: model and account of each client.
    A purse inside another one is capped by both. counted: keys of what dry clients have counted, to count it once.
    """

    budget: float | None = None
    dry: bool = False
    spendings: list[tuple[str, Spending]] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    outer: Purse | None = None
    _tokens: list[Token[Purse | None]] = field(default_factory=list)

    def __enter__(self) -> Purse:
        self.outer = open_purse()
        self.dry = self.dry or (self.outer is not None and self.outer.dry)
        self._tokens.append(_open_purse.set(self))
        return self

    def __exit__(self, *exc: object) -> None:
        _open_purse.reset(self._tokens.pop())

    def enter(self, model: str, spending: Spending) -> None:
        """A client that has been opened."""
        self.spendings.append((model, spending))
        if self.outer is not None:
            self.outer.enter(model, spending)

    @property
    def capped(self) -> bool:
        """Whether a budget is in force here."""
        return self.budget is not None or (self.outer is not None and self.outer.capped)

    @property
    def cost(self) -> float:
        """US dollars that were spent; calls without a price count nothing."""
        return sum(spending.cost for _, spending in self.spendings)

    @property
    def calls(self) -> int:
        """Requests that were answered over the network."""
        return sum(spending.calls for _, spending in self.spendings)

    def affordable(self, amount: float) -> bool:
        """Whether so much more may be in flight."""
        if self.outer is not None and not self.outer.affordable(amount):
            return False
        held = sum(spending.cost + spending.reserved for _, spending in self.spendings)
        return self.budget is None or held + amount <= self.budget


_open_purse: ContextVar[Purse | None] = ContextVar("heedful_purse", default=None)


def open_purse() -> Purse | None:
    """The purse that clients opened here share, or None."""
    return _open_purse.get()
