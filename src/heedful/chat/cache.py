"""Answers that were paid for, kept: one SQLite file, shared by runs, algorithms and processes."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

from heedful.chat.values import Answer
from heedful.errors import Mismatch, StorageFailed, Unwritable

VERSION = 1

_PATIENCE = 60.0  # seconds that another process may hold the file


class AnswerCache:
    """Key -> answer. Every answer is committed as it comes in, so a killed process loses only what was in flight.

    Holds hashes of prompts, and answers; neither prompts nor keys. Raises Unwritable, Mismatch for a file that is no
    cache, StorageFailed where an answer cannot be kept.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.OperationalError) as error:
            raise Unwritable(f"{self.path}: the answer cache cannot be opened: {error}") from error
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            raise Unwritable(f"{self.path}: the answer cache cannot be written: {error}") from error
        except sqlite3.DatabaseError as error:
            raise Mismatch(f"{self.path}: not an answer cache ({error}); move it away or name another") from error

    def _prepare(self) -> None:
        """Of processes that open a new file together SQLite refuses some without waiting: they try again."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, VERSION):
                    raise Mismatch(f"{self.path}: an answer cache of version {version}; this Heedful writes {VERSION}")
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS answers "
                    "(key TEXT PRIMARY KEY, model TEXT, answer TEXT, at REAL) WITHOUT ROWID"
                )
                self._db.execute(f"PRAGMA user_version={VERSION}")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def get(self, key: str) -> Answer | None:
        """The answer, marked cached and free; None where there is none."""
        with self._lock:
            row = self._db.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            fields = json.loads(row[0])
            if fields.get("probabilities") is not None:
                fields["probabilities"] = tuple(fields["probabilities"])
            return Answer(**fields | {"cached": True, "cost": 0.0})
        except (ValueError, TypeError) as error:
            raise Mismatch(f"{self.path}: a damaged answer under {key}: {error}") from error

    def put(self, key: str, model: str, answer: Answer) -> None:
        """Keep it; the first answer under a key stays."""
        fields = asdict(replace(answer, cached=False, cost=None))
        try:
            with self._lock:
                self._db.execute(
                    "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)",
                    (key, model, json.dumps(fields, ensure_ascii=False), time.time()),
                )
        except sqlite3.Error as error:
            raise StorageFailed(f"{self.path}: an answer could not be kept: {error}") from error

    def __len__(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
