"""The history of verifications of an archive on this machine, for metrics and the schedule.

A separate file next to the run history, since either may end while the other writes; those of the
replica have one of their own. None of it is evidence.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from archiver.clock import from_stamp, stamp
from archiver.errors import INTERRUPTED
from archiver.monitoring.state_files import replace_json, state_file

SCOPES: Final = ("all", "sample", "since")
"""What a verification reads: everything, a share of it, or what came since a moment."""

MOST_REMEMBERED: Final = 400
"""Verifications: more than a year of one a night."""

NAME: Final = "verifications"
REPLICA_NAME: Final = "verified-replica"
"""The names of the state files."""


class Verification(Struct, frozen=True):
    """One verification. `findings` counts what remains, by kind; `error` is why there was no
    result, else empty."""

    started_at: datetime
    ended_at: datetime
    scope: str
    exit_code: int
    findings: Mapping[str, int] = field(default_factory=dict)
    error: str = ""

    @property
    def seconds(self) -> float:
        """How long it took by the wall clock."""
        return max(0.0, (self.ended_at - self.started_at).total_seconds())

    @property
    def came_to_its_end(self) -> bool:
        """Whether it looked at all that it was asked for."""
        return not self.error and self.exit_code != INTERRUPTED


class Verifications(Struct, frozen=True):
    """The last one, when one of each scope last came to its end, and the `MOST_REMEMBERED` newest
    of all, the oldest of them first."""

    last: Verification
    ended: Mapping[str, datetime]
    history: tuple[Verification, ...] = ()


def health_of(known: Verifications | None, *, is_replica: bool = False) -> str:
    """The last verification in a line, for /healthz; empty if there was none."""
    if known is None:
        return ""
    last = known.last
    count = sum(last.findings.values())
    found = "no result" if last.error else f"{count:,} findings"
    what = "last verification of the replica" if is_replica else "last verification"
    return (
        f"{what}: {stamp(last.ended_at)}, exit code {last.exit_code}, scope {last.scope}, {found}\n"
    )


def verifications_path(storage_url: str, state_folder: Path, *, is_replica: bool = False) -> Path:
    """The path of the history for that archive, or for its replica."""
    return state_file(REPLICA_NAME if is_replica else NAME, storage_url, state_folder)


def recall_verifications(path: Path) -> Verifications | None:
    """The history in the file; None if it is missing or invalid."""
    try:
        fields = json.loads(path.read_bytes())
        last = _read(fields)
        ended = {name: from_stamp(at) for name, at in fields["ended"].items() if name in SCOPES}
        history = tuple(_read(one) for one in fields.get("history", ())) or (last,)
        return Verifications(last, ended, history)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def remember_verification(one: Verification, path: Path) -> None:
    """Replace the file atomically. Raises OSError."""
    before = recall_verifications(path)
    ended = dict(before.ended) if before is not None else {}
    if one.came_to_its_end:
        ended[one.scope] = one.ended_at
    history = (*(before.history if before is not None else ()), one)[-MOST_REMEMBERED:]
    fields = {
        **as_json(one),
        "ended": {name: stamp(at) for name, at in ended.items()},
        "history": [as_json(each) for each in history],
    }
    replace_json(path, fields)


def as_json(one: Verification) -> dict[str, Any]:
    """The verification, as it is stored and as `archiver status` prints it."""
    return {
        "startedAt": stamp(one.started_at),
        "endedAt": stamp(one.ended_at),
        "scope": one.scope,
        "exitCode": one.exit_code,
        "findings": dict(one.findings),
        "error": one.error,
    }


def last_as_json(known: Verifications | None) -> dict[str, Any] | None:
    """The last of them; None if there was none."""
    return None if known is None else as_json(known.last)


def _read(fields: Mapping[str, Any]) -> Verification:
    return Verification(
        started_at=from_stamp(fields["startedAt"]),
        ended_at=from_stamp(fields["endedAt"]),
        scope=str(fields["scope"]),
        exit_code=int(fields["exitCode"]),
        findings={str(name): int(count) for name, count in fields["findings"].items()},
        error=str(fields["error"]),
    )
