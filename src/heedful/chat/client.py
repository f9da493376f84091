"""A chat model behind an OpenAI-compatible address: cached, counted, capped, and several calls at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from heedful.chat.account import Account
from heedful.chat.cache import AnswerCache
from heedful.chat.ledger import Spending, open_purse
from heedful.chat.prices import Price, load_prices, price_of, require_price
from heedful.chat.transport import Patience, Transport
from heedful.chat.values import Answer, Parameters, Request, key_of
from heedful.errors import BadInput, BudgetSpent, Unparsable, Upstream

T = TypeVar("T")
GIVE_UP = 8  # requests that failed after their last attempt, with no success between them
PAUSE = 0.2  # seconds before an account is asked again


class Chat:
    """A `ChatModel` with memory and a purse.

    base_url: any OpenAI-compatible server; None is OpenAI's. key_env: the environment variable that holds the key.
    concurrency: calls in flight at once. cache: the answer cache, a path to one, or None. budget: US dollars that this
    client never passes; a `Purse` that is open caps several together, an account those of several processes. dry: count
    calls and price, send nothing.
    Raises Missing without a key or the openai package, and where a budget is set for a model without a price.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key_env: str = "OPENAI_API_KEY",
        concurrency: int = 16,
        parameters: Parameters | None = None,
        patience: Patience | None = None,
        cache: AnswerCache | Path | None = None,
        budget: float | None = None,
        prices: Mapping[str, Price] | None = None,
        account: Account | None = None,
        dry: bool = False,
    ):
        if concurrency < 1:
            raise BadInput(f"concurrency: found {concurrency}; expected 1 or more")
        purse = open_purse()
        self.model, self.concurrency, self.dry = model, concurrency, dry or (purse is not None and purse.dry)
        self.parameters, self._patience = parameters or Parameters(), patience or Patience()
        self._base_url, self._key_env = base_url, key_env
        self._cache = AnswerCache(cache) if isinstance(cache, Path) else cache
        price = price_of(model, load_prices() if prices is None else prices)
        shared = (purse is not None and purse.capped) or (account is not None and account.budget is not None)
        if budget is not None or (shared and not self.dry):
            require_price(model, price)
        self.spending = Spending(price, budget, purse=purse, account=account)
        self._counted: set[str] = purse.counted if purse is not None else set()
        if purse is not None:
            purse.enter(model, self.spending)
        self._turns, self._freed = asyncio.Semaphore(concurrency), asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: Transport | None = None
        if not self.dry:
            self._start()

    def spec(self) -> dict[str, Any]:
        """What answers, for manifests: never a key."""
        return {"model": self.model, "parameters": self.parameters}

    def complete(self, prompts: Sequence[str]) -> list[str]:
        """One text a prompt. Raises Upstream where one has no answer after all attempts, BudgetSpent at the cap."""
        return [_text(answer) for answer in self.ask([Request(prompt) for prompt in prompts])]

    def choose(self, prompts: Sequence[str], labels: Sequence[str]) -> list[tuple[float, ...] | None]:
        """Probabilities of the labels as the first token, a row a prompt; None where no label was likely."""
        answers = self.ask([Request(prompt, labels=tuple(labels)) for prompt in prompts])
        for answer in answers:
            _text(answer)
        return [answer.probabilities for answer in answers]

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order; equal requests are asked once.

        Raises BudgetSpent, whose `partial` holds the answers that are there and None elsewhere, once everything in
        flight has come back; Missing or Refused where no call can succeed. After eight failures in a row the rest of
        the requests fail without being sent.
        """
        keys = [key_of(self.model, self.parameters, request) for request in requests]
        known: dict[str, Answer] = {}
        missing: dict[str, Request] = {}
        for key, request in zip(keys, requests, strict=True):
            if key in known or key in missing:
                continue
            found = self._cache.get(key) if self._cache is not None else None
            if found:
                known[key] = found
                self.spending.cached += 1
            else:
                missing[key] = request
        if self.dry:
            known |= {key: self._estimate(key, request) for key, request in missing.items()}
        elif missing:
            self._run(self._ask_all(missing, known))
        self.spending.settle(wait=True)
        if any(key not in known for key in keys):
            cap, spent, calls = self.spending.ended()
            done = sum(key in known for key in keys)
            raise BudgetSpent(
                f"the budget of ${cap:.4f} is spent (${spent:.4f}, {calls} calls): {done} of "
                f"{len(keys)} requests have an answer; a larger budget goes on from here",
                partial=[known.get(key) for key in keys],
            )
        return [known[key] for key in keys]

    def close(self) -> None:
        """End the connections; the cache stays open where it was handed in."""
        if self._loop is not None and self._transport is not None:
            self._run(self._transport.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def __enter__(self) -> Chat:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _estimate(self, key: str, request: Request) -> Answer:
        if self._cache is not None and key in self._counted:  # it would have been kept by then
            self.spending.cached += 1
            return Answer(failure="dry run", dry=True, cached=True, cost=0.0)
        self._counted.add(key)
        limit = 1 if request.labels else self.parameters.max_tokens
        prompt, completion = self.spending.expected(request, limit)
        cost = self.spending.charge(prompt, completion)
        return Answer(prompt_tokens=prompt, completion_tokens=completion, failure="dry run", dry=True, cost=cost)

    async def _ask_all(self, missing: Mapping[str, Request], known: dict[str, Answer]) -> None:
        turns, freed = self._turns, self._freed
        failures_in_a_row = 0
        over = False

        async def one(key: str, request: Request) -> None:
            nonlocal failures_in_a_row, over
            async with turns:
                if failures_in_a_row >= GIVE_UP:
                    known[key] = Answer(failure=f"not sent: {failures_in_a_row} calls in a row have failed")
                    self.spending.failed += 1
                    return
                worst = self.spending.worst_case(request, 1 if request.labels else self.parameters.max_tokens)
                async with freed:
                    while not over and not self.spending.take(worst):
                        if self.spending.reserved > 0:
                            await freed.wait()
                        elif self.spending.may_wait(worst):
                            await asyncio.sleep(PAUSE)
                        else:
                            over = True
                    if over:
                        freed.notify_all()
                        return
                try:
                    answer = await self._send(request)
                    if answer.failure:
                        failures_in_a_row += 1
                        self.spending.failed += 1
                    else:
                        failures_in_a_row = 0
                        answer = replace(
                            answer, cost=self.spending.charge(answer.prompt_tokens, answer.completion_tokens)
                        )
                        if self._cache is not None:
                            self._cache.put(key, self.model, answer)
                    known[key] = answer
                finally:
                    async with freed:
                        self.spending.settle(worst)
                        freed.notify_all()

        tasks = [asyncio.create_task(one(key, request)) for key, request in missing.items()]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _send(self, request: Request) -> Answer:
        assert self._transport is not None
        answer = await self._transport.send(request)
        self.spending.retries = self._transport.retries
        if not answer.failure and not answer.prompt_tokens:  # the server does not count: take the upper bound
            tokens = self.spending.at_most(request), len(answer.text.encode())
            answer = replace(answer, prompt_tokens=tokens[0], completion_tokens=tokens[1])
        return answer

    def _start(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="heedful-chat", daemon=True).start()

        async def make() -> Transport:
            return Transport(self.model, self._base_url, self._key_env, self.parameters, self._patience)

        try:
            self._transport = self._run(make())
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work in the client's own loop; an interrupt cancels what is in flight."""
        if self._loop is None:
            work.close()
            raise Upstream("this chat client is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise


def _text(answer: Answer) -> str:
    if answer.failure:
        raise Upstream(answer.failure) if answer.dry is False else Unparsable("nothing was sent: this is a dry run")
    return answer.text
