"""The run history of this machine for one archive: for metrics and notices.

It is a small JSON file in the state folder, next to the catalog. None of it is evidence: if it is
lost, counters start at zero, and that is all.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict

from archiver.archive.failed_runs import FailedRuns
from archiver.clock import from_stamp, stamp
from archiver.errors import INTERRUPTED
from archiver.monitoring.night import COMPLETE, OPEN, Night
from archiver.monitoring.replications import Replicated, recall_replication
from archiver.monitoring.state_files import replace_json, state_file
from archiver.monitoring.verifications import (
    NAME,
    REPLICA_NAME,
    Verifications,
    recall_verifications,
)

_BESIDE: Final = frozenset({"verifications", "replica_verifications", "replication"})
"""What is stored in separate files: both may be written at the same time."""
_MOMENTS: Final = (
    *("started_at", "ended_at", "succeeded_at", "completed_at", "failing_since"),
    *("signed_at", "stamped_at", "witnessed_at"),
)


class Memory(Struct):
    """The last run, since when runs fail, and sums over all runs.

    `succeeded_at` is the end of the last successful run, `completed_at` of the last that left
    nothing open. `failures` counts the failed runs since the last successful one, of which the
    first began at `failing_since`. `silent_day` is the last day that was reported to have no calls.
    `signed_at`, `stamped_at` and `witnessed_at` (by every witness) are when a head last was. `runs`
    counts by exit code; `requests`, `throttled` and `bytes` are sums of the reports.
    """

    started_at: datetime | None = None
    ended_at: datetime | None = None
    succeeded_at: datetime | None = None
    completed_at: datetime | None = None
    failing_since: datetime | None = None
    seconds: float = 0.0
    exit_code: int | None = None
    failures: int = 0
    silent_day: date | None = None
    signed_at: datetime | None = None
    stamped_at: datetime | None = None
    witnessed_at: datetime | None = None
    runs: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    throttled: int = 0
    bytes: int = 0
    undelivered: int = 0
    verifications: Verifications | None = None
    replica_verifications: Verifications | None = None
    replication: Replicated | None = None

    def note(self, night: Night, *, failed: bool) -> None:
        """Add a run; `failed` says whether it is reported as failed."""
        self.started_at, self.ended_at = night.started_at, night.ended_at
        self.seconds, self.exit_code = night.seconds, night.exit_code
        code = str(night.exit_code)
        self.runs[code] = self.runs.get(code, 0) + 1
        if night.came_to_its_end:
            self.succeeded_at = night.ended_at
        if night.exit_code == COMPLETE:
            self.completed_at = night.ended_at
        if failed:
            self.failures += 1
            self.failing_since = self.failing_since or night.started_at
        elif not night.was_interrupted:
            self.failures, self.failing_since = 0, None
        told = night.report or {}
        self.requests += told.get("requests", 0)
        self.throttled += told.get("throttled", 0)
        self.bytes += told.get("bytes", 0)
        self._note_evidence(told.get("evidence") or {}, night.ended_at)

    def _note_evidence(self, told: Mapping[str, Any], ended_at: datetime) -> None:
        """Add the signature, stamp and witnesses of a run's head, by the clock of this machine."""
        if told.get("signedAt"):
            self.signed_at = ended_at
        if told.get("stampedAt"):
            self.stamped_at = ended_at
        witnesses = told.get("witnesses")
        if witnesses and all(one["has"] for one in witnesses):
            self.witnessed_at = ended_at


def failed_runs(memory: Memory) -> FailedRuns | None:
    """The runs that failed since the last successful one, if the newest run is one of them.

    A run that finished has not failed, even if a notice says that something stays open.
    """
    code, since, ended = memory.exit_code, memory.failing_since, memory.ended_at
    if not memory.failures or code in (None, COMPLETE, OPEN, INTERRUPTED):
        return None
    return FailedRuns(memory.failures, since, ended, code) if since and ended else None


def memory_path(storage_url: str, state_folder: Path) -> Path:
    """The path of the history of that archive; known even if the archive is unreachable."""
    return state_file("nights", storage_url, state_folder)


def recall(path: Path) -> Memory:
    """The history in the file; an empty one if it is missing or invalid."""
    try:
        told = json.loads(path.read_bytes())
        memory = _memory_of(told)
    except (OSError, ValueError, TypeError, AttributeError):
        memory = Memory()

    def beside(name: str) -> Path:
        return path.with_name(path.name.replace("nights", name, 1))

    memory.verifications = recall_verifications(beside(NAME))
    memory.replica_verifications = recall_verifications(beside(REPLICA_NAME))
    memory.replication = recall_replication(beside("replica"))
    return memory


def remember(memory: Memory, path: Path) -> None:
    """Replace the file atomically. Raises OSError."""
    told = asdict(memory)
    for name in _BESIDE:
        del told[name]
    for name in _MOMENTS:
        told[name] = None if told[name] is None else stamp(told[name])
    told["silent_day"] = memory.silent_day and memory.silent_day.isoformat()
    replace_json(path, told)


def _memory_of(told: dict[str, Any]) -> Memory:
    names = [name for name in Memory.__struct_fields__ if name not in _BESIDE]
    known = {name: told[name] for name in names if name in told}
    for name in _MOMENTS:
        if known.get(name) is not None:
            known[name] = from_stamp(known[name])
    if known.get("silent_day") is not None:
        known["silent_day"] = date.fromisoformat(known["silent_day"])
    counts = [known.get(name, 0) for name in ("requests", "throttled", "bytes", "undelivered")]
    if not all(isinstance(count, int) for count in [*counts, *known.get("runs", {}).values()]):
        raise TypeError("out of memory")
    return Memory(**known)
