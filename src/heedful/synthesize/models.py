"""The two models, opened: a client each, one answer cache, one purse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from heedful.cache import cache_folder
from heedful.chat import AnswerCache, Chat, Parameters, Patience
from heedful.errors import BadInput
from heedful.synthesize.asking import Model


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

    def open(self, cache: AnswerCache | None, concurrency: int, *, dry: bool = False) -> Chat:
        """Its client."""
        return Chat(
            self.model,
            base_url=self.base_url,
            key_env=self.key_env,
            concurrency=concurrency,
            parameters=Parameters(temperature=self.temperature, max_tokens=self.max_tokens),
            patience=Patience(timeout=self.timeout),
            cache=cache,
            dry=dry,
        )


@contextmanager
def opened(
    generator: Endpoint, validator: Endpoint, *, concurrency: int = 16, cache: Path | None = None, dry: bool = False
) -> Iterator[tuple[Model, Model]]:
    """Both models; open a `Purse` around it for a budget. cache: a file; the one that all of Heedful shares unless
    given. dry: nothing is sent. Raises what `Chat` raises.
    """
    with ExitStack() as stack:
        answers = AnswerCache(cache or cache_folder() / "answers.sqlite")
        stack.callback(answers.close)
        chats = [stack.enter_context(end.open(answers, concurrency, dry=dry)) for end in (generator, validator)]
        first, second = (Model(chat.model, chat, chat.spending.price) for chat in chats)
        yield first, second
