"""What an exploration gives back: values that print well and turn into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any

from heedful.errors import Missing
from heedful.explore.evidence import Evidence
from heedful.explore.moves import Heed
from heedful.explore.planning import plan_to_dict
from heedful.records import Document, Plan

_EVIDENCE = ("aspect", "similarity", "seed_sentence", "sentence")
_LEFT = 'style="text-align: left"'


@dataclass(frozen=True, slots=True)
class ExploredHit:
    """One hit, with its reasons.

    rank: from 1. score, parts: candidate standard deviations. moved: places gained against the uninstructed ranking,
    above 0 it rose. duplicates: ids with a near-identical title, folded into this hit.
    """

    rank: int
    document: Document
    score: float
    parts: Mapping[str, float]
    evidence: tuple[Evidence, ...]
    moved: int | None
    duplicates: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The document's id."""
        return self.document.id

    @property
    def title(self) -> str:
        """The document's title."""
        return self.document.title

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        value = {
            "rank": self.rank,
            "id": self.id,
            "score": round(self.score, 6),
            "title": self.document.title,
            "parts": {name: round(part, 4) for name, part in self.parts.items()},
            "evidence": [pair.to_dict() for pair in self.evidence],
            "moved": self.moved,
        }
        return {**value, "duplicates": list(self.duplicates)} if self.duplicates else value


