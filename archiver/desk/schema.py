"""The tables of the desk's file, as numbered migrations.

Times are whole seconds since 1970, UTC. Recordings are identified by their ids only: their data is
in the archive.
"""

import os
import sqlite3

from archiver.errors import UsageError
from archiver.sqlite.migrations import NewerVersionError, migrate

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        archive_id TEXT NOT NULL, secret BLOB NOT NULL, logged_since INTEGER NOT NULL
    );
    CREATE TABLE sessions (
        digest BLOB PRIMARY KEY, name TEXT NOT NULL, credential BLOB NOT NULL,
        begun_at INTEGER NOT NULL, seen_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX sessions_name ON sessions (name, begun_at);
    CREATE TABLE notes (
        note_id INTEGER PRIMARY KEY AUTOINCREMENT, record_id INTEGER NOT NULL,
        seconds REAL NOT NULL, text TEXT NOT NULL, author TEXT NOT NULL,
        created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
    );
    CREATE INDEX notes_record ON notes (record_id, seconds);
    CREATE TABLE tags (
        record_id INTEGER NOT NULL, tag TEXT NOT NULL, author TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (record_id, tag)
    ) WITHOUT ROWID;
    CREATE INDEX tags_tag ON tags (tag);
    CREATE TABLE scorecards (digest TEXT PRIMARY KEY, definition TEXT NOT NULL);
    CREATE TABLE verdicts (
        verdict_id INTEGER PRIMARY KEY AUTOINCREMENT, record_id INTEGER NOT NULL,
        reviewer TEXT NOT NULL, scorecard TEXT NOT NULL REFERENCES scorecards (digest),
        state TEXT NOT NULL CHECK (state IN ('draft', 'submitted')), revision INTEGER NOT NULL,
        marks TEXT NOT NULL, comment TEXT NOT NULL, score REAL, agent_id INTEGER,
        created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
        UNIQUE (record_id, reviewer, scorecard)
    );
    CREATE TABLE former_verdicts (
        verdict_id INTEGER NOT NULL, revision INTEGER NOT NULL, marks TEXT NOT NULL,
        comment TEXT NOT NULL, score REAL, changed_at INTEGER NOT NULL,
        PRIMARY KEY (verdict_id, revision)
    ) WITHOUT ROWID;
    CREATE TABLE queues (
        queue_id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, seed TEXT NOT NULL,
        share REAL NOT NULL, least INTEGER NOT NULL, made_by TEXT NOT NULL,
        made_at INTEGER NOT NULL, closed_at INTEGER
    );
    CREATE TABLE places (
        queue_id INTEGER NOT NULL, position INTEGER NOT NULL, record_id INTEGER NOT NULL,
        agent_id INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'skipped')),
        claimed_by TEXT, claimed_until INTEGER, ended_by TEXT, ended_at INTEGER, reason TEXT,
        PRIMARY KEY (queue_id, position)
    ) WITHOUT ROWID;
    CREATE INDEX places_record ON places (record_id);
    CREATE INDEX places_waiting ON places (queue_id, position) WHERE state = 'waiting';
    CREATE TABLE log (
        entry_id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, name TEXT NOT NULL,
        address TEXT NOT NULL, act TEXT NOT NULL, record_id INTEGER, detail TEXT NOT NULL
    );
    CREATE INDEX log_record ON log (record_id, at) WHERE record_id IS NOT NULL;
    CREATE INDEX log_name ON log (name, at);
    CREATE INDEX log_at ON log (at);
    CREATE TRIGGER log_is_written_once BEFORE UPDATE ON log
        BEGIN SELECT raise(ABORT, 'the access log cannot be changed'); END;
    CREATE TRIGGER log_is_kept BEFORE DELETE ON log
        WHEN OLD.at >= (SELECT logged_since FROM head)
        BEGIN SELECT raise(ABORT, 'the access log is kept that long'); END;
    """,
    """
    ALTER TABLE notes ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE notes ADD COLUMN writer TEXT NOT NULL DEFAULT '';
    ALTER TABLE verdicts ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE verdicts ADD COLUMN writer TEXT NOT NULL DEFAULT '';
    CREATE TABLE receipts (
        name TEXT NOT NULL, token TEXT NOT NULL, made INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (name, token)
    ) WITHOUT ROWID;
    CREATE INDEX receipts_at ON receipts (at);
    """,
    """
    CREATE TABLE packages (
        package_id INTEGER PRIMARY KEY AUTOINCREMENT, asked_by TEXT NOT NULL,
        asked_at INTEGER NOT NULL, record_ids TEXT NOT NULL, recordings INTEGER NOT NULL,
        reason TEXT NOT NULL, case_number TEXT NOT NULL, recipient TEXT NOT NULL,
        language TEXT NOT NULL, load_file INTEGER NOT NULL, stage TEXT NOT NULL,
        bytes INTEGER, manifest_sha256 TEXT, missing INTEGER, problem TEXT NOT NULL DEFAULT '',
        ended_at INTEGER
    );
    """,
    """
    CREATE TABLE redactions (
        redaction_id INTEGER PRIMARY KEY AUTOINCREMENT, record_id INTEGER NOT NULL,
        begins REAL NOT NULL, ends REAL NOT NULL, side TEXT NOT NULL, reason TEXT NOT NULL,
        marked_by TEXT NOT NULL, marked_at INTEGER NOT NULL, approved_by TEXT
    );
    CREATE INDEX redactions_record ON redactions (record_id);
    ALTER TABLE packages ADD COLUMN masks TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE packages ADD COLUMN spans TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE packages ADD COLUMN fill TEXT NOT NULL DEFAULT 'silence';
    """,
    """
    ALTER TABLE scorecards ADD COLUMN name TEXT NOT NULL DEFAULT 'scorecard';
    ALTER TABLE scorecards ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE scorecards ADD COLUMN position INTEGER;
    UPDATE scorecards
        SET version = (SELECT count(*) FROM scorecards o WHERE o.rowid <= scorecards.rowid);
    ALTER TABLE verdicts ADD COLUMN remarks TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE verdicts ADD COLUMN is_failed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE former_verdicts ADD COLUMN remarks TEXT NOT NULL DEFAULT '{}';
    """,
    """
    CREATE TABLE steps (
        step_id INTEGER PRIMARY KEY AUTOINCREMENT, verdict_id INTEGER NOT NULL,
        revision INTEGER NOT NULL, act TEXT NOT NULL
            CHECK (act IN ('acknowledged', 'disputed', 'upheld', 'changed')),
        question TEXT NOT NULL, text TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL
    );
    CREATE INDEX steps_verdict ON steps (verdict_id, step_id);
    CREATE INDEX verdicts_agent ON verdicts (agent_id, changed_at);
    CREATE TABLE calibrations (
        calibration_id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL,
        scorecard TEXT NOT NULL REFERENCES scorecards (digest), made_by TEXT NOT NULL,
        made_at INTEGER NOT NULL, revealed_at INTEGER, closed_at INTEGER, closed_by TEXT
    );
    CREATE TABLE calibration_calls (
        calibration_id INTEGER NOT NULL, position INTEGER NOT NULL, record_id INTEGER NOT NULL,
        agreed TEXT, comment TEXT NOT NULL DEFAULT '', PRIMARY KEY (calibration_id, position)
    ) WITHOUT ROWID;
    CREATE INDEX calibration_calls_record ON calibration_calls (record_id);
    CREATE TABLE calibration_people (
        calibration_id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (calibration_id, name)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE verdicts ADD COLUMN is_played INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE verdicts ADD COLUMN heard REAL NOT NULL DEFAULT 0;
    ALTER TABLE verdicts ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;
    UPDATE verdicts SET is_played = EXISTS (
        SELECT 1 FROM log WHERE log.record_id = verdicts.record_id AND act = 'play'
        AND log.name = verdicts.reviewer
    );
    CREATE INDEX verdicts_changed ON verdicts (changed_at, verdict_id);
    CREATE TABLE removed_notes (
        note_id INTEGER PRIMARY KEY, record_id INTEGER NOT NULL, author TEXT NOT NULL,
        removed_by TEXT NOT NULL, removed_at INTEGER NOT NULL
    );
    CREATE INDEX removed_notes_record ON removed_notes (record_id);
    """,
    """
    CREATE TABLE plans (
        plan_id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, query TEXT NOT NULL,
        per_agent INTEGER NOT NULL, strata TEXT NOT NULL, people TEXT NOT NULL,
        due_days INTEGER NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL,
        first_week INTEGER NOT NULL, ended_at INTEGER
    );
    CREATE TABLE plan_weeks (
        plan_id INTEGER NOT NULL, week INTEGER NOT NULL, queue_id INTEGER, due_at INTEGER NOT NULL,
        PRIMARY KEY (plan_id, week)
    ) WITHOUT ROWID;
    CREATE INDEX plan_weeks_queue ON plan_weeks (queue_id);
    ALTER TABLE places ADD COLUMN assigned_to TEXT;
    CREATE TABLE searches (
        search_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, owner TEXT NOT NULL,
        query TEXT NOT NULL, is_shared INTEGER NOT NULL, made_at INTEGER NOT NULL,
        UNIQUE (owner, name)
    );
    CREATE TABLE playlists (
        playlist_id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, owner TEXT NOT NULL,
        made_at INTEGER NOT NULL
    );
    CREATE TABLE moments (
        moment_id INTEGER PRIMARY KEY AUTOINCREMENT, playlist_id INTEGER NOT NULL,
        record_id INTEGER NOT NULL, seconds REAL NOT NULL, text TEXT NOT NULL, name TEXT NOT NULL,
        added_at INTEGER NOT NULL
    );
    CREATE INDEX moments_playlist ON moments (playlist_id, moment_id);
    CREATE INDEX moments_record ON moments (record_id);
    """,
    """
    ALTER TABLE receipts RENAME TO former_receipts;
    CREATE TABLE receipts (
        name TEXT NOT NULL, kind TEXT NOT NULL, token TEXT NOT NULL, made INTEGER NOT NULL,
        at INTEGER NOT NULL, PRIMARY KEY (name, kind, token)
    ) WITHOUT ROWID;
    INSERT INTO receipts SELECT name, '', token, made, at FROM former_receipts;
    DROP TABLE former_receipts;
    CREATE INDEX receipts_at ON receipts (at);
    """,
    """
    ALTER TABLE packages ADD COLUMN certificate_pdf INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE packages ADD COLUMN has_password INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE packages ADD COLUMN keys TEXT NOT NULL DEFAULT '[]';
    """,
    """
    ALTER TABLE calibration_calls ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE calibration_calls ADD COLUMN writer TEXT NOT NULL DEFAULT '';
    """,
)


def prepare(db: sqlite3.Connection, archive_id: str) -> None:
    """Bring a file, new or old, to the newest version; each migration commits whole.

    A new file becomes the one of that archive. Raises UsageError for a file of a newer version.
    """
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    # Deleted data is overwritten: notes and verdicts are about people.
    db.execute("PRAGMA secure_delete = ON")
    try:
        migrate(db, MIGRATIONS)
    except NewerVersionError as error:
        raise UsageError(
            f"the desk's file was written by a newer version of archiver (version {error.version})",
            hint="update archiver, or set desk.data to another file",
        ) from error
    db.execute("INSERT OR IGNORE INTO head VALUES (1, ?, ?, 0)", (archive_id, os.urandom(32)))
