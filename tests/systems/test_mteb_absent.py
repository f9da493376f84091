"""What is said where mteb is not installed."""

from __future__ import annotations

import pytest

from heedful.errors import Missing
from heedful.systems import mteb


def test_without_mteb_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mteb, "find_spec", lambda name: None)
    with pytest.raises(Missing, match=r"heedful\[mteb\]"):
        mteb.for_mteb("bm25")
