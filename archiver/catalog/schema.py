"""The tables of the catalog, as numbered migrations.

Every table but three is a projection of the ledger: replaying its events fills them again, row for
row. The three: `outbox` (events that are not in a segment yet), `rows` (calls as the API gave them,
for as long as they will be looked at again: the ledger may not hold them) and `head`.

Times are whole seconds since 1970, UTC.
"""

import sqlite3

from archiver.sqlite.connections import PATIENCE_MS
from archiver.sqlite.migrations import migrate

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        archive_id TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT
    );
    CREATE TABLE calls (
        call_id INTEGER PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('archived', 'none', 'waiting', 'failed', 'gone')),
        lead_id INTEGER, order_id INTEGER, user_id INTEGER,
        created_at INTEGER, talk_seconds REAL, has_records INTEGER,
        asked_at INTEGER, due_at INTEGER, open_since INTEGER,
        attempts INTEGER NOT NULL, reason TEXT, judged_at INTEGER NOT NULL
    );
    CREATE INDEX calls_due ON calls (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX calls_lead ON calls (lead_id);
    CREATE INDEX calls_order ON calls (order_id, user_id, state, created_at);
    CREATE TABLE recordings (
        record_id INTEGER PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('archived', 'waiting', 'failed', 'gone')),
        call_id INTEGER NOT NULL,
        key TEXT, bytes INTEGER, sha256 TEXT, content_type TEXT,
        sidecar_bytes INTEGER, sidecar_sha256 TEXT, metadata_sha256 TEXT,
        revision INTEGER, has_summary INTEGER,
        lead_id INTEGER, user_id INTEGER, created_at INTEGER, duration_seconds REAL,
        findings TEXT NOT NULL DEFAULT '[]', archived_at INTEGER,
        reason TEXT, attempts INTEGER NOT NULL DEFAULT 0, open_since INTEGER,
        missing_days TEXT NOT NULL DEFAULT '[]',
        version TEXT, sidecar_version TEXT
    );
    CREATE TABLE revisions (
        key TEXT PRIMARY KEY, record_id INTEGER NOT NULL, sha256 TEXT NOT NULL, version TEXT
    ) WITHOUT ROWID;
    CREATE INDEX recordings_open ON recordings (state) WHERE state <> 'archived';
    CREATE TABLE links (
        call_id INTEGER NOT NULL, record_id INTEGER NOT NULL,
        PRIMARY KEY (call_id, record_id)
    ) WITHOUT ROWID;
    CREATE INDEX links_record ON links (record_id);
    CREATE TABLE orders (order_id INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL);
    CREATE TABLE cursors (
        kind TEXT NOT NULL, id INTEGER NOT NULL, narrowed_to TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (kind, id, narrowed_to)
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, ended_at INTEGER NOT NULL,
        report_key TEXT NOT NULL, report_sha256 TEXT NOT NULL, report_version TEXT,
        complete INTEGER NOT NULL, previous_sha256 TEXT
    );
    CREATE INDEX recordings_lead ON recordings (lead_id) WHERE lead_id IS NOT NULL;
    CREATE TABLE holds (
        hold_id TEXT PRIMARY KEY, placed_at INTEGER NOT NULL,
        key TEXT NOT NULL, sha256 TEXT NOT NULL, version TEXT,
        lifted_at INTEGER, lift_key TEXT, lift_sha256 TEXT, lift_version TEXT,
        is_erased INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE hold_scopes (
        kind TEXT NOT NULL CHECK (kind IN ('lead', 'call', 'order')), id INTEGER NOT NULL,
        hold_id TEXT NOT NULL, PRIMARY KEY (kind, id, hold_id)
    ) WITHOUT ROWID;
    CREATE TABLE removals (
        record_id INTEGER PRIMARY KEY, why TEXT NOT NULL, lead_id INTEGER, begun_at INTEGER NOT NULL
    );
    CREATE TABLE tombstones (
        record_id INTEGER PRIMARY KEY, call_id INTEGER NOT NULL, key TEXT, sha256 TEXT,
        why TEXT NOT NULL, lead_id INTEGER, removed_at INTEGER NOT NULL
    );
    CREATE TABLE erasures (
        lead_id INTEGER PRIMARY KEY, before INTEGER NOT NULL, done_before INTEGER
    );
    CREATE TABLE erased_calls (call_id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL);
    CREATE TABLE exports (
        export_id TEXT PRIMARY KEY, exported_at INTEGER NOT NULL, manifest_sha256 TEXT NOT NULL,
        calls INTEGER NOT NULL, recordings INTEGER NOT NULL, bytes INTEGER NOT NULL,
        missing INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE exported (
        record_id INTEGER NOT NULL, export_id TEXT NOT NULL, PRIMARY KEY (record_id, export_id)
    ) WITHOUT ROWID;
    CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, line BLOB NOT NULL);
    CREATE TABLE rows (call_id INTEGER PRIMARY KEY, row TEXT NOT NULL);
    """,
    "ALTER TABLE cursors ADD COLUMN run_id TEXT;",
    # What a hold covers, until it is lifted: the calls that it names, or whose lead or order it
    # names; and the recordings that are listed under those, or whose own lead it names.
    """
    CREATE VIEW held_calls (call_id, hold_id) AS
        SELECT id, hold_id FROM hold_scopes JOIN holds USING (hold_id)
            WHERE kind = 'call' AND lifted_at IS NULL
        UNION ALL
        SELECT call_id, hold_id FROM hold_scopes JOIN holds USING (hold_id)
            JOIN calls ON calls.lead_id = hold_scopes.id
            WHERE kind = 'lead' AND lifted_at IS NULL
        UNION ALL
        SELECT call_id, hold_id FROM hold_scopes JOIN holds USING (hold_id)
            JOIN calls ON calls.order_id = hold_scopes.id
            WHERE kind = 'order' AND lifted_at IS NULL;
    CREATE VIEW held_recordings (record_id, hold_id) AS
        SELECT record_id, hold_id FROM hold_scopes JOIN holds USING (hold_id)
            JOIN recordings ON recordings.lead_id = hold_scopes.id
            WHERE kind = 'lead' AND lifted_at IS NULL
        UNION ALL
        SELECT record_id, hold_id FROM held_calls JOIN links USING (call_id);
    """,
    """
    CREATE TABLE inspections (
        record_id INTEGER PRIMARY KEY, inspected_at INTEGER NOT NULL, rules INTEGER NOT NULL,
        undecoded TEXT, seconds REAL, heard_seconds REAL,
        findings TEXT NOT NULL, sound TEXT, is_written INTEGER NOT NULL
    );
    CREATE INDEX inspections_unwritten ON inspections (record_id) WHERE is_written = 0;
    """,
    """
    CREATE TABLE acts (
        act_id TEXT PRIMARY KEY, did TEXT NOT NULL, acted_at INTEGER NOT NULL, key TEXT NOT NULL,
        sha256 TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    # For how long each recording, with the sidecar of that revision, is known to be locked.
    """
    CREATE TABLE locks (
        record_id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, seconds INTEGER NOT NULL
    );
    CREATE INDEX revisions_record ON revisions (record_id);
    """,
    # Which recordings have the legal hold of S3, with the sidecar of that revision, or (not
    # `is_set`) may have it; and the versions on which someone else had set a hold before.
    """
    CREATE TABLE legal_holds (
        record_id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, is_set INTEGER NOT NULL
    );
    CREATE TABLE other_legal_holds (
        place TEXT PRIMARY KEY, record_id INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    # What a run was a part of: `export`; NULL for a run of its own.
    "ALTER TABLE runs ADD COLUMN purpose TEXT;",
    # Sums of talk by order and agent are read from the index alone.
    """
    DROP INDEX calls_order;
    CREATE INDEX calls_order ON calls (order_id, user_id, state, created_at, talk_seconds);
    """,
    # From when on a scope is listed without a gap; NULL where an older version began it.
    "ALTER TABLE cursors ADD COLUMN since INTEGER;",
)

_OF_ONE_RUN = """
    PRAGMA temp_store = FILE;
    CREATE TEMP TABLE listed (call_id INTEGER PRIMARY KEY);
    CREATE TEMP TABLE counted (record_id INTEGER PRIMARY KEY, ended TEXT NOT NULL);
"""
"""Which calls and recordings this run has seen: a set on disk, so that memory stays flat."""


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a catalog, new or old, to the newest version; each migration commits whole.

    Raises sqlite3.DatabaseError for a file that is no catalog, or one of a newer version.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    # A power cut may take the last transactions: what they knew is then proved against the source
    # again. The ledger is what must not lose anything, and it is synced.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    # Deleted data is overwritten: `rows` has the API's data about people.
    connection.execute("PRAGMA secure_delete = ON")
    migrate(connection, MIGRATIONS)
    connection.executescript(_OF_ONE_RUN)
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # `turns.py` has them made, in a thread
