"""What an exploration gives back: values that print well and turn into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from heedful.explore.evidence import Evidence
from heedful.explore.moves import Heed
from heedful.explore.planning import plan_to_dict
from heedful.records import Document, Plan


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
            f"<td><b>{escape(hit.document.title)}</b><br><code>{escape(hit.document.id)}</code></td>"
            f"<td>{'<br>'.join(_pair_html(pair) for pair in hit.evidence)}</td></tr>"
            for hit in self.hits
        )
        verdict = f" &mdash; {escape(self.heed.verdict)}" if self.heed is not None else ""
        return f"<p>{escape(self.instruction or 'no instruction')}{verdict}</p><table>{head}{rows}</table>"


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


def arrow(moved: int | None) -> str:
    """A move for eyes: ▲3 rose three places, ▼2 fell two, = stayed, new was not ranked before."""
    if moved is None:
        return "new"
    return "=" if moved == 0 else f"{'▲' if moved > 0 else '▼'}{abs(moved)}"


def _pair_html(pair: Evidence) -> str:
    label = escape(pair.aspect or "text")
    return f"<i>{label} {pair.similarity:.2f}</i> {escape(pair.seed_sentence)} &harr; {escape(pair.sentence)}"
