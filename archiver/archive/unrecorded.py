"""What was stored and is not in the ledger yet: one understanding of it, for every command.

Whatever writes to an archive stores first and records afterwards, so a kill leaves objects that the
ledger does not know. That is no damage: nothing that the ledger names is lost or altered, and the
next run continues where the dead one ended. All commands have to treat it so. What can exist:

- **recordings**: audio, or audio and sidecar, of a run that died before it could record them. The
  next run proves them against the source. They count as left behind only while the lock of the dead
  run exists as well, or a run is in progress; otherwise their origin is unknown.
- **revisions**: a sidecar in the place of the one that the ledger knows, which was kept under
  `_archive/revisions/` just before, over several dead runs too (`recordings/revisions.py`). The
  kept one proves it, lock or no lock: that of a writer which lost its lease on S3 may come late.
- **kept copies**: the sidecar that the ledger knows, kept already, and not replaced any more. Such
  a copy stays, and the next revision uses it.
- **reports** of runs, **holds** and their ends, **acts** of people, each under the name that it
  tells itself.
- **damaged objects** that a repair had set aside when it died: under the digits of their digest.
- **working files** under `_archive/tmp/`.

The next run records all of it but for kept copies; `verify --repair` records revisions and reports.
"""

import hashlib
import itertools
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from archiver.errors import KeyMissing
from archiver.ledger.events import Revised, RunEnded
from archiver.recordings.revisions import Link, line_since, succession
from archiver.storage.base import Reading, Storage
from archiver.storage.keys import (
    ACTS_PREFIX,
    DAMAGED_PREFIX,
    HOLDS_PREFIX,
    RUNS_PREFIX,
    TMP_PREFIX,
    parse_recording_key,
    parse_revision_key,
)
from archiver.text.json import read_json

LARGEST_REPORT: Final = 16 * 1024 * 1024
_LARGEST_HOLD: Final = 256 * 1024

# What storages, spools and the probe of `doctor` call their files.
_WORKING = re.compile(r"([0-9a-f]{16}-\d+\.part|part-\w{8}|change-lock|ledger-lock|probe-.*)")
_HOLD = re.compile(r"(h[0-9a-f]{10})(\.lifted)?\.json")
_DAMAGED = re.compile(r".+\.([0-9a-f]{16})")


class Left(StrEnum):
    """What a writer that was killed left behind unrecorded."""

    RECORDING = "recording"
    REVISION = "revision"
    KEPT_COPY = "kept-copy"
    REPORT = "report"
    HOLD = "hold"
    ACT = "act"
    DAMAGED_COPY = "damaged-copy"
    WORKING_FILE = "working-file"
    REPLICATION = "replication"
    REPLICA_WORKING_FILE = "replica-working-file"
    ONLY_IN_REPLICA = "only-in-replica"

    @property
    def sentence(self) -> str:
        """For people, without a full stop."""
        return _SENTENCES[self]

    @property
    def waits(self) -> bool:
        """Whether something is still to be done about it."""
        return self not in (Left.KEPT_COPY, Left.REPLICA_WORKING_FILE)


_SENTENCES: Final = {
    Left.RECORDING: "stored by a run that did not record it; the next `archiver run` verifies "
    "and records it",
    Left.REVISION: "a newer sidecar (the old one was kept); the next `archiver run`, or "
    "`archiver verify --repair`, records it",
    Left.KEPT_COPY: "a copy of the current sidecar, made for a revision that was not written; "
    "harmless",
    Left.REPORT: "the report of a run that did not record it; the next `archiver run` records it",
    Left.ACT: "the record of who did something and why; the next `archiver run` records it",
    Left.HOLD: "a legal hold, or its lifting, not recorded yet; the next `archiver run` records it",
    Left.DAMAGED_COPY: "kept by an interrupted repair; run `archiver verify --repair` to finish it",
    Left.WORKING_FILE: "a temporary file; the next `archiver run` removes it",
    Left.REPLICATION: "copied, replaced or removed before the ledger was copied; the next "
    "`archiver replicate` continues",
    Left.ONLY_IN_REPLICA: "a recording that the replica's ledger does not have; whether the "
    "archive has it is unknown: verify again when the archive can be read",
    Left.REPLICA_WORKING_FILE: "a temporary file of a replication; `archiver replicate` removes it "
    "after a day",
}


class Unrecorded(Struct, frozen=True):
    """An object that the ledger does not know, or does not know so, and why that is no damage."""

    key: str
    what: Left


class Recorded(NamedTuple):
    """What the ledger has about a recording's sidecar, and about its audio."""

    record_id: int
    sidecar_sha256: str
    revision: int
    audio_sha256: str


async def explain_sidecar(storage: Storage, key: str, recorded: Recorded) -> bool:
    """Whether the sidecar under `key`, which is not the recorded one, is an unrecorded revision."""
    return len(await _line(storage, key, recorded)) > 1


