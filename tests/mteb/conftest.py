"""mteb is heavy and not among the development tools: `make test-mteb` installs it into an environment of its own."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("mteb") is None:
        mark = pytest.mark.skip(reason="needs mteb; `make test-mteb` runs these in an environment that has it")
        for item in items:
            if "tests/mteb/" in item.path.as_posix():
                item.add_marker(mark)


@pytest.fixture(scope="session", autouse=True)
def _own_mteb_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """When mteb is imported, it makes its cache's folder."""
    os.environ["MTEB_CACHE"] = str(tmp_path_factory.mktemp("mteb"))
