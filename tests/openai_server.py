"""An OpenAI-compatible server on loopback that does what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Say:
    """One reply. text; or status with headers and a body; drop: close without a word; truncate: half a JSON body."""

    text: str | None = "Passage A"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | str | None = None
    drop: bool = False
    truncate: bool = False
    seconds: float = 0.0
    logprobs: dict[str, float] | None = None
    usage: bool = True


Behaviour = Callable[[dict[str, Any], int], Say]


class Server:
    """url; calls: the bodies it got, in order; headers: theirs; most_at_once: the largest number in flight."""

    def __init__(self, behaviour: Behaviour):
        self.behaviour = behaviour
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or every reply waits 40 ms for its second half

            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                outer._serve(self)

        class Listening(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was killed

        self._http = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            number = len(self.calls)
            self.calls.append(asked)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            say = self.behaviour(asked, number)
            time.sleep(say.seconds)
        finally:
            with self._lock:
                self._now -= 1
        if say.drop:
            handler.close_connection = True
            return
        body = say.body if say.body is not None else _completion(asked, say)
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        try:
            handler.send_response(say.status)
            handler.send_header("Content-Type", "application/json")
            for name, value in say.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(raw) // 2 if say.truncate else len(raw)))
            handler.end_headers()
            handler.wfile.write(raw[: len(raw) // 2] if say.truncate else raw)
        except (BrokenPipeError, ConnectionResetError):
            pass


def _completion(asked: dict[str, Any], say: Say) -> dict[str, Any]:
    words = sum(len(message["content"].split()) for message in asked["messages"])
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": say.text},
    }
    if say.logprobs is not None:
        top = [{"token": t, "logprob": p, "bytes": None} for t, p in say.logprobs.items()]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}], "refusal": None}
    reply = {"id": "x", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": [choice]}
    if say.usage:
        reply["usage"] = {"prompt_tokens": words, "completion_tokens": 2, "total_tokens": words + 2}
    return reply


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Server]:
    server = Server(behaviour)
    try:
        yield server
    finally:
        server.stop()
