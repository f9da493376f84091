"""A chat model for tests: it says what it was told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from heedful.chat.values import Answer, Request


class ScriptedChat:
    """Answers from a list (in order), a mapping (prompt -> answer) or a function of the request.

    An answer is a text, a tuple of label probabilities, an `Answer`, or an exception to raise. calls counts the
    requests that were answered, requests keeps them. A script that has run out raises AssertionError.
    """

    def __init__(
        self,
        script: Sequence[str | tuple[float, ...] | Answer | Exception]
        | Mapping[str, str]
        | Callable[[Request], str | tuple[float, ...] | Answer],
    ):
        self._script = script
        self.requests: list[Request] = []

    @property
    def calls(self) -> int:
        """How many requests were answered."""
        return len(self.requests)

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request."""
        return [self._one(request) for request in requests]

    def complete(self, prompts: Sequence[str]) -> list[str]:
        """One answer a prompt."""
        return [answer.text for answer in self.ask([Request(prompt) for prompt in prompts])]

    def choose(self, prompts: Sequence[str], labels: Sequence[str]) -> list[tuple[float, ...] | None]:
        """One row of label probabilities a prompt."""
        return [a.probabilities for a in self.ask([Request(p, labels=tuple(labels)) for p in prompts])]

    def _one(self, request: Request) -> Answer:
        self.requests.append(request)
        if callable(self._script):
            said: str | tuple[float, ...] | Answer | Exception = self._script(request)
        elif isinstance(self._script, Mapping):
            said = self._script[request.prompt]
        else:
            assert len(self.requests) <= len(self._script), f"the script of {len(self._script)} answers has run out"
            said = self._script[len(self.requests) - 1]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Answer):
            return said
        return Answer(probabilities=said) if isinstance(said, tuple) else Answer(said)
