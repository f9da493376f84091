"""What is computed once for a collection and kept in the cache: vectors of plain encoders, and indexes."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from heedful.cache import cache_folder
from heedful.errors import Mismatch, Unwritable
from heedful.records import Document
from heedful.systems.protocol import Collection

if TYPE_CHECKING:
    from heedful.index import Index
    from heedful.records import Vector
    from heedful.seams import DocumentEncoder

logger = logging.getLogger("heedful.systems")
_encoding: ContextVar[Callable[[DocumentEncoder], DocumentEncoder] | None] = ContextVar("encoding", default=None)


@contextmanager
def documents_encoded_by(other: Callable[[DocumentEncoder], DocumentEncoder]) -> Iterator[None]:
    """Within, collections are encoded by what this makes of their encoder: one that gives the work to others, say."""
    token = _encoding.set(other)
    try:
        yield
    finally:
        _encoding.reset(token)


def corpus_digest(documents: Iterable[Document]) -> str:
    """A hash of everything about the documents that an encoder may see: ids, titles, texts, sentences, labels."""
    digest = hashlib.sha256()
    for document in documents:
        sentences = [[s.text, s.label] for s in document.sentences]
        digest.update(json.dumps([document.id, document.title, document.text, sentences]).encode())
    return digest.hexdigest()


def cached_vectors(
    collection: Collection, spec: Mapping[str, Any], compute: Callable[[], Vector], rows: int | None = None
) -> Vector:
    """(documents, dim) in the collection's order: from the cache where spec and corpus are the same, else computed.

    rows: how many there are where they are not one a document. A collection without a name is a passing one (the
    candidates of one question) and is not kept.
    """
    if not collection.name:
        return np.ascontiguousarray(compute(), dtype=np.float32)
    key = hashlib.sha256(json.dumps([corpus_digest(collection.documents.values()), dict(spec)]).encode()).hexdigest()
    path = cache_folder() / "vectors" / f"{key[:32]}.npy"
    if path.is_file():
        try:
            found: Vector = np.load(path, allow_pickle=False)
            if len(found) == (len(collection.documents) if rows is None else rows):
                return found
        except (OSError, ValueError):
            logger.warning("%s: is damaged; computed anew", path)
    vectors = np.ascontiguousarray(compute(), dtype=np.float32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.save(file, vectors, allow_pickle=False)
        os.replace(temporary, path)
    except OSError as error:
        raise Unwritable(f"{path}: cannot be written: {error.strerror or error}; set HEEDFUL_CACHE") from error
    return vectors


def open_collection(collection: Collection, encoder: DocumentEncoder) -> Index:
    """The collection's index by that encoder: from the cache where it is there, else built (or its build resumed)."""
    from heedful.index import Index, build_index

    spec = json.dumps(dict(encoder.spec()), sort_keys=True, default=str)
    digest = hashlib.sha256((corpus_digest(collection.documents.values()) + spec).encode()).hexdigest()
    path = cache_folder() / "collections" / digest[:32]
    try:
        if (path / "complete").is_file():
            return Index.open(path)
    except Mismatch as error:  # nothing here that cannot be made again
        logger.warning("%s; made anew", error)
        shutil.rmtree(path)
    logger.info("indexing %d documents of %s into %s", len(collection.documents), collection.name or "a query", path)
    other = _encoding.get()
    build_index(collection.documents.values(), path, encoder if other is None else other(encoder))
    (path / "complete").touch()
    return Index.open(path)
