"""One request over the wire, with bounded patience. The only file that imports the `openai` package."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from heedful.chat.keys import read_key, scrub, shown_url
from heedful.chat.values import Answer, Parameters, Request
from heedful.errors import HeedfulError, Missing, RateLimited, Refused, Upstream

log = logging.getLogger("heedful.chat")
RETRIED = (408, 409, 429, 500, 502, 503, 504, 520, 522, 524, 529)
OPTIONAL = {"response_format": "response_format", "json_schema": "response_format", "temperature": "temperature"}
UNKNOWN = ("support", "unknown", "unrecognized", "unavailable", "unexpected", "extra inputs", "not permitted")
QUOTA = ("insufficient_quota", "billing_hard_limit_reached")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying. attempts: at most, the first included. timeout: seconds an attempt. first_wait: seconds
    before the second attempt, doubled each time with jitter up to longest_wait; a Retry-After above longest_wait is
    not waited for.
    """

    attempts: int = 6
    timeout: float = 60.0
    first_wait: float = 1.0
    longest_wait: float = 60.0


class Transport:
    """An OpenAI-compatible server. Only `send` is asynchronous; make it inside the loop that will use it."""

    def __init__(self, model: str, base_url: str | None, key_env: str, parameters: Parameters, patience: Patience):
        try:
            import openai
        except ImportError as error:
            raise Missing("chat models need the openai package: pip install 'heedful[llm]'") from error
        self._openai, self.model, self.parameters, self.patience = openai, model, parameters, patience
        self._key = read_key(key_env, base_url)
        self._key_env = key_env
        self.where = shown_url(base_url) if base_url else "the OpenAI API"
        self._client = openai.AsyncOpenAI(api_key=self._key, base_url=base_url, max_retries=0, timeout=patience.timeout)
        self._token_limit = "max_tokens"
        self._refused: set[str] = set()  # fields that the server does not know
        self._not_before = 0.0
        self.retries = 0

    async def send(self, request: Request) -> Answer:
        """The answer, or one with `failure` after the last attempt. Raises Missing, Refused where none can succeed."""
        failure, final = "", False
        for attempt in range(self.patience.attempts):
            await self._until_allowed()
            body = self._body(request)
            try:
                async with asyncio.timeout(self.patience.timeout):
                    if request.labels and self.parameters.labels_by == "decisions":
                        asked = _decision(self.model, request)
                        return _read_decision(
                            await self._client.post("/systemone", cast_to=object, body=asked), request
                        )
                    reply = await self._client.chat.completions.create(**body)
                return _read(reply, request)
            except Exception as error:
                problem, wait = self._judge(error, body)
            if problem is None:  # the request is written differently from now on
                failure = self._say("the server accepts neither this request nor a plainer one")
                continue
            if isinstance(problem, HeedfulError) and wait is None:
                raise problem
            failure, final = str(problem), wait is None
            if final or attempt + 1 == self.patience.attempts:
                break
            self.retries += 1
            pause = wait or min(self.patience.longest_wait, self.patience.first_wait * 2**attempt)
            log.warning("%s; attempt %d of %d", failure, attempt + 1, self.patience.attempts)
            await asyncio.sleep(pause * (1 if wait else random.uniform(0.5, 1.0)))
        return Answer(failure=failure, final=final)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _until_allowed(self) -> None:
        while (wait := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(wait + random.uniform(0, 0.1 * wait))

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [{"role": "system", "content": request.system}] if request.system else []
        p = self.parameters
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [*messages, {"role": "user", "content": request.prompt}],
            self._token_limit: 1 if request.labels else p.max_tokens,
        }
        if p.temperature is not None:
            body["temperature"] = p.temperature
        if p.seed is not None:
            body["seed"] = p.seed
        if request.labels:
            body |= {"logprobs": True, "top_logprobs": 20}
        if request.schema:
            shape = {"name": request.shape, "strict": True, "schema": json.loads(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        for name in self._refused:
            body.pop(name, None)
        return body | ({"extra_body": dict(p.extra)} if p.extra else {})

    def _judge(self, error: Exception, sent: Collection[str] = ()) -> tuple[HeedfulError | str | None, float | None]:
        """(what to say, how to go on): a text with seconds (0: the usual back-off) to retry or None to give up on
        this request; a HeedfulError with None where no request can succeed; (None, None) where the body was mended.
        """
        o, say = self._openai, self._say
        if isinstance(error, (o.APITimeoutError, TimeoutError)):
            return say(f"no answer within {self.patience.timeout:g} s"), 0.0
        if isinstance(error, o.APIConnectionError):
            return say(f"no connection ({type(error.__cause__ or error).__name__})"), 0.0
        if isinstance(error, (o.APIResponseValidationError, json.JSONDecodeError, Unreadable, UnicodeDecodeError)):
            return say("an answer that cannot be read"), 0.0
        if isinstance(error, HeedfulError):
            return error, None
        if not isinstance(error, o.APIStatusError):
            return Upstream(say(f"{type(error).__name__}: {error}")), None
        status, told = error.status_code, str(error.message)[:300]
        code = str(getattr(error, "code", "") or "")
        if code in QUOTA or any(name in told for name in QUOTA):
            return Refused(say("the account has no quota left (check its billing)")), None
        if status in RETRIED:
            return self._wait_of(error, status, say(f"HTTP {status}"))
        if status == 401:
            return Refused(say(f"the key in {self._key_env} is not accepted (HTTP 401)")), None
        if status == 403:
            return Refused(say(f"the key in {self._key_env} may not use it (HTTP 403)")), None
        if status == 404:
            return Missing(say("no such model, or no chat completions at this address (HTTP 404); check both")), None
        lower = told.lower()
        if status == 400 and "max_completion_tokens" in lower:
            self._token_limit = "max_completion_tokens"
            return None, None
        if status in (400, 422) and (name := _unknown_field(lower)) in sent:
            if name not in self._refused:
                log.warning("%s", say(f"{name} is not accepted; asking without it from now on"))
            self._refused.add(name)
            return None, None
        if status == 413 or "context" in code or "context length" in lower or "maximum context" in lower:
            return say("the prompt is too long for the model; shorten the documents (max_words)"), None
        if "content" in code and "filter" in code:
            return say("refused by the server's content filter"), None
        return Refused(say(f"HTTP {status}: {told}")), None

    def _say(self, text: str) -> str:
        return scrub(f"{self.model} at {self.where}: {text}", self._key)

    def _wait_of(self, error: Any, status: int, text: str) -> tuple[HeedfulError | str | None, float | None]:
        wait = retry_after(error.response.headers)
        if wait > self.patience.longest_wait:
            asked = f"{text}; it asks to wait {wait:.0f} s, more than the {self.patience.longest_wait:g} s allowed"
            return (RateLimited(asked) if status == 429 else Upstream(asked)), None
        if wait and status in (429, 503):
            self._not_before = max(self._not_before, time.monotonic() + wait)  # for everybody in flight
        return text, wait


def _unknown_field(told: str) -> str:
    """The optional field that an error says the server does not know, or empty."""
    if not any(word in told for word in UNKNOWN):
        return ""
    return next((field for name, field in OPTIONAL.items() if name in told), "")


class Unreadable(Exception):
    """A reply that is JSON but no chat completion."""


def retry_after(headers: Any) -> float:
    """Seconds that the server asks to wait, 0 where it does not say."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            text = headers.get("retry-after", "0")
            try:
                seconds = float(text)
            except ValueError:
                seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _read(reply: Any, request: Request) -> Answer:
    try:
        choice = reply.choices[0]
        text = choice.message.content or getattr(choice.message, "refusal", None) or ""
        usage = reply.usage
        answer = Answer(
            text=text if isinstance(text, str) else "",
            prompt_tokens=int(usage.prompt_tokens or 0) if usage else 0,
            completion_tokens=int(usage.completion_tokens or 0) if usage else 0,
            finish=str(choice.finish_reason or ""),
        )
        if not request.labels:
            return answer
        tokens = (choice.logprobs.content or []) if choice.logprobs else []
        if not tokens:
            raise Refused(
                "the server gives no log-probabilities; use mode=generate (or decide, with transformers serve)"
            )
        return replace(answer, probabilities=label_probabilities(tokens[0].top_logprobs, request.labels))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, HeedfulError):
            raise
        raise Unreadable(type(error).__name__) from None


def _decision(model: str, request: Request) -> dict[str, Any]:
    """A typed decision between the labels."""
    return {
        "model": model,
        "state": "\n\n".join(text for text in (request.system, request.prompt) if text),
        "questions": {
            "answer": {
                "type": "choice",
                "instructions": "Which answer is right?",
                "criteria": {label: f"The answer is {label}." for label in request.labels},
            }
        },
    }


def _read_decision(reply: Any, request: Request) -> Answer:
    try:
        shares = [float(reply["answers"]["answer"]["probabilities"][label]) for label in request.labels]
        total = sum(shares)
        return Answer(
            probabilities=tuple(share / total for share in shares) if total > 0 else None,
            prompt_tokens=int((reply.get("usage") or {}).get("input_tokens") or 0),
            finish="stop",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(type(error).__name__) from None


def label_probabilities(top: Any, labels: tuple[str, ...]) -> tuple[float, ...] | None:
    """Probability of each label among the first token's likely values, normalised; None where there is none.

    A token counts for the label that it spells, white space aside; case counts only where labels differ by case alone.
    """
    fold = len({label.casefold() for label in labels}) == len(labels)
    names = [label.casefold() if fold else label for label in labels]
    mass = [0.0] * len(labels)
    for token in top:
        text = token.token.strip()
        text = text.casefold() if fold else text
        if text in names:
            mass[names.index(text)] += math.exp(token.logprob)
    total = sum(mass)
    return tuple(m / total for m in mass) if total > 0 else None
