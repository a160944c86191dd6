"""The tables of the index, in a separate SQLite file.

The first part is that of the catalog, filled by the same projection of the same ledger, so both
keep the same rules about late and repeated events. The second part is what the ledger may not hold:

- `cards`: data of the sidecars for people, as far as they are read (`revision`);
- `pending`: archived recordings whose sidecar is to be read, the newest first;
- `names`: the newest known name of each agent and order;
- `words`: the full text of summaries: who adds cards adds their words, a trigger removes them;
- `deferred`: how to create the indexes of the first part that a first filling does without;
- `desk`: the version, and whether texts were removed that the file still has traces of.

The file is disposable. It holds personal data, so what is deleted is overwritten.
"""

import sqlite3
from typing import Final

VERSION: Final = 3
"""Of the second part. A file of any other version is thrown away and filled anew."""

_FOLDED: Final = "replace(replace({}.summary, 'ё', 'е'), 'Ё', 'Е')"
"""What `search.fold` does, in SQL."""

_OF_THE_LEDGER: Final = ("calls", "recordings", "links", "revisions", "inspections")
"""The tables that a ledger fills with many rows, and that nothing looks up by other columns than
their keys until something is held, removed or erased."""

_TABLES: Final = f"""
    CREATE TABLE cards (
        record_id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, trouble TEXT NOT NULL DEFAULT '',
        lead_id INTEGER, order_id INTEGER, user_id INTEGER, created_at INTEGER, seconds REAL,
        direction TEXT, status TEXT, phone TEXT, digits INTEGER,
        is_transfer INTEGER NOT NULL DEFAULT 0, summary TEXT
    );
    CREATE INDEX cards_troubled ON cards (record_id) WHERE trouble <> '';
    CREATE TABLE pending (record_id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL);
    CREATE INDEX pending_newest ON pending (created_at);
    CREATE TABLE names (
        kind TEXT NOT NULL CHECK (kind IN ('agent', 'order')), id INTEGER NOT NULL,
        name TEXT NOT NULL, told_at INTEGER NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE VIEW folded AS SELECT record_id, {_FOLDED.format("cards")} AS summary FROM cards;
    CREATE VIRTUAL TABLE words USING fts5(
        summary, content = 'folded', content_rowid = 'record_id', columnsize = 0,
        tokenize = "unicode61 remove_diacritics 2"
    );
    CREATE TRIGGER cards_dropped AFTER DELETE ON cards WHEN old.summary IS NOT NULL BEGIN
        INSERT INTO words (words, rowid, summary)
        VALUES ('delete', old.record_id, {_FOLDED.format("old")});
    END;
    CREATE TABLE deferred (statement TEXT NOT NULL);
    CREATE TABLE desk (version INTEGER NOT NULL, is_dirty INTEGER NOT NULL DEFAULT 0);
    INSERT INTO desk (version) VALUES ({VERSION});
"""  # noqa: S608 - constants


def prepare(db: sqlite3.Connection) -> None:
    """Make the second part where it is missing. DatabaseError for a file of another version."""
    made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'desk'").fetchone()
    if made is None:
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT")
    found = db.execute("SELECT version FROM desk").fetchone()
    if found != (VERSION,):
        raise sqlite3.DatabaseError(f"the index has version {found}, not {VERSION}")


def defer_indexes(db: sqlite3.Connection) -> None:
    """Drop what can be made again: made at once it takes less than row by row.

    They are missing until `make_indexes`, in a file that is opened again as well.
    """
    found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ({})"
    places = ", ".join("?" * len(_OF_THE_LEDGER))
    for name, statement in db.execute(found.format(places), _OF_THE_LEDGER).fetchall():
        if statement is not None:
            db.execute("INSERT INTO deferred (statement) VALUES (?)", (statement,))
            db.execute(f"DROP INDEX {name}")


def make_indexes(db: sqlite3.Connection) -> None:
    """Create the indexes that were deferred, if any, in the current transaction."""
    for (statement,) in db.execute("SELECT statement FROM deferred").fetchall():
        db.execute(statement)
    db.execute("DELETE FROM deferred")
