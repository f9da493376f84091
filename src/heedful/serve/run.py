"""Starting and stopping servers."""

from __future__ import annotations

import ipaddress
import json
import logging.config
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heedful.errors import BadInput
from heedful.serve.logs import log_config
from heedful.serve.settings import KEY, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

TOLD = "HEEDFUL_SERVE"
"""What tells a worker process its index and settings (JSON). The key is not in it: it comes from the environment."""

_GRACE = 30  # seconds that requests in progress have when the server is stopped
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secured(settings: Settings, host: str, allowed: Sequence[str], anonymous: bool) -> Settings:
    """The settings for a host. Raises BadInput where others could come in without a key and nobody said so."""
    if is_loopback(host):
        return replace(settings, hosts=(*_LOOPBACK, *(name.lower() for name in allowed)))
    if settings.api_key is None and not anonymous:
        raise BadInput(
            f"--host {host}: other machines could reach this server; set ${KEY} to ask them for a key, or say "
            "--allow-anonymous to let everybody in"
        )
    return replace(settings, hosts=tuple(name.lower() for name in allowed))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises BadInput where the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(address[:2], family=family, backlog=2048)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer waits 40 ms for an ACK
        return bound
    except OSError as error:
        raise BadInput(
            f"--host {host} --port {port}: cannot listen there ({error.strerror}); choose another, or --port 0 for any"
        ) from error


def serve(index: Path | str, settings: Settings, bound: socket.socket, workers: int = 1) -> None:
    """Serve until told to stop (SIGTERM, or Ctrl-C): requests in progress are finished, no new ones are taken."""
    import uvicorn

    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again once it has stopped
    options: dict[str, Any] = {
        "log_config": log_config(),
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": _GRACE,
        "timeout_keep_alive": 20,
        "lifespan": "on",
    }
    if workers == 1:
        from heedful.serve.app import create_app

        app = create_app(index, settings=settings)
        try:
            uvicorn.Server(uvicorn.Config(app, **options)).run(sockets=[bound])
        except SystemExit:
            if app.state.failure is not None:
                raise app.state.failure from None
            raise
        return
    from uvicorn.supervisors import Multiprocess

    os.environ[TOLD] = json.dumps({"index": str(index), **asdict(replace(settings, api_key=None))})
    config = uvicorn.Config(
        "heedful.serve.run:worker", factory=True, workers=workers, timeout_worker_healthcheck=60, **options
    )
    Multiprocess(config, sockets=[bound]).run()


def worker() -> FastAPI:
    """The app of one of several workers."""
    from heedful.serve.app import create_app

    told = json.loads(os.environ[TOLD])
    index = told.pop("index")
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
    return create_app(index, settings=replace(Settings(**values), api_key=os.environ.get(KEY) or None))


def log_as_json() -> None:
    """For a server that uvicorn does not run."""
    logging.config.dictConfig(log_config())
