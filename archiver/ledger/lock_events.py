"""Events about where objects are stored: their locks, and another bucket (pure); see `events`."""

from typing import ClassVar

from msgspec import Struct

from archiver.ledger.members import Whole


class LegalHold(Struct, frozen=True, kw_only=True, rename="camel"):
    """S3's legal hold on every version of these recordings is `setting` (from here on they may have
    it), `set` or `removed`. `revisions` are those of their sidecars, one a recording; `others` are
    versions (`key version`) on which someone else had set one before: those are never removed."""

    what: ClassVar[str] = "legal-hold"

    state: str
    record_ids: tuple[Whole, ...]
    revisions: tuple[Whole, ...] = ()
    others: tuple[str, ...] = ()


class Locked(Struct, frozen=True, kw_only=True, rename="camel"):
    """The objects of these recordings are locked (Object Lock) for at least `seconds` from when
    each was written, or that time has passed. `revisions` are those of their sidecars."""

    what: ClassVar[str] = "locked"

    record_ids: tuple[Whole, ...]
    revisions: tuple[Whole, ...]
    seconds: Whole


class Restored(Struct, frozen=True, kw_only=True, rename="camel"):
    """The archive was lost, and copied back from its replica, which had it up to that segment: the
    version ids recorded before are those of another bucket."""

    what: ClassVar[str] = "restored"

    segment: Whole
    head: str
