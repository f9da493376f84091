"""Where reports go: files that a reader sees whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heedful.evaluate.diagnosis import Diagnosis
from heedful.evaluate.report.figures import plain
from heedful.evaluate.report.page import to_html
from heedful.evaluate.report.tables import Table, files_of, latex_text, markdown_text, to_latex, to_markdown
from heedful.evaluate.report.views import tables_of
from heedful.evaluate.trec import write_lines


def write_report(
    diagnosis: Diagnosis, out: Path, topics: Mapping[str, str], record: Iterable[Mapping[str, Any]] = ()
) -> list[Path]:
    """report.html, .json, .md, .tex and delivery.jsonl (the whole delivery record) in `out`. Raises Unwritable."""
    texts = {
        "report.html": to_html(diagnosis, topics),
        "report.json": to_json(diagnosis.as_dict()),
        "report.md": to_markdown_report(diagnosis),
        "report.tex": to_latex_report(diagnosis),
    }
    for name, text in texts.items():
        write_lines(out / name, iter([text]))
    write_lines(out / "delivery.jsonl", (json.dumps(row, ensure_ascii=False) + "\n" for row in record))
    return [out / name for name in (*texts, "delivery.jsonl")]


def to_json(value: Any) -> str:
    """JSON text; NaN is refused."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_markdown_report(diagnosis: Diagnosis) -> str:
    """Verdicts and tables as Markdown."""
    lines = [f"# {markdown_text(diagnosis.benchmark)}: does it heed?", ""]
    for system in diagnosis.systems:
        lines.append(f"**{markdown_text(system.name)}**: {system.kind}. {markdown_text(system.verdict)}")
        lines += ["", *(f"- {markdown_text(sentence)}" for sentence in system.findings), ""]
    return "\n".join([*lines, *(to_markdown(table) for table in tables_of(diagnosis))])


def to_latex_report(diagnosis: Diagnosis) -> str:
    """Verdicts and tables as LaTeX to be input by a document with the package booktabs."""
    lines = [r"% needs \usepackage{booktabs}", r"\begin{description}"]
    lines += [rf"\item[{{{latex_text(system.name)}}}] {latex_text(system.verdict)}" for system in diagnosis.systems]
    return "\n".join([*lines, r"\end{description}", "", *(to_latex(table) for table in tables_of(diagnosis))])


def write_experiment(
    name: str,
    value: Mapping[str, Any],
    sentences: Sequence[str],
    tables: Sequence[Table],
    figure: str | None,
    out: Path,
) -> list[Path]:
    """NAME.json, .md, .tex, a .csv a table, .svg where there is a picture, NAME-manifest.json. Raises Unwritable."""
    texts = {f"{name}{suffix}": text for suffix, text in files_of(tables).items()}
    said = "".join(f"- {markdown_text(sentence)}\n" for sentence in sentences)
    texts[f"{name}.md"] = f"# {markdown_text(name)}\n\n{said}\n{texts[f'{name}.md']}"
    texts[f"{name}.json"] = to_json(value)
    texts[f"{name}-manifest.json"] = to_json(value["manifest"])
    if figure:
        texts[f"{name}.svg"] = plain(figure)
    for file, text in texts.items():
        write_lines(out / file, iter([text]))
    return [out / file for file in texts]
