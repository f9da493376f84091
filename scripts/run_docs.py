"""Run the commands that the documentation shows, and write what they print under them.

A block

    ```console
    $ heedful info sample.heed
    ...
    ```

is run in a fresh folder that holds `sample.heed` (an index of the sample collection) and `sample` (the collection's
own files), page by page, in order. `--check` changes nothing and fails where a command does not exit with 0 (a line
`$ command  # exit 2` expects another exit code).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from heedful import sample

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
MOST_LINES = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="pages; all of docs/ and the README without")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    pages = arguments.pages or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    pages = [page for page in pages if "```console\n$" in page.read_text(encoding="utf-8")]
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(sample.folder(), folder / "sample", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        run("heedful index sample --out sample.heed", folder)
        for page in pages:
            text = page.read_text(encoding="utf-8")
            new = BLOCK.sub(lambda block, page=page: f"```console\n{answered(block[1], folder, page)}```", text)
            failures += new.count("# FAILED")
            if not arguments.check and "# FAILED" not in new:
                page.write_text(new, encoding="utf-8")
    print(f"{len(pages)} pages, {failures} commands failed", file=sys.stderr)
    return int(failures > 0)


def answered(block: str, folder: Path, page: Path) -> str:
    lines = []
    for command in re.findall(r"^\$ (.*(?:\\\n.*)*)$", block, re.MULTILINE):
        expected = int(found[1]) if (found := re.search(r"# exit (\d+)$", command)) else 0
        done = run(command.replace("\\\n", " "), folder)
        lines.append(f"$ {command}")
        output = re.sub(r"\s+$", "", done.stdout + done.stderr, flags=re.MULTILINE).strip("\n")
        shown = output.replace(str(folder), "~").splitlines()
        cut = [*shown[:MOST_LINES], "..."] if len(shown) > MOST_LINES else shown
        lines += cut
        if done.returncode != expected:
            print(f"{page}: {command}: exit {done.returncode}\n{done.stderr[-500:]}", file=sys.stderr)
            lines.append("# FAILED")
    return "\n".join(lines) + "\n"


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "COLUMNS": "100", "HEEDFUL_CACHE": str(folder / "cache")}
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=settings)


if __name__ == "__main__":
    sys.exit(main())
