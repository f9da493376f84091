from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from heedful.encode import HashEncoder
from heedful.index import build_index
from heedful.records import Document, Sentence
from heedful.serve.app import create_app
from heedful.serve.settings import Settings

TOPICS = {
    "reefs": "Coral reefs bleach when the sea warms",
    "buses": "City buses run late and riders wait",
    "letters": "Old letters in archives fade",
    "nurses": "Nurses write triage notes in haste",
    "bees": "Hives lose workers in winter",
}
METHODS = {
    "kernel": "A Gaussian kernel smooths every count over space",
    "survey": "This survey reviews forty studies and sorts them",
    "crowd": "Volunteers label short clips and a vote settles each",
}
SEED = "reefs-kernel"
HOSTILE = "../../etc/<script>alert(1)</script>"


def documents(extra: int = 0) -> Iterator[Document]:
    for t, (topic, background) in enumerate(TOPICS.items()):
        for m, (method, how) in enumerate(METHODS.items()):
            sentences = (
                Sentence(f"{background} in case {m}.", "background"),
                Sentence(f"{how} for case {t}.", "method"),
                Sentence(f"Errors fell by {10 * t + m} percent.", "result"),
            )
            text = " ".join(sentence.text for sentence in sentences)
            metadata = {
                "year": 2010 + t + m,
                "venue": "Field & Stream",
                "rating": 0.5 + t,
                "authors": "Ada Lee; Bo Chan",
            }
            yield Document(f"{topic}-{method}", f"On {topic} by {method}", text, sentences, metadata)
    said = "Reefs say <img src=x onerror=alert(1)>. A kernel runs ](javascript:alert(1)). Nothing fell \x00 here."
    yield Document(HOSTILE, "<script>alert('title')</script> =cmd()", said, metadata={"venue": "'; DROP TABLE x --"})
    for n in range(extra):
        yield Document(f"extra-{n}", f"Extra {n} by kernel", f"Reefs again {n}. A kernel smooths. Errors fell.")


@pytest.fixture(scope="session")
def encoder() -> HashEncoder:
    return HashEncoder(dim=64)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, encoder: HashEncoder) -> Path:
    folder = tmp_path_factory.mktemp("serve") / "papers.heed"
    build_index(documents(), folder, encoder)
    return folder


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(concurrent=2, watch=0.1)


@pytest.fixture(scope="session")
def client(index: Path, encoder: HashEncoder, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(index, settings=settings, encoder=encoder)) as made:
        yield made


@contextlib.contextmanager
def live(app: FastAPI) -> Iterator[str]:
    """The app behind a real socket, in a thread; its address."""
    bound = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never did"
        time.sleep(0.02)
