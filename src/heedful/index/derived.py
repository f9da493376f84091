"""What is derived from one version of the table for speed: vectors and titles to map into memory, words, postings.

Never the only copy of anything: `open_derived` makes it again from the table where it is missing, stale or damaged.
A folder `cache/VERSION` holds `row_ids.npy` (n,), `offsets.npy` (n + 1,), `sentences.f2` (total, dim),
`probabilities.f4` (total, aspects), `titles.txt` (one after the other, in UTF-8) with the bytes where each begins in
`titles.npy` (n + 1,), `terms/`, `postings/` and, last of all, `done.json`. Where search is approximate it
also holds the vector columns, `vectors-0.f2` (the whole) and one an aspect, (n, dim) with zeros for an absent aspect:
smaller collections keep them in memory.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heedful.errors import Mismatch, StorageFailed, Unwritable
from heedful.index.bm25 import Postings, write_postings
from heedful.index.claims import is_alive
from heedful.index.manifest import CACHE, Manifest, read_sealed, storage_error, write_sealed
from heedful.index.memory import giving_back
from heedful.index.rows import matrix, vector_column
from heedful.index.store import Store
from heedful.index.terms import TermTable, TermWriter, gather

if TYPE_CHECKING:
    from heedful.records import Vector

_FORMAT = 5
_TEMPORARY, _TRIES = ".tmp", 5
_BATCH = 512
log = logging.getLogger("heedful.index")


class Derived:
    """The derived files of one version, opened."""

    def __init__(self, folder: Path, manifest: Manifest):
        """Raises Mismatch where the folder is not complete or belongs to another version."""
        done = read_sealed(folder / "done.json")
        expected = _stamp(manifest)
        if done != expected:
            raise Mismatch(f"{folder}: derived files for {done}, not {expected}")
        dim, aspects = manifest.encoder["dim"], len(manifest.aspects)
        self._vectors: dict[str, Vector] = {}
        try:
            self.row_ids: NDArray[np.uint64] = np.load(folder / "row_ids.npy", allow_pickle=False)
            self._offsets: NDArray[np.int64] = np.load(folder / "offsets.npy", allow_pickle=False)
            self._sentences = _mapped(folder / "sentences.f2", np.float16, (manifest.sentences, dim))
            self._probabilities = _mapped(folder / "probabilities.f4", np.float32, (manifest.sentences, aspects))
            for number, name in enumerate(_vector_columns(manifest)):
                self._vectors[name] = _mapped(_vectors_file(folder, number), np.float16, (manifest.documents, dim))
            self._title_starts: NDArray[np.int64] = np.load(folder / "titles.npy", allow_pickle=False)
            self._titles = _mapped(folder / "titles.txt", np.uint8, (int(self._title_starts[-1]), 1))
        except (OSError, ValueError) as error:
            raise Mismatch(f"{folder}: derived files cannot be read ({error})") from error
        lengths = {len(self.row_ids), len(self._offsets) - 1, len(self._title_starts) - 1}
        if lengths != {manifest.documents} or self._offsets[-1] != manifest.sentences:
            raise Mismatch(f"{folder}: derived files of another table")
        self.terms = TermTable(folder / "terms", self._offsets)
        self.postings = Postings(folder / "postings", self.terms, manifest.documents)

    def vectors(self, column: str, positions: NDArray[np.int64]) -> Vector:
        """(positions, dim) rows of a vector column, "whole" or an aspect's; zeros where absent. Not of unit length."""
        return self._vectors[column][positions].astype(np.float32)

    def titles(self, positions: NDArray[np.int64]) -> list[str]:
        """The titles of the documents at these positions."""
        spans = zip(self._title_starts[positions].tolist(), self._title_starts[positions + 1].tolist(), strict=True)
        return [self._titles[start:end].tobytes().decode() for start, end in spans]

    def sentences(self, positions: NDArray[np.int64]) -> tuple[Vector, NDArray[np.int64], Vector]:
        """Of the documents at these positions: sentence vectors, offsets, probabilities (see VectorBlock)."""
        rows, offsets = gather(self._offsets, positions)
        return self._sentences[rows].astype(np.float32), offsets, np.asarray(self._probabilities[rows])


def open_derived(folder: Path, manifest: Manifest, store: Store) -> Derived:
    """The derived files of this version; made now where they are missing, in a temporary folder if need be."""
    target = folder / CACHE / str(manifest.version)
    try:
        return Derived(target, manifest)
    except (Mismatch, StorageFailed) as error:
        log.info("making the derived files of version %d (%s)", manifest.version, error)
    try:
        return Derived(build_derived(folder, manifest, store), manifest)
    except (Mismatch, Unwritable, StorageFailed) as error:
        log.warning("%s; the derived files go to a temporary folder for this time", error)
    with tempfile.TemporaryDirectory(prefix="heedful-") as temporary:  # mapped files outlive their names
        return Derived(build_derived(Path(temporary), manifest, store), manifest)


