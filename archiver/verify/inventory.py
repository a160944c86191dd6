"""The objects that an archive must have according to its ledger, in the order of the keys.

The catalog could nearly answer this, but it is on a machine that is no evidence: a verification
builds the inventory from the ledger that it has just checked, in a temporary file. Only events that
name objects are read, and members are treated as possibly damaged.

If the ledger names a key twice with different bytes, the first event is valid: keys are write-once,
so a later one is no correction.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import convert

from archiver.ledger import events
from archiver.sqlite.connections import open_scratch
from archiver.sqlite.errors import UNFIT, Database
from archiver.sqlite.rows import insert, insert_where, rows_of, update
from archiver.storage.keys import check_key, parse_recording_key
from archiver.text.json import read_json
from archiver.verify.parsing import Parsed
from archiver.verify.rows import Other, Revised, Stored, digest, number, row_of, text

_INVENTORY: Final = Database(
    name="the temporary list of checked objects",
    if_full="free some space in the temporary folder, or set TMPDIR to a larger disk",
    if_unusable="check the disk of the temporary folder, or set TMPDIR to another one",
    if_not_opened="check the permissions of the temporary folder, or set TMPDIR",
)

_SCHEMA = """
    CREATE TABLE recordings (
        record_id INTEGER NOT NULL, stem TEXT NOT NULL, extension TEXT NOT NULL,
        call_id INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, version TEXT,
        at TEXT NOT NULL, sidecar_bytes INTEGER NOT NULL, sidecar_sha256 TEXT NOT NULL,
        sidecar_version TEXT, revision INTEGER NOT NULL, revised_at TEXT NOT NULL,
        PRIMARY KEY (record_id, stem, extension)
    ) WITHOUT ROWID;
    CREATE TABLE others (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, owner, sha256 TEXT NOT NULL,
        version TEXT, at TEXT NOT NULL, former TEXT
    ) WITHOUT ROWID;
    CREATE INDEX others_owner ON others (owner) WHERE owner IS NOT NULL;
    CREATE TABLE leaving (record_id INTEGER PRIMARY KEY);
    CREATE TABLE removed (record_id INTEGER PRIMARY KEY);
"""

_AUDIO = """
    SELECT stem || '.' || extension AS key, 'audio' AS kind, sha256, bytes AS size, at, version,
           record_id, call_id, revision, NULL AS audio_sha256, NULL AS audio_key, NULL AS former,
           record_id IN (SELECT record_id FROM leaving) AS leaving
    FROM recordings
"""
_SIDECARS = """
    SELECT stem || '.json' AS key, 'sidecar', sidecar_sha256, sidecar_bytes, revised_at,
           sidecar_version, record_id, call_id, revision, sha256, stem || '.' || extension, NULL,
           record_id IN (SELECT record_id FROM leaving)
    FROM recordings
"""
_OTHERS = """
    SELECT key, kind, sha256, NULL, at, version, owner, NULL, NULL, NULL, NULL, former,
           kind IN ('revision', 'damaged') AND owner IN (SELECT record_id FROM leaving)
           OR kind = 'hold' AND former IS NOT NULL
    FROM others
