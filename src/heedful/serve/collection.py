"""One version of an index, opened for serving: what it holds, and finding a document by its title."""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heedful import __version__
from heedful.errors import UnknownId
from heedful.explore import Explorer
from heedful.explore.start import start_from_text
from heedful.index import Index
from heedful.records import Document
from heedful.systems.sentences import aspect_names

if TYPE_CHECKING:
    from heedful.seams import DocumentEncoder

_FEW = 60  # distinct values up to which a column is listed
_ABSTRACT = 240


class Collection:
    """An explorer with the columns that the server answers from. Made in a thread; then read by many."""

    def __init__(self, index: Index, encoder: DocumentEncoder | None = None):
        self.explorer = Explorer(index, encoder)
        self.index = index
        columns = index.values(["title", *index.columns])
        self._titles: pa.ChunkedArray = pc.utf8_lower(columns.column("title").cast(pa.large_string()))
        self.columns = [_describe(name, type, columns.column(name)) for name, type in index.columns.items()]

    @classmethod
    def open(cls, path: Path | str, encoder: DocumentEncoder | None = None) -> Collection:
        """Raises Missing where there is no index, Mismatch where it is damaged."""
        return cls(Index.open(path), encoder)

    def warm(self) -> None:
        """Load what a first request would else wait for: the encoder, the vectors, the postings."""
        if len(self.index):
            self.explorer.explore(self.index.ids[0], f"similar {self.index.aspects[0]}", k=1)
            self.explorer.explore(text="One begins. Another follows. The last ends.", k=1)

    def info(self) -> dict[str, Any]:
        """What the collection holds, JSON-ready."""
        kept = self.index.manifest
        definitions = self.explorer.scheme.definitions
        return {
            "name": Path(str(self.index.folder)).resolve().name,
            "documents": len(self.index),
            "aspects": [
                {"name": name, "definition": definitions.get(name, ""), "documents": kept.aspects.get(name, 0)}
                for name in self.index.aspects
            ],
            "columns": self.columns,
            "encoder": str(kept.encoder.get("name", "")),
            "version": kept.version,
            "digest": kept.digest,
            "built": kept.built,
            "heedful": __version__,
        }

    def find(self, text: str, limit: int) -> list[Document]:
        """Documents whose title has all these words (titles that begin with them first), then those that speak of them.

        An id finds its document.
        """
        wanted = text.strip().lower()
        if not wanted:
            return self.index.documents(self.index.ids[:limit])
        found = [text.strip()] if text.strip() in self.index else []
        places = self._with_words(wanted.split())
        titles = [(str(self._titles[int(place)]), int(place)) for place in places[: 20 * limit]]
        titles.sort(key=lambda pair: (not pair[0].startswith(wanted), wanted not in pair[0], len(pair[0]), pair[0]))
        found += [self.index.ids[place] for _, place in titles]
        if len(found) < limit:
            found += [hit.id for hit in self.index.search_text(text, limit)]
        return self.index.documents(list(dict.fromkeys(found))[:limit])

    def known(self, ids: Sequence[str]) -> list[Document]:
        """The documents of these ids, in order; an id that is not there is left out."""
        return self.index.documents([id for id in ids if id in self.index])

    def document(self, id: str) -> dict[str, Any]:
        """A document with the aspect of each sentence, JSON-ready. Raises UnknownId."""
        (document,) = self.index.documents([id])
        return self.described([document])[0]

    def described(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        """Documents with their sentences: text, aspect ("" for none), how sure that is, offsets in the text."""
        block = self.index.vectors([document.id for document in documents])
        names = self.index.aspects
        described = []
        for place, document in enumerate(documents):
            rows = block.probabilities[int(block.offsets[place]) : int(block.offsets[place + 1])]
            described.append(
                {
                    "id": document.id,
                    "title": document.title,
                    "text": document.text,
                    "sentences": _sentences(document, rows, names),
                    "metadata": dict(document.metadata),
                }
            )
        return described

    def labelled(self, text: str) -> list[dict[str, Any]]:
        """The sentences of a text from elsewhere, as `described` gives those of a document; none of a short text."""
        start = start_from_text(self.index, self.explorer.encoder, text)
        if start.block is None:
            return []
        return _sentences(start.documents[0], start.block.vectors.probabilities, self.index.aspects)

    def _with_words(self, words: Sequence[str]) -> np.ndarray:
        mask: Any = None
        for word in words[:20]:
            there = pc.match_substring(self._titles, word)
            mask = there if mask is None else pc.and_(mask, there)
        return np.flatnonzero(np.asarray(mask))


def _sentences(document: Document, probabilities: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
    aspects = aspect_names(probabilities, names)
    return [
        {
            "text": sentence.text,
            "aspect": aspect,
            "probability": round(float(row.max()), 4) if aspect else None,
            "label": sentence.label,
            "start": sentence.start,
            "end": sentence.end,
        }
        for sentence, aspect, row in zip(document.sentences, aspects, probabilities, strict=True)
    ]


def listed(document: Document) -> dict[str, Any]:
    """A document as a line of a list."""
    text = document.text
    short = text if len(text) <= _ABSTRACT else f"{text[:_ABSTRACT].rsplit(' ', 1)[0]}…"
    return {"id": document.id, "title": document.title, "text": short, "metadata": dict(document.metadata)}


def unknown(collection: Collection, id: str) -> UnknownId:
    """The error for an id that is not there, with its neighbours."""
    try:
        collection.index.documents([id])
    except UnknownId as error:
        return error
    raise AssertionError(id)


def as_json(value: Any) -> bytes:
    """Compact UTF-8 JSON; NaN is refused rather than sent."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _describe(name: str, type: str, values: pa.ChunkedArray) -> dict[str, Any]:
    """A metadata column: its type, how many documents lack it, the range of numbers, the values where they are few."""
    counted = pc.value_counts(values.drop_null()).to_pylist()
    counts = sorted(((row["values"], row["counts"]) for row in counted), key=itemgetter(0))
    number = type in ("int", "float")
    few = len(counts) <= _FEW and type != "float"
    return {
        "name": name,
        "type": type,
        "absent": values.null_count,
        "distinct": len(counts),
        "values": [{"value": value, "documents": count} for value, count in counts] if few else None,
        "low": counts[0][0] if number and counts else None,
        "high": counts[-1][0] if number and counts else None,
    }
