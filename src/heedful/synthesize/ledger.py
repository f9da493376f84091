"""What is done, on disk: every outcome as it comes, so that a run that was killed at any time goes on from there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heedful.errors import BadInput, Mismatch, StorageFailed, Unwritable
from heedful.synthesize.drafts import Outcome, read_outcome

VERSION = 1


class Ledger:
    """Outcomes by item. One process at a time; each outcome is committed whole or not at all.

    Raises Unwritable, Mismatch (a run with another recipe, or a file that is no ledger), BadInput where another process
    is at work on it, StorageFailed where the disk is full.
    """

    def __init__(self, path: Path, recipe: Mapping[str, Any]):
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=1, check_same_thread=False, isolation_level=None)
            try:
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("BEGIN IMMEDIATE")  # takes the lock, and keeps it
                self._open(recipe)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.close()  # else the lock stays until the object is collected
                raise
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BadInput(
                    f"{path}: another heedful synthesize is at work on it; wait, or give another --out"
                ) from None
            raise Unwritable(f"{path}: the ledger cannot be written: {error}") from error
        except OSError as error:
            raise Unwritable(f"{path}: the ledger cannot be written: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            raise Mismatch(f"{path}: found no ledger of this program ({error}); expected one, or no file") from error

    def _open(self, recipe: Mapping[str, Any]) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise Mismatch(f"{self.path}: found a ledger of version {version}; this Heedful writes {VERSION}")
        self._db.execute("CREATE TABLE IF NOT EXISTS recipe (fields TEXT)")
        self._db.execute("CREATE TABLE IF NOT EXISTS outcomes (key TEXT PRIMARY KEY, position INTEGER, body TEXT)")
        self._db.execute(f"PRAGMA user_version={VERSION}")
        row = self._db.execute("SELECT fields FROM recipe").fetchone()
        if row is None:
            self._db.execute("INSERT INTO recipe VALUES (?)", (json.dumps(recipe, sort_keys=True),))
            return
        kept = json.loads(row[0])
        other = sorted(name for name in {*kept, *recipe} if kept.get(name) != recipe.get(name))
        if other:
            was = ", ".join(f"{name} {_brief(kept.get(name))}" for name in other)
            now = ", ".join(_brief(recipe.get(name)) for name in other)
            raise Mismatch(
                f"{self.path.parent.parent}: found a run with another {was}, now {now}; give another --out (answers "
                "that were paid for are kept and cost nothing again)"
            )

    def begin(self) -> None:
        """A run begins: no outcome has a place in it yet."""
        self._write("UPDATE outcomes SET position = NULL")

    def place(self, key: str, position: int) -> bool:
        """Give the outcome of an item its place in this run; False where there is none."""
        return self._write("UPDATE outcomes SET position = ? WHERE key = ?", position, key) > 0

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, in its place."""
        body = json.dumps(outcome.as_json(), ensure_ascii=False)
        self._write("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", outcome.item.key, outcome.item.position, body)

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes that have a place in this run, in order. Raises Mismatch for a damaged one."""
        for key, body in self._db.execute(
            "SELECT key, body FROM outcomes WHERE position IS NOT NULL ORDER BY position"
        ):
            try:
                yield read_outcome(json.loads(body))
            except (ValueError, TypeError, KeyError) as error:
                raise Mismatch(f"{self.path}: found a damaged outcome under {key}: {error!r}") from error

    def keys(self) -> Iterator[str]:
        """The items that have an outcome."""
        for (key,) in self._db.execute("SELECT key FROM outcomes"):
            yield key

    def __contains__(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM outcomes WHERE key = ?", (key,)).fetchone() is not None

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM outcomes").fetchone()[0])

    def close(self) -> None:
        """Close the file; another process may have it."""
        self._db.close()

    def _write(self, sql: str, *values: object) -> int:
        try:
            return self._db.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise StorageFailed(f"{self.path}: {error}; what was kept before is whole") from error


def _brief(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
