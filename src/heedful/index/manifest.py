"""The files beside the table: the manifest of the last complete version, the journal of a build under way, the lock."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from heedful.errors import BadInput, HeedfulError, Mismatch, Missing, StorageFailed, Unwritable
from heedful.index.claims import claim
from heedful.index.objects import Location, ObjectPath, names_in, object_error

FORMAT = 1
MANIFEST, JOURNAL, LOCK, CACHE = "manifest.json", "building.json", "lock", "cache"
CLAIMS, LEDGER = "builders", "shards"
IDENTITY = ("name", "digest", "dim", "aspects", "labels")  # of an encoder's spec: what decides


@dataclass(frozen=True, slots=True)
class Column:
    """A metadata column. field: the name it had in the data. type: int, float, string or bool."""

    field: str
    type: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the last complete version of an index holds and how it came to be.

    version: of the table; readers use this one and no later one. documents, sentences: counts. aspects: name ->
    documents that have it. corpus: the sum (mod 2^128) of the first 16 bytes of all
    rows' SHA-256 digests, whatever their order. sources: the files
    that were read, with size, time and digest. ann: whether approximate indexes stand over the vector columns.
    search: for each of these, partitions, probes, the recall at k that they reached when they were chosen, and what
    that is above with 95 % confidence (recall_low).
    recipe: whatever the caller wants kept, and under "scheme" the collection's aspects as AspectScheme gives them.
    build: another for each build, since an index made anew in its place may have this version and corpus too.
    """

    version: int
    documents: int
    sentences: int
    aspects: Mapping[str, int]
    encoder: Mapping[str, Any]
    corpus: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    sources: Sequence[Mapping[str, Any]] = ()
    ann: bool = False
    search: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    built: str = ""
    build: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """SHA-256 over what decides every answer: documents, columns, aspects, encoder. The same for equal indexes."""
        encoder = {key: self.encoder.get(key) for key in IDENTITY}
        columns = {name: asdict(column) for name, column in self.columns.items()}
        return _checksum(
            {"corpus": self.corpus, "encoder": encoder, "columns": columns, "scheme": self.recipe.get("scheme")}
        )


def read_manifest(folder: Location) -> Manifest:
    """The manifest of the last complete version. Missing where there is none, Mismatch where it is damaged."""
    content = read_sealed(folder / MANIFEST)
    if content is None:
        if (folder / JOURNAL).exists():
            raise Missing(
                f"{folder}: the index has never been completed; run the same `heedful index` again, it resumes"
            )
        raise Missing(f"{folder}: no index here (no {MANIFEST}); make one with `heedful index SOURCE --out {folder}`")
    if content.get("format") != FORMAT:
        raise Mismatch(
            f"{folder / MANIFEST}: format {content.get('format')!r}, this version reads {FORMAT}; index again"
        )
    try:
        columns = {name: Column(**column) for name, column in content.pop("columns").items()}
        return Manifest(columns=columns, **content)
    except (TypeError, KeyError, AttributeError) as error:
        raise damaged(folder / MANIFEST, str(error)) from error


def write_manifest(folder: Location, manifest: Manifest) -> None:
    """Write it so that a reader sees the old one or the new one, never a part."""
    write_sealed(folder / MANIFEST, asdict(manifest))


def drop_stale_journal(folder: Location, complete: Manifest) -> None:
    """Delete a journal that is of no use beside a complete index: damaged, or of the build that made it."""
    try:
        journal = read_sealed(folder / JOURNAL)
        stale = journal is not None and journal["base"] != complete.version
    except (Mismatch, KeyError):
        stale = True
    if stale:
        (folder / JOURNAL).unlink(missing_ok=True)


def drop_ledger(folder: Location) -> None:
    """Delete the ledger of a build by shards; entries that a late worker adds meanwhile stay, and do no harm."""
    ledger = folder / LEDGER
    for name in names_in(ledger):
        with suppress(OSError, HeedfulError):
            (ledger / name).unlink(missing_ok=True)
    if isinstance(ledger, Path):
        with suppress(OSError):
            ledger.rmdir()


def damaged(path: Location, found: str) -> Mismatch:
    """The error for a file that is not what was written."""
    return Mismatch(f"{path}: damaged ({found}); restore the folder from a copy, or delete it and index again")


