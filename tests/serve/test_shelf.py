from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import httpx
import pytest
from tests.serve.conftest import SEED, documents, eventually, live

from heedful.encode import HashEncoder
from heedful.errors import Mismatch, Missing
from heedful.index import build_index
from heedful.serve.app import create_app
from heedful.serve.settings import Settings
from heedful.serve.shelf import Shelf
from heedful.serve.work import Work


@pytest.fixture
def own(tmp_path: Path, index: Path) -> Path:
    """A copy of the index that may be changed."""
    return Path(shutil.copytree(index, tmp_path / "own.heed"))


def test_a_rebuilt_index_is_taken_up_and_no_request_fails(own: Path, encoder: HashEncoder):
    app = create_app(own, settings=Settings(concurrent=2, watch=0.05), encoder=encoder)
    statuses: list[int] = []
    stop = threading.Event()

    asked = {"seeds": [SEED], "instruction": "similar method"}

    def ask(address: str) -> None:
        with httpx.Client(base_url=address, timeout=30) as client:
            while not stop.is_set():
                statuses.append(client.post("/api/explore", json=asked).status_code)
                statuses.append(client.get("/api/documents", params={"q": "buses"}).status_code)

    with live(app) as address:
        threads = [threading.Thread(target=ask, args=(address,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for extra in (2, 4):
            build_index(documents(extra), own, encoder, update=True)
            eventually(lambda n=16 + extra: httpx.get(f"{address}/readyz").json()["documents"] == n)
        assert httpx.get(f"{address}/api/documents/extra-3").status_code == 200
        stop.set()
        for thread in threads:
            thread.join()
    assert len(statuses) > 20 and set(statuses) == {200}


def test_an_index_that_was_replaced_as_a_folder_answers_what_began_on_the_old_one(own: Path, encoder: HashEncoder):
    async def test() -> None:
        shelf = Shelf(own, encoder)
        work = Work(Settings(concurrent=1), shelf)
        await shelf.open()
        other = own.with_name("other.heed")
        build_index(documents(3), other, encoder)
        shutil.rmtree(own)
        other.rename(own)
        size, document = await work.run(None, lambda opened: (len(opened.index), opened.document("buses-survey")))
        assert size == 19 and document["id"] == "buses-survey"
        work.close()

    asyncio.run(test())


def test_an_index_that_cannot_be_opened_leaves_the_old_one_in_use(own: Path, encoder: HashEncoder):
    async def test() -> None:
        shelf = Shelf(own, encoder)
        await shelf.open()
        before = shelf.current
        manifest = own / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"documents": 16', '"documents": 17'))
        assert not await shelf.look()
        manifest.unlink()
        assert not await shelf.look()
        assert shelf.current is before and before.document(SEED)["id"] == SEED
        shelf.close()

    asyncio.run(test())


def test_what_is_unchanged_is_not_opened_again(own: Path, encoder: HashEncoder):
    async def test() -> None:
        shelf = Shelf(own, encoder)
        await shelf.open()
        before = shelf.current
        assert not await shelf.look() and shelf.current is before
        shelf.close()

    asyncio.run(test())


def test_no_index_and_another_encoder_are_said_at_the_start(own: Path, tmp_path: Path):
    with pytest.raises(Missing, match="no index here"):
        asyncio.run(Shelf(tmp_path / "nothing", HashEncoder(dim=64)).open())
    with pytest.raises(Mismatch, match="another encoder"):
        asyncio.run(Shelf(own, HashEncoder(dim=32)).open())
