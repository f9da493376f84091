"""What is promised: public names, and pages for the verbs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import heedful
from heedful.cli.main import VERBS

ROOT = Path(__file__).resolve().parents[1]


def test_every_public_name_is_there_and_documented():
    documented = set(re.findall(r"`heedful\.(\w+)`", (ROOT / "docs/api.md").read_text(encoding="utf-8")))
    assert set(heedful.__all__) - {"__version__"} <= documented
    for name in heedful.__all__:
        assert getattr(heedful, name) is not None


def test_every_verb_has_a_page_in_the_built_documentation():
    pages = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for verb in VERBS:
        assert (ROOT / f"docs/verbs/{verb}.md").is_file(), verb
        assert f"verbs/{verb}.md" in pages, verb


def test_importing_heedful_imports_nothing_heavy():
    code = "import sys, heedful; assert not {'numpy', 'torch', 'lancedb'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
