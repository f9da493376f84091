"""The data card of a set: a README.md that the Hugging Face hub reads, licences of the sources carried along."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heedful.errors import Unwritable

_HUB = {  # how the hub writes what people write
    "cc0-1.0": "cc0-1.0",
    "cc0": "cc0-1.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0",
    "cc-by-nc-sa-3.0": "cc-by-nc-sa-3.0",
    "apache-2.0": "apache-2.0",
    "mit": "mit",
}
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|])")


def write_card(folder: Path, counts: Mapping[str, Any], findings: Sequence[str] = (), probes: str = "") -> Path:
    """`README.md` in a set's folder, whole or as it was. counts: as an audit has them. Raises Unwritable."""
    path = folder / "README.md"
    temporary = path.with_name("README.md.tmp")
    try:
        temporary.write_text(to_card(counts, findings, probes), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise Unwritable(f"{path}: found {error.strerror}; expected a folder that can be written") from None
    return path


def to_card(counts: Mapping[str, Any], findings: Sequence[str] = (), probes: str = "") -> str:
    """The card's text."""
    licences, splits = counts["licences"], {name: n for name, n in counts["splits"].items() if n}
    known = [_HUB.get(name.lower().replace(" ", "-"), "other") for name in licences]
    licence = known[0] if len(set(known)) == 1 and known else "other"
    lines = [
        "---",
        f"license: {licence}",
        "task_categories:",
        "- text-retrieval",
        "- sentence-similarity",
        "tags:",
        "- instruction-following",
        "- triplets",
        f"size_categories:\n- {_size(counts['rows'])}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *(f"  - split: {name}\n    path: data/{name}-*.parquet" for name in splits),
        "---",
        "",
        "# Instruction-following triplets",
        "",
        f"{counts['rows']:,} rows: an instruction, a query, a passage that satisfies both, and passages that satisfy "
        "another instruction or another query instead. Made by Heedful.",
        "",
        *_table("split", splits),
        *_table("what the instruction asks", counts["kinds"]),
        *_table("aspect", counts["aspects"]),
        *_table("kind of negative", counts["negatives"]),
        *_table("generator", counts["generators"]),
        *_table("validator", counts["validators"]),
        "## Licence",
        "",
        "The texts stay under the licences of their sources, which every row names in its column `licence`:",
        "",
        *(f"- {_plain(name)}: {rows:,} rows" for name, rows in licences.items()),
        "",
        "## How it was checked",
        "",
        probes or "Run `heedful audit` on it for shortcuts, leakage and duplicates.",
        "",
        *(f"- {_plain(finding)}" for finding in findings),
        "",
        "## Columns",
        "",
        "`instruction`, `query`, `positive_id`, `positive_title`, `positive_text`; `negatives`, each with `id`, "
        "`title`, `text`, `kind`, the `instruction` or `query` that it does satisfy, and `origin`; then where the row "
        "comes from: `kind`, `group` (rows that reuse one another's passages), `seed`, `aspect`, `sources` (ids), "
        "`generator`, `validator`, `templates`, `verdicts`, `cost_usd`, `licence`, `details` (JSON) and `split`. No "
        "passage stands in two splits.",
        "",
    ]
    return "\n".join(lines)


def _table(name: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    return [f"| {name} | rows |", "| --- | --- |", *(f"| {_plain(key)} | {n:,} |" for key, n in counts.items()), ""]


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _size(rows: int) -> str:
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for most, name in bounds if rows < most), "1M<n<10M")
