"""The two models: opened here, a client each, one answer cache, one purse; or opened by whoever does the work."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heedful.cache import cache_folder
from heedful.chat import Account, Answer, AnswerCache, Chat, Parameters, Patience, Price, Request, load_prices, price_of
from heedful.chat.keys import check_address
from heedful.chat.prices import require_price
from heedful.errors import BadInput
from heedful.synthesize.asking import Model

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model behind an OpenAI-compatible address.

    key_env: the environment variable that holds its key. max_tokens: of an answer, reasoning included. temperature:
    None leaves it to the server; a model that takes none is asked without.
    """

    model: str
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    max_tokens: int = 1000
    temperature: float | None = 0.0
    timeout: float = 120.0

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BadInput("--generator and --validator: found an empty name; expected a model's name at the server")
        if self.max_tokens < 1:
            raise BadInput(f"--generator-tokens, --validator-tokens: found {self.max_tokens}; expected 1 or more")

    def open(self, cache: AnswerCache | None, concurrency: int, **options: Any) -> Chat:
        """Its client. options: prices, account, dry, as `Chat` has them."""
        return Chat(
            self.model,
            base_url=self.base_url,
            key_env=self.key_env,
            concurrency=concurrency,
            parameters=Parameters(temperature=self.temperature, max_tokens=self.max_tokens),
            patience=Patience(timeout=self.timeout),
            cache=cache,
            **options,
        )


@contextmanager
def opened(
    generator: Endpoint, validator: Endpoint, *, concurrency: int = 16, cache: Path | None = None, dry: bool = False
) -> Iterator[tuple[Model, Model]]:
    """Both models; open a `Purse` around it for a budget. cache: a file; the one that all of Heedful shares unless
    given. dry: nothing is sent. Raises what `Chat` raises.
    """
    with ExitStack() as stack:
        answers = _answers(cache)
        stack.callback(answers.close)
        chats = [stack.enter_context(end.open(answers, concurrency, dry=dry)) for end in (generator, validator)]
        first, second = (Model(chat.model, chat, chat.spending.price) for chat in chats)
        yield first, second


class TravellingChat:
    """A model that goes along with work that is sent to other processes.

    What travels says which model, at which address, at what price, and which account pays: never a key. Each process
    opens a client of its own at the first question, with the key that its own environment holds.
    """

    def __init__(self, end: Endpoint, price: Price | None, account: Account, concurrency: int, cache: Path | None):
        self._parts = end, price, account, concurrency, cache
        self._lock = threading.Lock()
        self._chat: Chat | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return TravellingChat, self._parts

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """As `Chat.ask`. Raises what `Chat` raises."""
        with self._lock:
            self._chat = self._chat or self._opened()
        return self._chat.ask(requests)

    def _opened(self) -> Chat:
        end, price, account, concurrency, cache = self._parts
        prices = {} if price is None else {end.model: price}
        return end.open(_answers(cache), concurrency, prices=prices, account=account)


def travelling(
    generator: Endpoint, validator: Endpoint, account: Account, *, concurrency: int = 16, cache: Path | None = None
) -> tuple[Model, Model]:
    """Both models, to be opened by every process that asks them. Prices and addresses are those that hold here.

    concurrency: calls in flight at once, of each model and process. cache: a file, the same path on each machine;
    each machine's own answer cache unless given. Raises BadInput for an address with a password or a query in it,
    Missing where the account has a cap and a model no price.
    """
    models, prices = [], load_prices()
    for end in (generator, validator):
        address = end.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
        check_address(address, end.key_env, bare=True)
        price = price_of(end.model, prices)
        if account.budget is not None:
            require_price(end.model, price)
        file = None if cache is None else cache.absolute()
        chat = TravellingChat(replace(end, base_url=address), price, account, concurrency, file)
        models.append(Model(end.model, chat, price))
    return models[0], models[1]


def _answers(cache: Path | None) -> AnswerCache:
    return AnswerCache(cache or cache_folder() / "answers.sqlite")
