"""A server over the sample collection and a browser in front of it, once for all tests of the page."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.serve.page.steps import HOSTILE

from heedful import sample
from heedful.corpus import read_documents
from heedful.encode import HashEncoder
from heedful.index import build_index

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over the sample collection and one hostile document."""
    uvicorn = pytest.importorskip("uvicorn")
    pytest.importorskip("fastapi")
    from heedful.serve.app import create_app

    encoder = HashEncoder()
    folder = tmp_path_factory.mktemp("page") / "sample.heed"
    build_index([*read_documents([sample.folder()]), HOSTILE], folder, encoder)
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(folder, encoder=encoder), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{door.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(
    scope="module"
)  # no longer: while it runs, this thread has an event loop, which other tests cannot have
def chromium() -> Iterator[object]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM} (apt-get install chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(site, chromium):
    """Opens pages; at the end, none of them may have complained, left the site or run what a document brought."""
    contexts, pages, complaints = [], [], []

    def open_page(address="", *, width=1280, height=900, scheme="light", expect_faults=False):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: _own(request.url) or complaints.append(f"left the site: {request.url}"))
        page.on("console", lambda said: said.type == "error" and not expect_faults and complaints.append(said.text))
        page.goto(address or site)
        page.wait_for_selector(".found-paper, .hit, .fault")
        contexts.append(context)
        pages.append(page)
        return page

    def _own(address):
        return urlsplit(address).scheme in ("blob", "data") or address.startswith(site)

    yield open_page
    broken = [page.evaluate("window.broken") for page in pages if not page.is_closed()]
    for context in contexts:
        context.close()
    assert not any(broken), "a document's text was run"
    assert complaints == []


@pytest.fixture
def page(visit):
    return visit()