@dataclass(frozen=True, slots=True)
class Exploration:
    """The hits of one start under one instruction.

    heed: None where nothing was asked. ranking: the ids of all candidates, best first, before titles fold.
    """

    seed: str | list[str]
    instruction: str
    plan: Plan
    system: str
    hits: tuple[ExploredHit, ...]
    heed: Heed | None
    warnings: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    ranking: tuple[str, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "seed": self.seed,
            "instruction": self.instruction,
            "plan": plan_to_dict(self.plan),
            "system": self.system,
            "hits": [hit.to_dict() for hit in self.hits],
            "heed": None if self.heed is None else self.heed.to_dict(),
            "warnings": list(self.warnings),
            "manifest": dict(self.manifest),
        }

    def rows(self) -> list[dict[str, Any]]:
        """A flat row a hit: rank, id, title, score, moved, `part_NAME` for each part, the best evidence, metadata.

        Metadata keep their names, with `meta_` before one that a column has already.
        """
        rows = []
        for hit in self.hits:
            best = hit.evidence[0].to_dict() if hit.evidence else dict.fromkeys(_EVIDENCE)
            row: dict[str, Any] = {
                "rank": hit.rank,
                "id": hit.id,
                "title": hit.title,
                "score": hit.score,
                "moved": hit.moved,
                **{f"part_{name}": value for name, value in hit.parts.items()},
                **{name: best[name] for name in _EVIDENCE},
            }
            own = {f"meta_{name}" if name in row else name: value for name, value in hit.document.metadata.items()}
            rows.append(row | own)
        return rows

    def to_pandas(self) -> Any:
        """`rows` as a pandas.DataFrame; `moved` is a nullable integer. Raises Missing without pandas."""
        pandas = _imported("pandas")
        frame = pandas.DataFrame(self.rows())
        return frame.astype({"moved": "Int64"}) if len(frame) else frame

    def to_polars(self) -> Any:
        """`rows` as a polars.DataFrame. Raises Missing without polars."""
        return _imported("polars").DataFrame(self.rows(), infer_schema_length=None, strict=False)

    def __str__(self) -> str:
        lines = [self.instruction or "no instruction"]
        if self.heed is not None:
            lines[0] += f"  [{self.heed.verdict}]"
        for hit in self.hits:
            lines.append(f"{hit.rank:>3} {arrow(hit.moved):>5}  {hit.document.id}  {hit.document.title}")
            lines += [f"             {pair.aspect or 'text'}: {pair.sentence}" for pair in hit.evidence[:1]]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "<tr><th>rank</th><th>moved</th><th>document</th><th>evidence</th></tr>"
        rows = "".join(
            f"<tr><td>{hit.rank}</td><td>{arrow(hit.moved)}</td>"
            f"<td {_LEFT}><b>{escape(hit.title)}</b><br><code>{escape(hit.id)}</code> {_year(hit.document)}</td>"
            f"<td {_LEFT}>{'<br>'.join(_pair_html(pair) for pair in hit.evidence)}</td></tr>"
            for hit in self.hits
        )
        verdict = f" &mdash; {escape(self.heed.verdict)}, gain {self.heed.gain:+.2f}" if self.heed is not None else ""
        said = "".join(f"<p>&#9888; {escape(warning)}</p>" for warning in self.warnings)
        return f"<p>{escape(self.instruction or 'no instruction')}{verdict}</p>{said}<table>{head}{rows}</table>"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One start under several instructions: how the documents move between them."""

    explorations: tuple[Exploration, ...]

    def rows(self) -> list[tuple[Document, tuple[int | None, ...]]]:
        """Each document that any instruction shows, with its rank under each (None: not shown); best first."""
        ranks: dict[str, list[int | None]] = {}
        documents: dict[str, Document] = {}
        for column, exploration in enumerate(self.explorations):
            for hit in exploration.hits:
                documents[hit.document.id] = hit.document
                ranks.setdefault(hit.document.id, [None] * len(self.explorations))[column] = hit.rank
        order = sorted(ranks, key=lambda id: (min(rank for rank in ranks[id] if rank is not None), id))
        return [(documents[id], tuple(ranks[id])) for id in order]

    def to_pandas(self) -> Any:
        """A pandas.DataFrame: a row a document, a column of ranks an instruction. Raises Missing without pandas."""
        ranks = {name: [row[1][n] for row in self.rows()] for n, name in enumerate(self._names())}
        return _imported("pandas").DataFrame(self._documents() | ranks).astype(dict.fromkeys(ranks, "Int64"))

    def to_polars(self) -> Any:
        """The same as a polars.DataFrame. Raises Missing without polars."""
        ranks = {name: [row[1][n] for row in self.rows()] for n, name in enumerate(self._names())}
        return _imported("polars").DataFrame(self._documents() | ranks)

    def _documents(self) -> dict[str, Any]:
        documents = [document for document, _ in self.rows()]
        return {"id": [document.id for document in documents], "title": [document.title for document in documents]}

    def _names(self) -> list[str]:
        """A column's name for each instruction; one that is taken already gets its number."""
        names: list[str] = []
        for number, each in enumerate(self.explorations, start=1):
            name = each.instruction or "no instruction"
            names.append(f"{name} ({number})" if name in ("id", "title", *names) else name)
        return names

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: the explorations, and a row a document with its rank under each instruction."""
        return {
            "seed": self.explorations[0].seed,
            "instructions": [exploration.instruction for exploration in self.explorations],
            "explorations": [exploration.to_dict() for exploration in self.explorations],
            "ranks": [
                {"id": document.id, "title": document.title, "ranks": list(ranks)} for document, ranks in self.rows()
            ],
        }

    def __str__(self) -> str:
        lines = [f"({number}) {each.instruction}" for number, each in enumerate(self.explorations, start=1)]
        for document, ranks in self.rows():
            shown = " ".join(f"{'-' if rank is None else rank:>4}" for rank in ranks)
            lines.append(f"{shown}  {document.id}  {document.title}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(each.instruction or 'no instruction')}</th>" for each in self.explorations)
        rows = "".join(
            f"<tr>{''.join(f'<td>{rank or str()}</td>' for rank in ranks)}<td>{escape(document.title)}</td></tr>"
            for document, ranks in self.rows()
        )
        return f"<table><tr>{head}<th>document</th></tr>{rows}</table>"


def _imported(package: str) -> Any:
    """A package that is not needed otherwise. Raises Missing."""
    try:
        return import_module(package)
    except ImportError as error:
        raise Missing(f"the package {package} is not installed; pip install {package}") from error


def _year(document: Document) -> str:
    return escape(str(document.metadata.get("year") or ""))


def arrow(moved: int | None) -> str:
    """A move for eyes: ▲3 rose three places, ▼2 fell two, = stayed, new was not ranked before."""
    if moved is None:
        return "new"
    return "=" if moved == 0 else f"{'▲' if moved > 0 else '▼'}{abs(moved)}"


def _pair_html(pair: Evidence) -> str:
    label = escape(pair.aspect or "text")
    return f"<i>{label} {pair.similarity:.2f}</i> {escape(pair.seed_sentence)} &harr; {escape(pair.sentence)}"
