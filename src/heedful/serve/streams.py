"""Answers that take long, as lines of JSON: progress, then the result or the error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from heedful.errors import HeedfulError
from heedful.serve.collection import Collection, as_json
from heedful.serve.problems import stated
from heedful.serve.work import Work

NDJSON = "application/x-ndjson"
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            NDJSON: {
                "schema": {
                    "type": "string",
                    "description": 'Lines of JSON: {"event": "progress", "what", "done", "total", "seconds"}, at least '
                    'one a second; the last is {"event": "result", "result"} or {"event": "error", "error"}.',
                }
            }
        }
    }
}


def wants_stream(request: Request) -> bool:
    """Whether the client asked for lines."""
    return NDJSON in request.headers.get("accept", "")


async def answer(request: Request, work: Work, compute: Callable[[Collection], Any]) -> Response:
    """The result as JSON, or with progress where the client accepts lines. A busy server is said before it starts."""
    if not wants_stream(request):
        return Response(as_json(await work.run(request, compute)), media_type="application/json")
    held = AsyncExitStack()
    await held.enter_async_context(work.place(request))

    async def lines() -> AsyncIterator[bytes]:
        async with held:
            try:
                async for event in work.stream(compute):
                    yield as_json(event) + b"\n"
            except HeedfulError as error:
                _, code, message, field = stated(error)
                yield as_json({"event": "error", "error": {"code": code, "message": message, "field": field}}) + b"\n"

    return StreamingResponse(lines(), media_type=NDJSON, headers={"X-Accel-Buffering": "no"})
