"""What this machine remembers of its replications of an archive, for metrics. None is evidence."""

import json
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from archiver.clock import from_stamp, stamp, stamp_or_none
from archiver.monitoring.state_files import replace_json, state_file


class Replicated(Struct, frozen=True):
    """The last replication. `segments` is the newest segment of the replica (0 where none is
    known), `behind_since` when the first event was written that the replica lacks, `current_at`
    when it last lacked nothing. `waiting` counts what it owes, `foreign` and `damaged` objects that
    were not copied; `error` is why it stopped, empty where it came to its end."""

    at: datetime
    segments: int = 0
    waiting: int = 0
    foreign: int = 0
    damaged: int = 0
    behind_since: datetime | None = None
    current_at: datetime | None = None
    error: str = ""


def replications_path(storage_url: str, state_folder: Path) -> Path:
    """Where that of this archive is remembered."""
    return state_file("replica", storage_url, state_folder)


def recall_replication(path: Path) -> Replicated | None:
    """What the file remembers; None where it is missing or holds something else."""
    try:
        told = json.loads(path.read_bytes())
        return Replicated(
            at=from_stamp(told["at"]),
            segments=int(told["segments"]),
            waiting=int(told["waiting"]),
            foreign=int(told["foreign"]),
            damaged=int(told["damaged"]),
            behind_since=_moment(told["behindSince"]),
            current_at=_moment(told["currentAt"]),
            error=str(told["error"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def remember_replication(one: Replicated, path: Path) -> None:
    """Write the file anew, whole or not at all. Raises OSError."""
    told = {
        "at": stamp(one.at),
        "segments": one.segments,
        "waiting": one.waiting,
        "foreign": one.foreign,
        "damaged": one.damaged,
        "behindSince": stamp_or_none(one.behind_since),
        "currentAt": stamp_or_none(one.current_at),
        "error": one.error,
    }
    replace_json(path, told)


def _moment(told: str | None) -> datetime | None:
    return None if told is None else from_stamp(told)