def read_sealed(path: Location) -> dict[str, Any] | None:
    """A JSON object that carries its own checksum; None where there is no file. Mismatch where they disagree."""
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageFailed(f"{path}: cannot be read ({error.strerror})") from error
    try:
        content = json.loads(raw)
        checksum = content.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise damaged(path, "not the JSON that was written") from error
    if checksum != _checksum(content):
        raise damaged(path, "its checksum does not match")
    return dict(content)


def write_sealed(path: Location, content: Mapping[str, Any]) -> None:
    """Write a JSON object with its checksum through a temporary file, flushed to the disk before it is renamed."""
    body = json.dumps({**content, "checksum": _checksum(content)}, ensure_ascii=False, indent=1)
    if isinstance(path, ObjectPath):
        path.write_bytes(body.encode("utf-8"))
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise storage_error(path, error) from error


def _checksum(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def storage_error(path: Location, error: BaseException) -> HeedfulError:
    """The error of ours that stands for an operating system's, or an object store's."""
    if isinstance(path, ObjectPath):
        return object_error(path, error, writing=True)
    text = str(error)
    if "No space left" in text or "os error 28" in text or "quota" in text.lower():
        return StorageFailed(
            f"{path}: the disk is full; the last complete version is intact. Free some space and run the same command "
            "again: it resumes"
        )
    if (
        isinstance(error, (PermissionError, NotADirectoryError, FileExistsError, FileNotFoundError))
        or "Permission denied" in text
    ):
        return Unwritable(f"{path}: cannot be written ({text}); choose another folder with --out")
    if "Read-only file system" in text:
        return Unwritable(f"{path}: the file system is read-only; choose another folder with --out")
    return StorageFailed(f"{path}: writing failed ({text}); the last complete version is intact")


def as_json(value: Any) -> Any:
    """The value as JSON gives it back (tuples become lists), for comparing a live spec with a stored one."""
    return json.loads(json.dumps(value))


def require_same_encoder(folder: Location | str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise Mismatch where the two specs differ in a key that decides whether vectors belong together."""
    given = as_json(given)
    different = [key for key in IDENTITY if stored.get(key) != given.get(key)]
    if different:
        what = "; ".join(f"{key}: {stored.get(key)!r} in the index, {given.get(key)!r} given" for key in different)
        raise Mismatch(f"{folder}: made with another encoder ({what}); use that encoder, or index into another folder")


def prepare_folder(folder: Location) -> None:
    """Make the folder. BadInput where it holds something else, Unwritable where it cannot be made or written."""
    if isinstance(folder, ObjectPath):
        names = {entry.name.partition("/")[0] for entry in folder.walk()}
        if names and not names & {MANIFEST, JOURNAL, CLAIMS}:
            raise BadInput(f"{folder}: not empty, and no index; name a new place with --out")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in folder.iterdir()}
        if names and not names & {MANIFEST, JOURNAL, LOCK}:
            raise BadInput(f"{folder}: not empty, and no index; name a new folder with --out")
        probe = folder / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise storage_error(folder, error) from error


_held: set[str] = set()  # by this process: the system's lock does not keep out another thread
_holding = threading.Lock()


@contextmanager
def build_lock(folder: Location) -> Iterator[Callable[[], None]]:
    """Hold the folder for one builder; the value raises Mismatch where it was lost. BadInput where another holds it.

    On a disk the lock is the operating system's, so it ends with its process, however that ends; the file only says
    who. In object storage it is a claim (see `claims`).
    """
    if isinstance(folder, ObjectPath):
        with claim(folder / CLAIMS) as check:
            yield check
        return
    path, us = folder / LOCK, f"process {os.getpid()} on {socket.gethostname()}"
    own = str(path.resolve())
    with _holding:
        if own in _held:  # asked first: whoever closes the file once more gives its lock away
            raise _being_built(folder, us)
        _held.add(own)
    try:
        with _opened(path) as lock:
            if not _try_lock(lock.fileno()):
                lock.seek(0)
                raise _being_built(folder, lock.read().strip() or "an unknown process")
            with suppress(OSError):  # a full disk keeps nobody from deleting
                lock.truncate(0)
                lock.write(f"{us}\n")
                lock.flush()
            try:
                yield lambda: None
            finally:
                with suppress(OSError):
                    lock.truncate(0)
    finally:
        with _holding:
            _held.discard(own)


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise storage_error(path, error) from error


def _being_built(folder: Path, holder: str) -> BadInput:
    return BadInput(f"{folder}: {holder} is building this index; wait for it, or index into another folder")


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # no such lock on this system: one builder at a time is then the user's care
        return True
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a forked child does not inherit it
    except OSError:
        return False
    return True
