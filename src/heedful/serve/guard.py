"""Around every request: an id, the Host that was meant, the key, what browsers may do, a log line."""

from __future__ import annotations

import hmac
import logging
import re
import time
import traceback
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heedful.serve.problems import problem
from heedful.serve.settings import Settings

log = logging.getLogger("heedful.serve")

PUBLIC = ("/healthz", "/readyz", "/openapi.json")
"""What needs no key, besides the page and its files: of the collection they tell its name and its size at most."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Guard:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, settings: Settings):
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = id
        began, status, failure = time.perf_counter(), 500, ""

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out[name] = value
                out["X-Request-ID"] = id
                out.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
            await send(message)

        try:
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, answer)
            else:
                await self.app(scope, self._bounded(receive), answer)
        except Exception as error:
            failure = _where(error, texts=self.settings.log_texts)
            if status == 500:
                text = "something unexpected went wrong; the server's log has it under this request's id"
                await problem(500, "failed", text)(scope, receive, answer)
        finally:
            self._log(scope, id, status, time.perf_counter() - began, failure)

    def _refusal(self, scope: Scope, headers: Headers) -> Any:
        host = headers.get("host", "").rsplit("@", 1)[-1]
        name = re.sub(r":\d*$", "", host).lower()
        if self.settings.hosts and name not in self.settings.hosts:
            text = f"this server does not answer as {name[:100]!r}; start it with --allow-host to let it"
            return problem(421, "wrong_host", text)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self.settings.body:
            return problem(413, "too_large", self._too_large)
        path = scope["path"]
        open_to_all = path in ("/", *PUBLIC) or path.startswith("/static/")
        key = self.settings.api_key
        if key is None or open_to_all or _same(_shown(headers), key):
            return None
        text = "show the API key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
        return problem(401, "unauthorized", text, None, {"WWW-Authenticate": 'Bearer realm="heedful"'})

    def _bounded(self, receive: Receive) -> Receive:
        """The body as it comes in, until there is too much of it."""
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.settings.body:
                raise HTTPException(413, self._too_large)
            return message

        return bounded

    @property
    def _too_large(self) -> str:
        return f"the body is larger than {self.settings.body} bytes"

    def _log(self, scope: Scope, id: str, status: int, seconds: float, failure: str) -> None:
        state: MutableMapping[str, Any] = scope.get("state", {})
        route = scope.get("route")
        facts: dict[str, Any] = {
            "request_id": id,
            "method": scope["method"],
            "route": getattr(route, "path", None) or "(none)",  # a path may hold what was typed; its route does not
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        if "waited" in state:
            facts["waited_ms"] = round(state["waited"] * 1000, 1)
        if self.settings.log_texts and "texts" in state:
            facts["texts"] = state["texts"]
        if failure:
            facts["failure"] = failure
        log.log(logging.ERROR if failure else logging.INFO, "request", extra=facts)


def _shown(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token else headers.get("x-api-key", "")


def _same(given: str, key: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), key.encode("utf-8", "replace"))


def _where(error: BaseException, *, texts: bool) -> str:
    """The error's kind and where it came from; what it says only where texts may be logged: it may quote a request."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))
    return f"{type(error).__name__}{f': {error}' if texts else ''} in {places}"
