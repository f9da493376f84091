from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from heedful.index import objects

_HOP = frozenset({"connection", "transfer-encoding", "content-length"})


class FaultyStore:
    """A proxy before an object store. delay: seconds before each answer. refuse: the methods that are forbidden."""

    def __init__(self, target: str):
        self.delay, self.refuse = 0.0, frozenset[str]()
        host, port = urlsplit(target).hostname, urlsplit(target).port
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self._body()
                time.sleep(outer.delay)
                if self.command in outer.refuse:
                    said = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
                    self._answer(403, {"Content-Type": "application/xml"}, said)
                    return
                connection = HTTPConnection(host, port, timeout=30)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                headers["Content-Length"] = str(len(body))
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                self._answer(answer.status, dict(answer.getheaders()), answer.read())
                connection.close()

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

            def _body(self) -> bytes:
                if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return b"".join(parts)

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                length = next((v for n, v in headers.items() if n.lower() == "content-length"), None)
                self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The endpoint of an S3 emulator."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("HEEDFUL_STORAGE_TIMEOUT", "10")
    objects._connected.cache_clear()
    return monkeypatch


_buckets = iter(range(10_000))


@pytest.fixture
def bucket(emulator: str, environment: pytest.MonkeyPatch) -> str:
    """s3://BUCKET, empty."""
    import boto3

    environment.setenv("AWS_ENDPOINT_URL", emulator)
    name = f"bucket{next(_buckets)}"
    boto3.client("s3", endpoint_url=emulator).create_bucket(Bucket=name)
    return f"s3://{name}"


@pytest.fixture
def faulty(bucket: str, emulator: str, environment: pytest.MonkeyPatch) -> Iterator[FaultyStore]:
    """The same store behind a proxy that can be slow, or refuse."""
    store = FaultyStore(emulator)
    environment.setenv("AWS_ENDPOINT_URL", store.endpoint)
    yield store
    store.close()
