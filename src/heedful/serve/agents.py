"""The MCP server's ways in: streamable HTTP beside the other routes, and standard input and output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from heedful.serve.mcp import make_server
from heedful.serve.settings import Settings
from heedful.serve.shelf import Shelf
from heedful.serve.work import Work

if TYPE_CHECKING:
    from heedful.seams import DocumentEncoder

PATH = "/mcp"


class Door:
    """Answers at PATH while it is open."""

    def __init__(self) -> None:
        self._answer: ASGIApp | None = None

    @property
    def route(self) -> Route:
        """To be added to an application."""
        return Route(PATH, endpoint=self)

    @asynccontextmanager
    async def opened(self, work: Work) -> AsyncIterator[None]:
        """Serve the collection that is open now. No session is kept, so that any worker may answer any request."""
        server = make_server(work)
        server.streamable_http_app(
            stateless_http=True,
            max_request_body_size=work.settings.body,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the guard does it
        )
        async with server.session_manager.run():
            self._answer = server.session_manager.handle_request
            try:
                yield
            finally:
                self._answer = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        assert self._answer is not None, "the door was not opened"
        await self._answer(scope, receive, send)


async def serve_stdio(index: Path | str, settings: Settings, encoder: DocumentEncoder | None = None) -> None:
    """Speak MCP on standard input and output until the client ends. encoder: as for `create_app`.

    Raises Missing, Mismatch where the index cannot be opened.
    """
    work = Work(settings, Shelf(index, encoder))
    await work.shelf.open()
    watching = asyncio.create_task(work.shelf.watch(settings.watch))
    try:
        await make_server(work).run_stdio_async()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        work.close()
