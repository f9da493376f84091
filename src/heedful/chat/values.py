"""What is asked of a chat model and what came back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt. labels: where not empty, their probabilities as the first token are asked for instead of a text.

    template: a name or hash of what the prompt was made with; it is part of the cache's key. schema: where not empty, a
    JSON schema (as text) that the server is asked to hold the answer to; shape: its name.
    """

    prompt: str
    system: str = ""
    labels: tuple[str, ...] = ()
    template: str = ""
    schema: str = ""
    shape: str = "answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, or why nothing did.

    probabilities: one a label, summing to 1; None where none was asked for or no label was among the likely tokens.
    failure: empty, or why there is no answer; then text is empty. final: asking again would fail again. dry: nothing
    was sent. cached: it cost nothing. cost: US dollars, None where the price is unknown.
    """

    text: str = ""
    probabilities: tuple[float, ...] | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish: str = ""
    failure: str = ""
    final: bool = False
    cached: bool = False
    dry: bool = False
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a model is to answer. extra: further fields of the request's body, JSON-ready.

    labels_by: where label probabilities come from: "logprobs" of a chat completion's first token, or "decisions", the
    typed decisions that `transformers serve` answers at /systemone.
    """

    temperature: float | None = 0.0
    max_tokens: int = 512
    seed: int | None = None
    labels_by: Literal["logprobs", "decisions"] = "logprobs"
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def key_of(model: str, parameters: Parameters, request: Request) -> str:
    """Sha256 (hex) over everything that decides the answer; the server's address and its key are not in it."""
    decides = {
        "model": model,
        "parameters": [parameters.temperature, parameters.max_tokens, parameters.seed, dict(parameters.extra)],
        "labels_by": parameters.labels_by if request.labels else "",
        "template": request.template,
        "system": request.system,
        "prompt": request.prompt,
        "labels": request.labels,
    } | ({"schema": request.schema} if request.schema else {})
    return hashlib.sha256(json.dumps(decides, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class AskingModel(Protocol):
    """The fuller seam that ranking uses: a failed call is told per request and raises nothing."""

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order. Raises BudgetSpent, and Missing or Refused where no call can succeed."""
        ...
