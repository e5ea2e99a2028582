"""The service's own SQLite file: opened, brought to the newest form, written by one thread.

An effect and the inbox row of its event are one transaction, so that a repeat has none."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds that a writer waits for another.
BUSY = 5.0

#: Seconds that the id of an event is remembered.
INBOX_KEPT = 7 * 24 * 3_600

#: Seconds between two looks for ids that may be forgotten.
PRUNED_EVERY = 3_600

#: Each brings the file one form further, statement by statement (so a `;` ends one, in a comment
#: too). One that was released is never changed.
MIGRATIONS = (
    """
    CREATE TABLE inbox (
        event TEXT PRIMARY KEY,
        received INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX inbox_by_age ON inbox (received);
    -- What an account has bought, the newest with the highest `bought`.
    CREATE TABLE purchase (
        account TEXT NOT NULL,
        sku TEXT NOT NULL,
        bought INTEGER NOT NULL,
        PRIMARY KEY (account, sku)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX purchase_newest ON purchase (account, bought);
    -- How many accounts have bought both. Each pair stands here in both orders.
    CREATE TABLE together (
        sku TEXT NOT NULL,
        other TEXT NOT NULL,
        accounts INTEGER NOT NULL,
        PRIMARY KEY (sku, other)
    ) STRICT, WITHOUT ROWID;
    """,
)


class Unopened(Exception):
    """The file could not be opened or made."""


class NewerDatabase(Exception):
    """The file was written by a newer version of this service."""


def open_file(folder: Path) -> sqlite3.Connection:
    """Opens the file in `folder`, made where it is not there, in its newest form. The connection
    belongs to one thread at a time."""
    path = folder / "recommendations.db"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, BUSY, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as why:
        raise _unopened(path, why) from why
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A commit is on disk before the event's offset is committed.
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, path)
    except sqlite3.Error as why:
        connection.close()
        raise _unopened(path, why) from why
    except BaseException:
        connection.close()
        raise
    return connection


def _unopened(path: Path, why: Exception) -> Unopened:
    return Unopened(f"cannot open the database {path}: {why}; set DATA_DIR to a writable folder")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    with writing(connection):
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        if form > len(MIGRATIONS):
            raise NewerDatabase(
                f"{path} has form {form}, this version knows {len(MIGRATIONS)}: start the newer one"
            )
        for number, migration in enumerate(MIGRATIONS[form:], form + 1):
            for statement in migration.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class Inbox:
    """Which events are done, for as long as they may come again."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._now = now
        self._pruned = float("-inf")

    def first_time(self, event: str) -> bool:
        """Remembers the event, within the transaction of its effect; whether it was new."""
        row = (event, int(self._now()))
        done = self._connection.execute("INSERT OR IGNORE INTO inbox VALUES (?, ?)", row)
        return done.rowcount == 1

    def prune(self) -> None:
        """Forgets what is old, at most once an hour."""
        now = self._now()
        if now - self._pruned < PRUNED_EVERY:
            return
        with writing(self._connection):
            oldest = (int(now) - INBOX_KEPT,)
            self._connection.execute("DELETE FROM inbox WHERE received < ?", oldest)
        self._pruned = now
