from __future__ import annotations

from pathlib import Path

import pytest
from tests import tiny


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random BERT."""
    pytest.importorskip("sentence_transformers", reason="training needs sentence-transformers")
    return tiny.bert(tmp_path_factory.mktemp("models") / "bert")