async def explain_stray(
    storage: Storage, key: str, recorded: Recorded | None, *, is_left: bool
) -> Left | None:
    """What an object is that the ledger does not name; None if that is unknown.

    `recorded` is what the ledger has about the recording of that key, if anything. `is_left`
    says that a run is in progress, or has died.
    """
    if parse_recording_key(key) is not None:
        return Left.RECORDING if is_left and recorded is None else None
    if parse_revision_key(key) is not None:
        return await _explain_revision(storage, key, recorded, is_left=is_left)
    for prefix, explain in _BY_PREFIX.items():
        if key.startswith(prefix):
            return await explain(storage, key, is_left)
    return None


async def unrecorded_revisions(storage: Storage, key: str, recorded: Recorded) -> Sequence[Revised]:
    """The events to record for the sidecar under `key`, oldest first."""
    line = await _line(storage, key, recorded)
    told = [succession(recorded.record_id, *pair) for pair in itertools.pairwise(line)]
    if told:
        told[-1] = replace(told[-1], sidecar_version=line[-1].info.version)
    return told


async def read_report(storage: Storage, key: str) -> RunEnded | None:
    """That a run has ended, as the report under `key` says it; None for what is no report."""
    try:
        data = await storage.read(key, limit=LARGEST_REPORT)
        report = read_json(data)
        is_ours = report["runId"] == run_of(key) and isinstance(report["complete"], bool)
    except (KeyMissing, ValueError, TypeError, KeyError):
        return None
    if not is_ours:
        return None
    return RunEnded(
        report_key=key,
        report_sha256=hashlib.sha256(data).hexdigest(),
        complete=report["complete"],
        report_version=(await storage.stat(key)).version,
        purpose="export" if report.get("purpose") == "export" else None,
    )


def run_of(report_key: str) -> str:
    """The id of the run whose report is stored under that key."""
    return report_key.removeprefix(RUNS_PREFIX).removesuffix(".json")


async def _explain_revision(
    storage: Storage, key: str, recorded: Recorded | None, *, is_left: bool
) -> Left | None:
    told = parse_revision_key(key)
    if told is None:
        return None
    if recorded is None:
        return Left.RECORDING if is_left else None
    if told.revision == recorded.revision:
        (kept,) = await storage.readings([key])
        if isinstance(kept, Reading) and kept.sha256 == recorded.sidecar_sha256:
            line = await _line(storage, told.sidecar, recorded)
            return Left.REVISION if len(line) > 1 else Left.KEPT_COPY
        return None
    line = await _line(storage, told.sidecar, recorded)
    return Left.REVISION if key in [link.info.key for link in line[:-1]] else None


async def _line(storage: Storage, key: str, recorded: Recorded) -> Sequence[Link]:
    """The recorded sidecar and those that took its place; none where they do not lead to it."""
    try:
        line = await line_since(storage, key, recorded.sidecar_sha256)
    except (KeyMissing, ValueError):
        return ()
    if line is None or line[-1].card.audio_sha256 != recorded.audio_sha256:
        return ()
    is_ours = all(link.card.fields.get("recordId") == recorded.record_id for link in line)
    return line if is_ours else ()


async def _explain_report(storage: Storage, key: str, is_left: bool) -> Left | None:
    return None if await read_report(storage, key) is None else Left.REPORT


async def _explain_hold(storage: Storage, key: str, is_left: bool) -> Left | None:
    name = _HOLD.fullmatch(key.removeprefix(HOLDS_PREFIX))
    if name is None:
        return None
    try:
        told = read_json(await storage.read(key, limit=_LARGEST_HOLD))
        return Left.HOLD if told["holdId"] == name[1] else None
    except (KeyMissing, ValueError, TypeError, KeyError):
        return None


async def _explain_damaged(storage: Storage, key: str, is_left: bool) -> Left | None:
    digits = _DAMAGED.fullmatch(key)
    if digits is None or not is_left:
        return None
    (found,) = await storage.readings([key])
    is_it = isinstance(found, Reading) and found.sha256.startswith(digits[1])
    return Left.DAMAGED_COPY if is_it else None


async def _explain_working_file(storage: Storage, key: str, is_left: bool) -> Left | None:
    is_ours = _WORKING.fullmatch(key.removeprefix(TMP_PREFIX)) is not None
    return Left.WORKING_FILE if is_left or is_ours else None


async def _explain_act(storage: Storage, key: str, is_left: bool) -> Left | None:
    try:
        told = read_json(await storage.read(key, limit=_LARGEST_HOLD))
        return Left.ACT if key == f"{ACTS_PREFIX}{told['actId']}.json" else None
    except (KeyMissing, ValueError, TypeError, KeyError):
        return None


_BY_PREFIX: Final = {
    TMP_PREFIX: _explain_working_file,
    RUNS_PREFIX: _explain_report,
    HOLDS_PREFIX: _explain_hold,
    ACTS_PREFIX: _explain_act,
    DAMAGED_PREFIX: _explain_damaged,
}
