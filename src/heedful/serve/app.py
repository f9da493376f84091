"""The web application over one index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, TemplateNotFound

from heedful import __version__
from heedful.errors import HeedfulError
from heedful.serve import api, problems, rerank, responses
from heedful.serve.agents import Door
from heedful.serve.guard import Guard
from heedful.serve.settings import Settings
from heedful.serve.shelf import Shelf
from heedful.serve.work import Work

if TYPE_CHECKING:
    from heedful.seams import DocumentEncoder

PAGE = Path(__file__).parent / "page"
PLAIN: dict[int | str, dict[str, Any]] = {413: problems.USUAL[413], 421: problems.USUAL[421]}
_BY_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)


def create_app(
    index_path: str | Path, *, settings: Settings | None = None, encoder: DocumentEncoder | None = None
) -> FastAPI:
    """The app; the index is opened when it starts, and raises Missing or Mismatch then.

    encoder: the one that the index was made with, where it cannot be loaded by its name.
    """
    chosen = settings or Settings()
    work, door = Work(chosen, Shelf(index_path, encoder)), Door()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        import torch

        torch.set_num_threads(chosen.threads)
        try:
            await work.shelf.open()
        except HeedfulError as error:
            app.state.failure = error
            raise
        watching = asyncio.create_task(work.shelf.watch(chosen.watch))
        try:
            async with door.opened(work):
                yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            work.close()

    app = FastAPI(
        title="Heedful",
        version=__version__,
        summary="Retrieval that heeds instructions.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.work, app.state.failure = work, None
    problems.install(app)
    app.add_middleware(Guard, settings=chosen)
    keys = [] if chosen.api_key is None else [Depends(HTTPBearer(auto_error=False)), Depends(_BY_HEADER)]
    app.include_router(api.router, dependencies=keys)
    app.include_router(rerank.router, dependencies=keys)
    templates = Environment(loader=FileSystemLoader(PAGE / "templates"), autoescape=True)

    @app.get("/healthz", summary="Whether the process answers", response_model=responses.Health, responses=PLAIN)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Whether the index is open",
        response_model=responses.Ready,
        responses={**PLAIN, 503: problems.USUAL[503]},
    )
    async def readyz(request: Request) -> Response:
        if not work.shelf.ready:
            return problems.problem(503, "starting", "the index is being opened", None, {"Retry-After": "1"})
        return api.ok({"status": "ready", "documents": len(work.shelf.current.index)})

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        try:
            template = templates.get_template("index.html")
        except TemplateNotFound:
            return Response("the page is not installed; the API is described at /openapi.json", 404)
        name = work.shelf.current.info()["name"]  # all that is told before a key is shown
        return Response(template.render(info={"name": name}, version=__version__), media_type="text/html")

    app.router.routes.append(door.route)
    app.mount("/static", StaticFiles(directory=PAGE / "static"), name="static")
    return app
