"""`heedful serve`: a page, an HTTP API and an MCP endpoint over one index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heedful.cli.output import note

if TYPE_CHECKING:
    from heedful.serve.settings import Settings

IndexPath = Annotated[str, typer.Argument(metavar="INDEX", help="A folder that `heedful index` made.")]
Host = Annotated[str, typer.Option(help="The address to listen at; others than loopback ask for $HEEDFUL_API_KEY.")]
Anonymous = Annotated[bool, typer.Option("--allow-anonymous", help="Let other machines in without a key.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="Answer to this Host name too (behind a proxy)."),
]
Concurrent = Annotated[int | None, typer.Option(min=1, help="Answers computed at once, each worker. [default: cores]")]
Queue = Annotated[int, typer.Option(min=0, help="Requests that may wait, each worker; more get 503.")]
LogTexts = Annotated[bool, typer.Option("--log-texts", help="Let the log hold what people typed.")]


def command(
    index: IndexPath,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the socket and the index's files.")] = 1,
    allow_anonymous: Anonymous = False,
    allow_host: Hosts = None,
    rerank: Annotated[
        list[str] | None, typer.Option(metavar="SYSTEM", help="Systems that requests may name; replaces the usual two.")
    ] = None,
    concurrent: Concurrent = None,
    queue: Queue = 64,
    log_texts: LogTexts = False,
) -> None:
    """Serve a page to explore with, an HTTP API and an MCP endpoint (/mcp) over one index."""
    settings = server_settings(workers, concurrent, queue, log_texts, rerank)
    run(index, settings, host, port, workers, allow_host, allow_anonymous)


def server_settings(
    workers: int, concurrent: int | None, queue: int, log_texts: bool, rerank: list[str] | None = None
) -> Settings:
    """The settings that the options say. Raises Missing without the extra, BadSystem for an unknown reranker."""
    import os

    from heedful.errors import Missing

    cores = os.cpu_count() or 2
    threads = max(1, cores // ((concurrent or cores) * workers))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before numpy and torch read it
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads))
    try:
        import fastapi  # noqa: F401
        import mcp  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise Missing(f"the package {error.name} is not installed; pip install 'heedful[serve]'") from error
    from heedful.serve.settings import KEY, RERANKERS, Settings
    from heedful.systems.registry import parse_system

    for name in rerank or ():
        parse_system(name)
    return Settings(
        api_key=os.environ.get(KEY) or None,
        concurrent=concurrent or max(2, cores // workers),
        queue=queue,
        rerankers=tuple(rerank) if rerank else RERANKERS,
        threads=threads,
        log_texts=log_texts,
    )


def run(
    index: str,
    settings: Settings,
    host: str,
    port: int,
    workers: int = 1,
    allow_host: list[str] | None = None,
    allow_anonymous: bool = False,
    path: str = "/",
) -> None:
    """Listen and serve; says where on stderr."""
    from heedful.index.manifest import read_manifest
    from heedful.serve.run import listen, secured, serve

    settings = secured(settings, host, allow_host or (), allow_anonymous)
    if "://" not in index:
        read_manifest(Path(index))  # what is not there is said before anything else starts
    bound = listen(host, port)
    name = f"[{host}]" if ":" in host else host
    note(f"{index}: opening; it will answer at http://{name}:{bound.getsockname()[1]}{path} (Ctrl-C stops it)")
    serve(index, settings, bound, workers)