"""
_ALL: Final = f"{_AUDIO} UNION ALL {_SIDECARS} UNION ALL {_OTHERS} ORDER BY key, at"

_FETCHED_AT_ONCE = 2000


class Kind(StrEnum):
    """What an object is to the archive."""

    AUDIO = "audio"
    SIDECAR = "sidecar"
    REVISION = "revision"
    REPORT = "report"
    HOLD = "hold"
    ACT = "act"
    DAMAGED = "damaged"
    SEGMENT = "segment"
    CLAIM = "claim"
    FORMAT = "format"
    EVIDENCE = "evidence"


class Expected(NamedTuple):
    """One expected object. `at` is when the ledger recorded these bytes.

    `size` is None if the ledger has none. For a sidecar, `audio_sha256` and `audio_key` are those
    of its audio. `former` is a digest that is valid as well while a report is being redacted; an
    object that is `leaving` is being removed and may be missing already.
    """

    key: str
    kind: str
    sha256: str
    size: int | None
    at: str
    version: str | None = None
    record_id: int | None = None
    call_id: int | None = None
    revision: int | None = None
    audio_sha256: str | None = None
    audio_key: str | None = None
    former: str | None = None
    leaving: int = 0


_STORE_UNLESS_REMOVED: Final = insert_where(
    "recordings", Stored, "? NOT IN (SELECT record_id FROM removed)"
)
_REVISE: Final = update("recordings", Revised, "record_id = ? AND revision <= ?")
_ADD: Final = insert("others", Other)


class Stock(NamedTuple):
    """The number of expected objects and bytes (sizes missing in the ledger count 0)."""

    objects: int
    bytes: int


class Inventory:
    """The inventory of one archive in a new file. Every method blocks.

    `recordings` is how many were added. With `keeps_pruned` it is that of a replica, where what was
    pruned may still be. Used by one thread at a time: two that run the same statement spoil it for
    each other.
    """

    def __init__(self, path: Path, *, keeps_pruned: bool = False) -> None:
        self._keeps_pruned = keeps_pruned
        with _INVENTORY.sqlite_errors():
            self._db = open_scratch(path)
            self._db.executescript(_SCHEMA)
        self.tells_of_holds = self.tells_of_removals = False
        self.recordings = 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def take(self, parsed: Parsed) -> list[int]:
        """Add events; returns the positions (from 1) of lines that are not events or are
        invalid."""
        bad, done = [*parsed.bad], 0
        with _INVENTORY.sqlite_errors():
            self._db.execute("BEGIN")
            for act, before in zip(parsed.acts, parsed.before, strict=True):
                self._add_rows(parsed.rows[done:before])
                done = before
                try:
                    self._take(act.line)
                except (KeyError, RecursionError, *UNFIT):
                    bad.append(act.position)
            self._add_rows(parsed.rows[done:])
            self._db.execute("COMMIT")
        return sorted(bad)

    def add(self, key: str, kind: Kind, sha256: str) -> None:
        """Add an object that is expected for a reason other than an event."""
        with _INVENTORY.sqlite_errors():
            self._keep(key, kind, None, sha256, None, "")

    def stock(self) -> Stock:
        """How much is to be checked."""
        with _INVENTORY.sqlite_errors():
            recordings, size = self._db.execute(
                "SELECT count(*), coalesce(sum(bytes + sidecar_bytes), 0) FROM recordings"
            ).fetchone()
            (others,) = self._db.execute("SELECT count(*) FROM others").fetchone()
        return Stock(2 * recordings + others, size)

    def doomed(self) -> frozenset[int]:
        """The recordings whose removal the ledger has anywhere."""
        rows = self._db.execute("SELECT record_id FROM leaving UNION SELECT record_id FROM removed")
        return frozenset(one for (one,) in rows)

    def chunks(self) -> Iterator[list[Expected]]:
        """Everything expected, in ascending order of keys, some thousand at a time."""
        last = None
        with _INVENTORY.sqlite_errors():
            rows = self._db.execute(_ALL)
            while found := rows.fetchmany(_FETCHED_AT_ONCE):
                distinct = []
                for row in found:
                    if row[0] != last:
                        distinct.append(Expected._make(row))
                    last = row[0]
                yield distinct

    def find(self, key: str) -> Expected | None:
        """What is expected under that key, if anything."""
        if not key.isascii():
            return None  # no key of an archive, and perhaps no text that SQLite takes
        name = parse_recording_key(key)
        with _INVENTORY.sqlite_errors():
            if name is None:
                row = self._db.execute(f"{_OTHERS} WHERE key = ?", (key,)).fetchone()
            else:
                source = _SIDECARS if name.is_sidecar else _AUDIO
                row = self._db.execute(
                    f"{source} WHERE record_id = ? AND key = ? ORDER BY at", (name.record_id, key)
                ).fetchone()
        return None if row is None else Expected._make(row)

    def _take(self, line: bytes) -> None:
        event = read_json(line)
        act = _ACTS.get(event["what"])
        if act is not None:
            act(self, event, text(event["at"]))

    def _add_rows(self, rows: Sequence[Stored]) -> None:
        self.recordings += len(rows)
        if self.tells_of_removals:
            self._db.executemany(_STORE_UNLESS_REMOVED, [(*row, row.record_id) for row in rows])
        elif rows:
            found = rows_of(dict(zip(Stored._fields, zip(*rows, strict=True), strict=True)))
            statement = insert("recordings", Stored, given=found.columns)
            self._db.executemany(statement, found.rows)

    def _stored(self, event: dict[str, Any], at: str) -> None:
        """A recording whose sidecar replaced one that a crash had left."""
        self._add_rows([row_of(convert(event, events.Stored), at)])
        self._superseded(event)

    def _superseded(self, event: dict[str, Any]) -> None:
        if "previousKey" in event:
            owner, version = number(event["recordId"]), event.get("previousVersion")
            key, digest = event["previousKey"], event["previousSha256"]
            self._keep(key, Kind.REVISION, owner, digest, version, text(event["at"]))

    def _revised(self, event: dict[str, Any], at: str) -> None:
        row = Revised(
            sidecar_bytes=number(event["sidecarBytes"]),
            sidecar_sha256=digest(event["sidecarSha256"]),
            sidecar_version=event.get("sidecarVersion"),
            revision=number(event["revision"]),
            revised_at=at,
        )
        self._db.execute(_REVISE, (*row, number(event["recordId"]), row.revision))
        self._superseded(event)

    def _report(self, event: dict[str, Any], at: str) -> None:
        version = event.get("reportVersion")
        self._keep(event["reportKey"], Kind.REPORT, None, event["reportSha256"], version, at)

    def _redacted(self, event: dict[str, Any], at: str) -> None:
        new, old = digest(event["reportSha256"]), digest(event["previousSha256"])
        self._db.execute(
            "UPDATE others SET sha256 = ?, version = ?, at = ?, former = ?"
            " WHERE key = ? AND sha256 IN (?, ?)",
            (new, event.get("reportVersion"), at, old, event["reportKey"], new, old),
        )

    def _hold(self, event: dict[str, Any], at: str) -> None:
        self.tells_of_holds = True
        owner, version = text(event["holdId"]), event.get("version")
        self._keep(event["key"], Kind.HOLD, owner, event["sha256"], version, at)

    def _act(self, event: dict[str, Any], at: str) -> None:
        self._keep(event["key"], Kind.ACT, None, event["sha256"], event.get("version"), at)

    def _restored(self, event: dict[str, Any], at: str) -> None:
        self._db.execute("UPDATE recordings SET version = NULL, sidecar_version = NULL")
        self._db.execute("UPDATE others SET version = NULL")

    def _repaired(self, event: dict[str, Any], at: str) -> None:
        key, owner = event["key"], number(event["recordId"])
        if "damagedKey" in event:
            aside, version = event["damagedKey"], event.get("damagedVersion")
            self._keep(aside, Kind.DAMAGED, owner, event["damagedSha256"], version, at)
        if "version" not in event:
            return
        self._db.execute(
            "UPDATE recordings SET version = ?"
            " WHERE record_id = ? AND stem || '.' || extension = ?",
            (event["version"], owner, key),
        )

    def _removing(self, event: dict[str, Any], at: str) -> None:
        self.tells_of_removals = True
        ids = [(number(one),) for one in event["recordIds"]]
        self._db.executemany("INSERT OR IGNORE INTO leaving VALUES (?)", ids)

    def _removed(self, event: dict[str, Any], at: str) -> None:
        self.tells_of_removals = True
        one = (number(event["recordId"]),)
        if self._keeps_pruned and event.get("why") == "retention":
            return  # it is among those that are leaving, which may be there or not
        self._db.execute("INSERT OR IGNORE INTO removed VALUES (?)", one)
        self._db.execute("DELETE FROM recordings WHERE record_id = ?", one)
        self._db.execute(
            "DELETE FROM others WHERE owner = ? AND kind IN ('revision', 'damaged')", one
        )

    def _erasing(self, event: dict[str, Any], at: str) -> None:
        self.tells_of_removals = True
        if self._keeps_pruned:
            calls = [(number(one),) for one in event.get("callIds", ())]
            self._db.executemany(
                "DELETE FROM recordings WHERE call_id = ?"
                " AND record_id IN (SELECT record_id FROM leaving)",
                calls,
            )
        ids = [(text(one),) for one in event.get("holdIds", ())]
        self._db.executemany(
            "UPDATE others SET former = sha256 WHERE kind = 'hold' AND owner = ?", ids
        )

    def _erased(self, event: dict[str, Any], at: str) -> None:
        self._db.execute("DELETE FROM others WHERE kind = 'hold' AND former IS NOT NULL")
        self._db.execute("UPDATE others SET former = NULL WHERE former IS NOT NULL")

    def _keep(
        self,
        key: str,
        kind: Kind,
        owner: int | str | None,
        sha256: str,
        version: str | None,
        at: str,
    ) -> None:
        self._db.execute(_ADD, Other(check_key(key), kind, owner, digest(sha256), version, at))


_ACTS: Final[dict[str, Callable[[Inventory, dict[str, Any], str], None]]] = {
    "stored": Inventory._stored,
    "revised": Inventory._revised,
    "run": Inventory._report,
    "redacted": Inventory._redacted,
    "held": Inventory._hold,
    "lifted": Inventory._hold,
    "act": Inventory._act,
    "restored": Inventory._restored,
    "repaired": Inventory._repaired,
    "removing": Inventory._removing,
    "removed": Inventory._removed,
    "erasing": Inventory._erasing,
    "erased": Inventory._erased,
}
