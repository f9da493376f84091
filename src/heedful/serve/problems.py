"""Errors as answers: one body for all, {"error": {"code", "message", "field"}}."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from heedful import errors
from heedful.serve.gate import Left, Overloaded
from heedful.serve.requests import Failed

log = logging.getLogger("heedful.serve")


class InField(errors.HeedfulError):
    """An error, and the field of the request that is to blame."""

    def __init__(self, error: errors.HeedfulError, field: str):
        self.error, self.field = error, field
        super().__init__(str(error))


_CODES: tuple[tuple[type[errors.HeedfulError], int, str], ...] = (  # the first that fits
    (Left, 499, "client_left"),
    (errors.UnknownId, 422, "unknown_id"),
    (errors.UnknownAspect, 422, "unknown_aspect"),
    (errors.BadFilter, 422, "bad_filter"),
    (errors.BadPlan, 422, "bad_plan"),
    (errors.BadSystem, 422, "bad_system"),
    (errors.BadInput, 422, "bad_input"),
    (errors.Missing, 503, "missing"),
    (errors.BudgetSpent, 503, "budget_spent"),
    (errors.Upstream, 502, "upstream_failed"),
    (errors.Mismatch, 503, "index_changed"),
)
_FIELDS = {"unknown_aspect": "aspect", "bad_filter": "where", "bad_plan": "plan", "bad_system": "rerank"}
_WORDS = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    421: "wrong_host",
    503: "busy",
}

USUAL: dict[int | str, dict[str, Any]] = {
    status: {"model": Failed, "description": text}
    for status, text in {
        400: "The body is no JSON.",
        401: "The API key is missing or wrong.",
        413: "The body is larger than allowed.",
        421: "The Host header names another server.",
        422: "Something asked for cannot be used; the message says what would do.",
        502: "A service behind this one failed.",
        503: "Too much to do at once (Retry-After says when to come again), or something needed is not there.",
    }.items()
}


def problem(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as an answer."""
    body = json.dumps({"error": {"code": code, "message": message, "field": field}}).encode()
    return Response(body, status, dict(headers or {}), "application/json")


def stated(error: errors.HeedfulError) -> tuple[int, str, str, str | None]:
    """Status, code, message, field of an error of ours; options lose the dashes of the command line."""
    if isinstance(error, InField):
        return *stated(error.error)[:3], error.field
    status, code = next(((s, c) for kind, s, c in _CODES if isinstance(error, kind)), (500, "failed"))
    return status, code, str(error).replace("--where", "where"), _FIELDS.get(code)


def install(app: FastAPI) -> None:
    """Answer every error in the one form."""

    @app.exception_handler(errors.HeedfulError)
    async def _ours(request: Request, error: errors.HeedfulError) -> Response:
        status, code, message, field = stated(error)
        if status >= 500:
            log.error("request failed", extra={"error": message, "code": code})
        return problem(status, code, message, field, {"Retry-After": "5"} if status == 503 else None)

    @app.exception_handler(Overloaded)
    async def _busy(request: Request, error: Overloaded) -> Response:
        return problem(503, "busy", str(error), None, {"Retry-After": str(error.retry_after)})

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return problem(400, "bad_json", f"the body is no JSON: {first.get('ctx', {}).get('error', '')}")
        field = ".".join(str(part) for part in first["loc"][1:]) or None
        return problem(422, "bad_request", f"{field or 'the body'}: {first['msg']}", field)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = _WORDS.get(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
        return problem(error.status_code, code, str(error.detail), None, error.headers)
