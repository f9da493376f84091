"""Hits in the field's formats: CSV, BibTeX, RIS, TREC run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence

from heedful.explore.results import Exploration, ExploredHit
from heedful.records import Document

_AUTHORS = ("authors", "author")
_VENUES = ("venue", "journal", "booktitle")


def to_csv(exploration: Exploration) -> str:
    """A header and a row a hit; a cell that a spreadsheet would run as a formula is quoted with an apostrophe."""
    metadata = list(dict.fromkeys(name for hit in exploration.hits for name in hit.document.metadata))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["rank", "id", "score", "moved", "title", *metadata, "evidence"])
    for hit in exploration.hits:
        best = hit.evidence[0].sentence if hit.evidence else ""
        values = [hit.document.metadata.get(name) for name in metadata]
        cells = [hit.rank, hit.document.id, f"{hit.score:.6f}", hit.moved, hit.document.title, *values, best]
        writer.writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def to_trec(exploration: Exploration) -> str:
    """A TREC run of one topic, named after the seed; scores fall strictly, so that ranks survive any tie rule."""
    seeds = [exploration.seed] if isinstance(exploration.seed, str) else exploration.seed
    topic, tag = _one_word("+".join(seeds))[:80], _one_word(exploration.system)
    return "".join(
        f"{topic} Q0 {_one_word(hit.document.id)} {hit.rank} {len(exploration.hits) - hit.rank + 1} {tag}\n"
        for hit in exploration.hits
    )


def to_bibtex(exploration: Exploration) -> str:
    """An entry a hit; keys are the ids, made safe and unique."""
    return "\n".join(_bibtex_entry(hit.document, key) for hit, key in _keyed(exploration.hits))


def to_ris(exploration: Exploration) -> str:
    """A record a hit."""
    return "\n".join(_ris_record(hit.document) for hit in exploration.hits)


EXPORTS: dict[str, Callable[[Exploration], str]] = {
    "csv": to_csv,
    "trec": to_trec,
    "bibtex": to_bibtex,
    "ris": to_ris,
}


def _keyed(hits: Sequence[ExploredHit]) -> list[tuple[ExploredHit, str]]:
    used: set[str] = set()
    keyed = []
    for hit in hits:
        base = re.sub(r"[^A-Za-z0-9:.+/-]", "", hit.document.id) or "document"
        key, number = base, 2
        while key in used:
            key, number = f"{base}-{number}", number + 1
        used.add(key)
        keyed.append((hit, key))
    return keyed


def _bibtex_entry(document: Document, key: str) -> str:
    venue = _first(document, _VENUES)
    fields = {
        "title": document.title,
        "author": " and ".join(_authors(document)),
        "year": str(document.metadata.get("year") or ""),
        "journal": venue,
        "doi": _first(document, ("doi",)),
        "url": _first(document, ("url",)),
        "abstract": document.text,
    }
    body = "".join(f"  {name} = {{{_braced(value)}}},\n" for name, value in fields.items() if value)
    return f"@{'article' if venue else 'misc'}{{{key},\n{body}}}\n"


def _ris_record(document: Document) -> str:
    venue = _first(document, _VENUES)
    tags = [("TY", "JOUR" if venue else "GEN"), ("ID", document.id), ("TI", document.title)]
    tags += [("AU", author) for author in _authors(document)]
    tags += [("PY", str(document.metadata.get("year") or "")), ("JO", venue), ("DO", _first(document, ("doi",)))]
    tags += [("UR", _first(document, ("url",))), ("AB", document.text)]
    lines = [f"{tag}  - {' '.join(value.split())}\n" for tag, value in tags if value]
    return "".join(lines) + "ER  - \n"


def _first(document: Document, names: Sequence[str]) -> str:
    return next((str(document.metadata[name]) for name in names if document.metadata.get(name)), "")


def _authors(document: Document) -> list[str]:
    return [author.strip() for author in re.split(r";| and ", _first(document, _AUTHORS)) if author.strip()]


def _one_word(text: str) -> str:
    """The text as one column of a TREC file."""
    return re.sub(r"\s+", "_", text)


def _braced(text: str) -> str:
    """A value that cannot end its braces: lone braces and backslashes are taken out."""
    text = " ".join(text.replace("\\", "").split())
    return text.replace("{", "").replace("}", "")


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