@giving_back()
def build_derived(folder: Path, manifest: Manifest, store: Store) -> Path:
    """Derive everything from the table at the version that the manifest names; the folder it lies in.

    Memory: a batch of rows, the vocabulary and one segment of postings.
    """
    target = folder / CACHE / str(manifest.version)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f"{target.name}.{os.getpid()}."  # by which `prune_derived` sees whether its writer lives
        temporary = Path(tempfile.mkdtemp(prefix=prefix, suffix=_TEMPORARY, dir=target.parent))
    except OSError as error:
        raise storage_error(target, error) from error
    try:
        made = temporary / "made"
        made.mkdir()
        _write(made, manifest, store)
        write_sealed(made / "done.json", _stamp(manifest))
        for _ in range(_TRIES):
            if _is_whole(target, manifest):  # another reader was faster: it may be in use
                return target
            with suppress(FileNotFoundError):
                os.rename(target, temporary / f"old-{uuid.uuid4().hex}")
            with suppress(OSError):  # another reader's, meanwhile
                os.rename(made, target)
                return target
        raise StorageFailed(f"{target}: other processes replace it again and again")
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def prune_derived(folder: Path, keep: set[int]) -> None:
    """Delete the derived files of other versions, and what processes left that were cut off."""
    with suppress(OSError):
        for entry in (folder / CACHE).iterdir():
            if entry.name in {str(version) for version in keep} or _is_being_written(entry.name):
                continue
            shutil.rmtree(entry, ignore_errors=True)


def _is_whole(target: Path, manifest: Manifest) -> bool:
    try:
        Derived(target, manifest)
    except (Mismatch, StorageFailed):
        return False
    return True


def _is_being_written(name: str) -> bool:
    """Whether it is a temporary folder of a process of this machine that lives."""
    writer = name.split(".")[1] if name.endswith(_TEMPORARY) else ""
    return writer.isdigit() and is_alive(int(writer))


def _stamp(manifest: Manifest) -> dict[str, object]:
    return {
        "format": _FORMAT,
        "version": manifest.version,
        "documents": manifest.documents,
        "sentences": manifest.sentences,
        "corpus": manifest.corpus,
        "build": manifest.build,
        "vectors": manifest.ann,
        "encoder": manifest.encoder.get("digest"),
    }


def _vector_columns(manifest: Manifest) -> tuple[str, ...]:
    """The columns that are mapped rather than kept in memory."""
    return ("whole", *manifest.encoder["aspects"]) if manifest.ann else ()


def _vectors_file(folder: Path, number: int) -> Path:
    return folder / f"vectors-{number}.f2"


def _write(folder: Path, manifest: Manifest, store: Store) -> None:
    dim = manifest.encoder["dim"]
    if (rows := store.count()) != manifest.documents:
        raise Mismatch(f"{store.folder}: {rows} rows for the {manifest.documents} documents of its manifest")
    for number, name in enumerate(_vector_columns(manifest)):
        with _vectors_file(folder, number).open("wb") as file:
            for batch in store.scan([vector_column(name)], batch=_BATCH):
                matrix(batch.column(vector_column(name)), dim)[0].tofile(file)
    terms = TermWriter(folder / "terms")
    row_ids = np.zeros(manifest.documents, np.uint64)
    offsets, title_starts = np.zeros((2, manifest.documents + 1), np.int64)
    start = 0
    with (
        (folder / "sentences.f2").open("wb") as vectors,
        (folder / "probabilities.f4").open("wb") as probabilities,
        (folder / "titles.txt").open("wb") as all_titles,
    ):
        wanted = ("title", "sentence_texts", "sentence_vectors", "sentence_probabilities")
        for batch in store.scan(wanted, batch=_BATCH):
            matrix(batch.column("sentence_vectors").flatten(), dim)[0].tofile(vectors)
            batch.column("sentence_probabilities").flatten().to_numpy(zero_copy_only=False).tofile(probabilities)
            end = start + batch.num_rows
            row_ids[start:end] = batch.column("_rowid").to_numpy()
            texts, titles = batch.column("sentence_texts").to_pylist(), batch.column("title").to_pylist()
            encoded = [title.encode() for title in titles]
            all_titles.writelines(encoded)
            offsets[start + 1 : end + 1] = offsets[start] + np.cumsum([len(sentences) for sentences in texts])
            title_starts[start + 1 : end + 1] = title_starts[start] + np.cumsum([len(title) for title in encoded])
            for title, sentences in zip(titles, texts, strict=True):
                terms.add(title, sentences)
            start = end
    terms.finish()
    np.save(folder / "row_ids.npy", row_ids, allow_pickle=False)
    np.save(folder / "offsets.npy", offsets, allow_pickle=False)
    np.save(folder / "titles.npy", title_starts, allow_pickle=False)
    write_postings(folder / "postings", TermTable(folder / "terms", offsets), len(offsets) - 1)


def _mapped(path: Path, dtype: type, shape: tuple[int, int]) -> np.ndarray:
    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
    if path.stat().st_size != size:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, not {size}")
    if size == 0:
        return np.zeros(shape, dtype)
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=shape))
