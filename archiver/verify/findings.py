"""The findings of a verification, one type for each kind (pure).

A finding has the object, what was expected according to the ledger, what was found instead, and the
next step. Findings are facts about the archive, never failures of the verification.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

RESTORE = "restore the object from a copy of the archive"
FETCH_AGAIN = (
    "run `archiver verify --repair` to fetch it again if the source still has it; otherwise "
    "restore it from a copy of the archive"
)
RESTORE_LEDGER = "restore this ledger file from a copy of the archive, and verify again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem with one object. `record_id` is set if it belongs to a recording, `version` if it
    is one version in a versioned bucket."""

    name: ClassVar[str] = ""
    next_step: ClassVar[str] = RESTORE
    is_damage: ClassVar[bool] = True

    key: str
    expected: str
    found: str
    record_id: int | None = None
    version: str | None = None
    advice: str = ""
    repaired: bool = False

    @property
    def next(self) -> str:
        """The next step, in one sentence."""
        return self.advice or self.next_step

    def mended(self) -> Self:
        """The same finding, after it was repaired."""
        return replace(self, repaired=True, advice="none: it was repaired and verified")

    def advised(self, advice: str) -> Self:
        """The same finding with another next step."""
        return replace(self, advice=advice)

    def as_json(self) -> dict[str, Any]:
        """The finding as an object of `--json`."""
        fields: dict[str, Any] = {
            "finding": self.name,
            "key": self.key,
            "expected": self.expected,
            "found": self.found,
            "next": self.next,
            "repaired": self.repaired,
        }
        of = {"recordId": self.record_id, "version": self.version}
        return fields | {name: value for name, value in of.items() if value is not None}


class Missing(Finding):
    """An object recorded in the ledger does not exist."""

    name = "missing"


class WrongSize(Finding):
    """The object is longer or shorter than the ledger says."""

    name = "wrong-size"


class WrongDigest(Finding):
    """The object has the right length and different bytes."""

    name = "wrong-digest"


class Unreadable(Finding):
    """The object exists, but the storage cannot read it."""

    name = "unreadable"
    next_step = "check the disk and the permissions of the object; then restore it from a copy"


class SidecarUnreadable(Finding):
    """The object in place of a sidecar is not a sidecar: not JSON, or not of this format."""

    name = "sidecar-unreadable"
    next_step = FETCH_AGAIN


class SidecarDisagrees(Finding):
    """The sidecar has the recorded digest, but contradicts the ledger."""

    name = "sidecar-disagrees"
    next_step = (
        "do not change the archive; find out which version wrote it: the audio is checked "
        "against the ledger, but the sidecar differs"
    )


class Unexpected(Finding):
    """An object that the ledger does not name."""

    name = "unexpected"
    next_step = (
        "if a run was killed, `archiver run` verifies and records what it left; otherwise "
        "someone put it there: examine it and move it out of the archive"
    )


class NotAllowed(Finding):
    """Permissions or credentials do not allow reading it: nothing is known about its bytes."""

    name = "not-allowed"
    next_step = (
        "no damage is known: give this account read access (owner and permissions of the files, "
        "or the S3 key), and verify again"
    )
    is_damage = False


class ChainBroken(Finding):
    """A segment of the ledger is altered, missing, duplicated, or does not follow the one
    before."""

    name = "chain-broken"
    next_step = RESTORE_LEDGER


class RemovedUnderHold(Finding):
    """The ledger contains a removal despite a legal hold in force."""

    name = "removed-under-hold"
    next_step = (
        "no archiver command does this: find out who wrote this segment, and restore what was "
        "removed from a copy of the archive"
    )


class TwoArchives(Finding):
    """A segment of the ledger belongs to another archive."""

    name = "two-archives"
    next_step = (
        "two archives are mixed in one location: move the files of the other one to a separate "
        "folder or prefix"
    )


class TailCut(Finding):
    """The ledger lacks a head kept elsewhere: its newest segments were removed or replaced."""

    name = "tail-cut"
    next_step = "restore the newest segments of the ledger from a copy"


class Rewritten(Finding):
    """The ledger has a different segment from the one that was signed, stamped or witnessed."""

    name = "rewritten"
    next_step = (
        "the history was rewritten from that segment on: keep the archive as it is, restore all of"
        " it from a copy, and find out who could write to it"
    )


class RolledBack(Finding):
    """The archive is intact, but older than the newest head of a witness."""

    name = "rolled-back"
    next_step = (
        "the archive was replaced with an older copy, or everything since was removed:"
        " restore the newest copy, and find out who could write to it"
    )


class NotSigned(Finding):
    """Segments of the ledger that no signature covers, although the archive is signed."""

    name = "not-signed"
    next_step = (
        "find out who wrote these segments, for example a command on a machine without the key; if"
        " they are yours, `archiver key sign` signs them"
    )


class BadSignature(Finding):
    """A signature that is invalid, or another object in its place."""

    name = "bad-signature"
    next_step = "it was altered or forged: restore it from a copy of the archive, or move it out"


class ForeignSignature(Finding):
    """A signature by a key that is not valid: a different one, or one that had been replaced."""

    name = "foreign-signature"
    next_step = (
        "verify with the right key; if this one is right, someone signed with another key: compare"
        " the archive with a copy"
    )


class BadStamp(Finding):
    """An invalid time stamp: for other bytes, by an unknown authority, or expired."""

    name = "bad-stamp"
    next_step = (
        "check evidence.timestamp_roots; if they are right, restore the stamp from a copy of the"
        " archive, or move it out"
    )


class ForeignFormat(Finding):
    """`_archive/format.json` contradicts the ledger: the format, or the archive's id."""

    name = "foreign-format"
    next_step = "restore it from a copy of the archive"


class NotLocked(Finding):
    """Object Lock is configured, but the object was never locked, or its lock expired too soon."""

    name = "not-locked"
    next_step = "run `archiver lock --again` to lock it"


class NoLegalHold(Finding):
    """A hold covers the recording, but this version of one of its objects has no S3 legal hold."""

    name = "no-legal-hold"
    next_step = (
        "run `archiver hold reapply` to set it; if it was removed, find out who has the right to"
    )


class ReplicaDiffers(Finding):
    """The ledger of the replica has a segment that the archive's does not have."""

    name = "replica-differs"
    next_step = (
        "the archive was rolled back, truncated or rewritten, or the replica was changed: find out "
        "which, using printed heads, signatures and witnesses"
    )


class UnknownVersion(Finding):
    """In a versioned bucket, a version (or a delete marker) that is not in the ledger.

    `expected` is the recorded version, `found` the newer one.
    """

    name = "unknown-version"
    next_step = "the correct version is still there: remove the newer version or delete marker"


KINDS: tuple[type[Finding], ...] = (
    Missing,
    WrongSize,
    WrongDigest,
    Unreadable,
    SidecarUnreadable,
    SidecarDisagrees,
    Unexpected,
    NotAllowed,
    ChainBroken,
    RemovedUnderHold,
    TwoArchives,
    TailCut,
    Rewritten,
    RolledBack,
    NotSigned,
    BadSignature,
    ForeignSignature,
    BadStamp,
    ForeignFormat,
    NotLocked,
    NoLegalHold,
    UnknownVersion,
    ReplicaDiffers,
)
"""Every kind of finding, as documentation and tests count them."""


def said(lines: Iterable[int]) -> str:
    """Positions of lines for people: `2, 3, 7 and 12 more`."""
    positions = list(lines)
    shown = ", ".join(map(str, positions[:5]))
    return shown if len(positions) <= 5 else f"{shown} and {len(positions) - 5} more"
