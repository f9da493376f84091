"""`heedful mcp`: an MCP server over one index, for agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heedful.cli.serve import Anonymous, Concurrent, Host, Hosts, IndexPath, LogTexts, Queue, run, server_settings


def command(
    index: IndexPath,
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP at /mcp instead of stdin and stdout.")] = False,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http; 0 takes a free one.")] = 8765,
    allow_anonymous: Anonymous = False,
    allow_host: Hosts = None,
    concurrent: Concurrent = None,
    queue: Queue = 64,
    log_texts: LogTexts = False,
) -> None:
    """Let agents search, explore, compare and read a collection, by the Model Context Protocol."""
    settings = server_settings(1, concurrent, queue, log_texts)
    if http:
        run(index, settings, host, port, 1, allow_host, allow_anonymous, "/mcp")
        return
    import asyncio

    from heedful.index.manifest import read_manifest
    from heedful.serve.agents import serve_stdio
    from heedful.serve.run import log_as_json

    if "://" not in index:
        read_manifest(Path(index))
    log_as_json()
    asyncio.run(serve_stdio(index, settings))
