"""An index, opened: search by vector and by text, filters, documents, vectors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heedful.corpus.aspects import AspectScheme
from heedful.encode.labels import unit_rows
from heedful.errors import BadInput, UnknownAspect, UnknownId
from heedful.index.ann import overfetch, probes_for
from heedful.index.block import VectorBlock
from heedful.index.derived import Derived, open_derived, prune_derived
from heedful.index.filters import normalize
from heedful.index.home import home_of
from heedful.index.manifest import Manifest, damaged, read_manifest, require_same_encoder
from heedful.index.objects import Location, locate
from heedful.index.rows import TEXTS, matrix, to_documents, vector_column
from heedful.index.store import TABLE, Store
from heedful.index.suggest import nearest_ids
from heedful.index.terms import TermBlock
from heedful.records import Document, Hit

if TYPE_CHECKING:
    from heedful.records import Vector
    from heedful.seams import DocumentEncoder

_SELECTIVE = 50_000  # a filter that leaves at most so many is searched exactly, whatever the size
_SURPLUS, _WIDEST = 1.25, 20_000  # rows asked for under a filter, of those expected to be enough; the most
_MASKS = 32
_MARGIN = 1e-5  # more than single precision loses in a product of unit vectors


class _Column(NamedTuple):
    """A vector column in memory. rows: (n, dim) float32 unit rows. present: (n,)."""

    rows: Vector
    present: NDArray[np.bool_]


class Index:
    """The last complete version of an index, as it stood when it was opened. Safe to use from several threads."""

    def __init__(self, folder: Location, manifest: Manifest, store: Store):
        self.folder, self.manifest, self._store = folder, manifest, store
        self._lock = threading.RLock()
        self._columns: dict[str, _Column] = {}
        self._masks: OrderedDict[str, NDArray[np.bool_]] = OrderedDict()
        ids: list[str] = []
        row_ids = [np.zeros(0, np.uint64)]
        for batch in store.scan(["id"], batch=65_536):
            ids.extend(batch.column("id").to_pylist())
            row_ids.append(batch.column("_rowid").to_numpy().copy())  # a view would keep the whole batch
        self.ids: tuple[str, ...] = tuple(ids)
        self._row_ids: NDArray[np.uint64] = np.concatenate(row_ids)
        self._position = {id: position for position, id in enumerate(self.ids)}
        if len(self._position) != manifest.documents:
            raise damaged(
                folder / f"{TABLE}.lance", f"{len(self._position)} documents, {manifest.documents} in the manifest"
            )

    @classmethod
    def open(cls, path: Path | str) -> Index:
        """The index in a folder, or at s3://BUCKET/NAME. Missing where there is none, Mismatch where it is damaged."""
        folder = locate(path)
        manifest = read_manifest(folder)
        return cls(folder, manifest, Store.open(folder, manifest.version))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id: object) -> bool:
        return id in self._position

    def __repr__(self) -> str:
        return f"<Index {self.folder}: {len(self)} documents, encoder {self.manifest.encoder.get('name')}>"

    @property
    def aspects(self) -> tuple[str, ...]:
        """The aspects that have a vector column, in the encoder's order."""
        return tuple(self.manifest.encoder["aspects"])

    @cached_property
    def scheme(self) -> AspectScheme:
        """The aspects with their definitions."""
        return AspectScheme.from_json(self.manifest.recipe["scheme"], str(self.folder))

    @property
    def columns(self) -> Mapping[str, str]:
        """Metadata column -> type (int, float, string, bool); a filter may also name id, title and text."""
        return {name: column.type for name, column in self.manifest.columns.items()}

    def load_encoder(self) -> DocumentEncoder:
        """The encoder that the index was built with. Raises Mismatch where the one at hand is another."""
        from heedful.encode import load_encoder

        made = self.manifest.encoder
        encoder = load_encoder(made["name"], labels=made["labels"], scheme=self.scheme)
        self.require_encoder(encoder.spec())
        return encoder

    def require_encoder(self, spec: Mapping[str, Any]) -> None:
        """Raise Mismatch unless this encoder made the index."""
        require_same_encoder(self.folder, self.manifest.encoder, spec)

    def documents(self, ids: Iterable[str]) -> list[Document]:
        """The documents with these ids, in this order, with sentences, labels and metadata. UnknownId."""
        wanted = list(ids)
        if not wanted:
            return []
        rows = self._take(wanted, [*TEXTS, *self.manifest.columns])
        found = to_documents(rows, self.manifest.columns)
        return [found[id] for id in wanted]

    def titles(self, ids: Iterable[str]) -> list[str]:
        """The titles of the documents with these ids, in this order. UnknownId."""
        return self._derived.titles(self._positions(list(ids)))

    def values(self, columns: Sequence[str]) -> pa.Table:
        """Text and metadata columns (title, text, `columns`) of all documents, in the order of `ids`."""
        batches = list(self._store.scan(columns, batch=65_536))
        return pa.Table.from_batches(batches).select(list(columns)) if batches else pa.table({c: [] for c in columns})

    def vectors(self, ids: Iterable[str]) -> VectorBlock:
        """The vectors of the documents with these ids, in this order. UnknownId."""
        wanted = tuple(ids)
        positions = self._positions(wanted)
        whole, aspects = self._gather("whole", positions), {a: self._gather(a, positions) for a in self.aspects}
        return VectorBlock(wanted, whole, aspects, *self._derived.sentences(positions))

    def terms(self, ids: Iterable[str]) -> TermBlock:
        """The words of the documents with these ids, a row a title and a sentence. UnknownId."""
        return self._derived.terms.block(self._positions(list(ids)))

    def terms_of_texts(self, documents: Sequence[tuple[str, Sequence[str]]]) -> TermBlock:
        """The same for documents from elsewhere, each (title, sentences)."""
        return self._derived.terms.of_texts(documents)

    def search(self, vector: Vector, k: int, *, column: str = "whole", where: str | None = None) -> list[Hit]:
        """The k documents nearest by cosine: score down, then id down. Those that lack the aspect are left out.

        vector: (dim,), of any length. column: "whole" or an aspect. where: see `matching`. Equal vectors have equal
        scores, wherever their rows lie. Raises BadInput (k below 1, a vector of another shape),
        UnknownAspect, BadFilter.
        """
        self._check_k(k)
        query = self._query(vector)
        if column not in ("whole", *self.aspects):
            raise UnknownAspect(column, self.aspects)
        mask = None if where is None else self._mask(where)
        if not self.manifest.ann or (mask is not None and int(mask.sum()) <= _SELECTIVE):
            return self._exact(query, k, column, mask)
        return self._approximate(query, k, column, where, mask)

    def search_text(self, text: str, k: int, *, where: str | None = None) -> list[Hit]:
        """The k best documents by BM25 over title and text; only those that share a word with the text. BadFilter."""
        self._check_k(k)
        scores = self._derived.postings.scores(text)
        matched = scores > 0
        if where is not None:
            matched &= self._mask(where)
        keep = np.flatnonzero(matched)
        return self._top(keep, scores[keep], k)

    def score_text(self, text: str, ids: Iterable[str]) -> Vector:
        """(ids,) the BM25 score of just these, as `search_text` gives it; 0 where no word matches. UnknownId."""
        return self._derived.postings.scores_of(text, self._positions(list(ids)))

    def matching(self, where: str, ids: Iterable[str] | None = None) -> frozenset[str]:
        """The ids (of all, or of these) whose row fits a boolean SQL expression over `columns`, id, title and text.

        A null fits no comparison; `IS NULL` finds it. Raises BadFilter.
        """
        mask = self._mask(where)
        if ids is None:
            return frozenset(self.ids[at] for at in np.flatnonzero(mask))
        return frozenset(id for id in ids if id in self._position and mask[self._position[id]])

    @cached_property
    def _rank_of_id(self) -> NDArray[np.int64]:
        """(n,) the place of each id among all, ascending."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return places

    @cached_property
    def _order_of_rows(self) -> NDArray[np.int64]:
        """(n,) positions by ascending row id."""
        return np.argsort(self._row_ids)

    @property
    def _derived(self) -> Derived:
        with self._lock:
            if "_opened" not in self.__dict__:
                home = home_of(self.folder)
                self._opened = open_derived(home, self.manifest, self._store)
                if not isinstance(self.folder, Path):  # nobody else deletes those of the versions before
                    prune_derived(home, {self.manifest.version})
            return self._opened

    def _take(self, ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """Columns of the rows with these ids, each once, in no particular order. UnknownId."""
        return self._store.take(np.unique(self._row_ids[self._positions(ids)]).tolist(), columns)

    def _positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        try:
            return np.fromiter((self._position[id] for id in ids), np.int64, len(ids))
        except KeyError as error:
            id = str(error.args[0])
            raise UnknownId(id, nearest_ids(id, self.ids)) from None

    def _check_k(self, k: int) -> None:
        if k < 1:
            raise BadInput(f"k is {k}; ask for at least 1 document (more than the collection holds gives all of it)")

    def _query(self, vector: Vector) -> Vector:
        query = np.asarray(vector, np.float32)
        dim = self.manifest.encoder["dim"]
        if query.shape != (dim,) or not np.isfinite(query).all():
            raise BadInput(f"a query vector of shape {query.shape}; expected ({dim},), every value finite")
        length = float(np.linalg.norm(query))
        return query / np.float32(length) if length else query

    def _mask(self, where: str) -> NDArray[np.bool_]:
        """(n,) the rows that fit."""
        sql = normalize(where, ["id", "title", "text", *self.manifest.columns])
        with self._lock:
            if sql not in self._masks:
                fitting = [np.zeros(0, np.uint64)]
                fitting += [rows.column("_rowid").to_numpy() for rows in self._store.scan(["id"], where=sql)]
                self._masks[sql] = np.isin(self._row_ids, np.concatenate(fitting))
                if len(self._masks) > _MASKS:
                    self._masks.popitem(last=False)
            return self._masks[sql]

    def _column(self, name: str) -> _Column:
        """A vector column, read when it is first needed and kept."""
        with self._lock:
            if name not in self._columns:
                dim = self.manifest.encoder["dim"]
                rows, present = np.zeros((len(self), dim), np.float32), np.zeros(len(self), bool)
                start = 0
                for batch in self._store.scan([vector_column(name)], batch=8192):
                    part = slice(start, start + batch.num_rows)
                    values, present[part] = matrix(batch.column(vector_column(name)), dim)
                    rows[part] = unit_rows(values.astype(np.float32))
                    start += batch.num_rows
                self._columns[name] = _Column(rows, present)
            return self._columns[name]

    def _gather(self, name: str, positions: NDArray[np.int64]) -> Vector:
        """(positions, dim) unit rows of a vector column, zeros where absent: from memory, or mapped."""
        if self.manifest.ann:
            return unit_rows(self._derived.vectors(name, positions))
        return self._column(name).rows[positions]

    def _exact(self, query: Vector, k: int, column: str, mask: NDArray[np.bool_] | None) -> list[Hit]:
        if self.manifest.ann and mask is not None:
            keep = np.flatnonzero(mask)
            rows = self._gather(column, keep)
            keep, rows = keep[rows.any(axis=1)], rows[rows.any(axis=1)]
            return self._top(keep, _cosines(rows, query), k)
        rows, present = self._column(column)
        keep = np.flatnonzero(present if mask is None else present & mask)
        keep = keep[_best((rows @ query)[keep], k, margin=_MARGIN)]
        return self._top(keep, _cosines(rows[keep], query), k)

    def _approximate(
        self, query: Vector, k: int, column: str, where: str | None, mask: NDArray[np.bool_] | None
    ) -> list[Hit]:
        search, share = self.manifest.search.get(column, {}), 1.0 if mask is None else float(mask.mean())
        if not self.manifest.aspects.get(column, 1):
            return []
        probes = probes_for(search, k / share)
        wanted = min(overfetch(k), len(self))
        if where is None or mask is None:
            positions = self._near(query, column, wanted, None, probes)
        else:
            positions = self._near_that_fit(query, column, wanted, where, mask, probes)
        vectors = self._gather(column, positions)  # not their codes
        there = vectors.any(axis=1)
        return self._top(positions[there], _cosines(vectors[there], query), k)

    def _near_that_fit(
        self, query: Vector, column: str, wanted: int, where: str, mask: NDArray[np.bool_], probes: int
    ) -> NDArray[np.int64]:
        """Of so many more that enough of them should fit; where too few do, the engine evaluates the filter first."""
        more = int(_SURPLUS * wanted * len(self) / mask.sum())
        if more <= _WIDEST:
            positions = self._near(query, column, min(more, len(self)), None, probes)
            positions = positions[mask[positions]]
            if len(positions) >= wanted:
                return positions
        sql = normalize(where, ["id", "title", "text", *self.manifest.columns])
        return self._near(query, column, wanted, sql, probes)

    def _near(self, query: Vector, column: str, k: int, sql: str | None, probes: int) -> NDArray[np.int64]:
        """(about k,) the positions of what the approximate index finds."""
        found = self._store.nearest(vector_column(column), query, k, sql, probes)
        order = self._order_of_rows
        return np.asarray(order[np.searchsorted(self._row_ids, found.column("_rowid").to_numpy(), sorter=order)])

    def _top(self, positions: NDArray[np.int64], scores: NDArray[Any], k: int) -> list[Hit]:
        """The k best of these positions: score down, then id down."""
        near = _best(scores, k)
        positions, scores = positions[near], scores[near]
        order = np.lexsort((-self._rank_of_id[positions], -scores))[:k]
        return [Hit(self.ids[positions[at]], float(scores[at])) for at in order]


def _best(scores: NDArray[Any], k: int, margin: float = 0.0) -> NDArray[np.int64]:
    """Where the k best scores are, with all that equal the last of them up to a margin; in no order."""
    if len(scores) <= k:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k] - margin)


def _cosines(rows: Vector, query: Vector) -> NDArray[np.float64]:
    """(n,) row by row in double precision: a matrix product's last bits depend on where a row lies."""
    return np.asarray((rows.astype(np.float64) * query.astype(np.float64)).sum(axis=1))
