"""The events of the ledger as frozen values (pure); `lines` writes and reads them.

An event has ids, states, sizes, digests and times, and never a name, number, summary or address, so
that erasing a person never breaks the chain. Everything that the catalog knows is in these events:
replaying them in order rebuilds it.
"""

from typing import ClassVar, TypeAlias

from msgspec import Struct

from archiver.ledger.lock_events import LegalHold, Locked, Restored
from archiver.ledger.members import Moment, StateOfCall, StateOfRecording, Whole


class Stored(Struct, frozen=True, kw_only=True, rename="camel"):
    """A recording is in the archive, with its sidecar, both durable.

    `version` and `sidecar_version` are version ids of a versioned bucket. `previous_key` is a
    sidecar left by a crash that did not match; it is kept like any revision.
    """

    what: ClassVar[str] = "stored"

    record_id: Whole
    call_id: Whole
    key: str
    bytes: Whole
    sha256: str
    content_type: str
    sidecar_bytes: Whole
    sidecar_sha256: str
    metadata_sha256: str
    has_summary: bool
    revision: Whole = 1
    lead_id: Whole | None = None
    user_id: Whole | None = None
    created_at: Moment | None = None
    duration_seconds: float | None = None
    findings: tuple[str, ...] = ()
    version: str | None = None
    sidecar_version: str | None = None
    previous_key: str | None = None
    previous_sha256: str | None = None


class Revised(Struct, frozen=True, kw_only=True, rename="camel"):
    """The sidecar of an archived recording was replaced; the old one is under `previous_key`.

    `findings` are those of the audio if it was measured again; None: unchanged.
    """

    what: ClassVar[str] = "revised"

    record_id: Whole
    revision: Whole
    sidecar_bytes: Whole
    sidecar_sha256: str
    metadata_sha256: str
    has_summary: bool
    previous_key: str | None = None
    previous_sha256: str | None = None
    sidecar_version: str | None = None
    previous_version: str | None = None
    findings: tuple[str, ...] | None = None


class Inspected(Struct, frozen=True, kw_only=True, rename="camel"):
    """The sound of a recording was examined, under that version of the rules.

    `sha256` is the digest of the decoded audio. Figures are those of `archiver.sound.figures`, one
    per channel in each tuple; without figures, `undecoded` says why. `findings` are those of the
    sound only.
    """

    what: ClassVar[str] = "inspected"

    record_id: Whole
    sha256: str
    rules: Whole
    undecoded: str | None = None
    seconds: float | None = None
    silence: float | None = None
    overtalk: float | None = None
    levels: tuple[float, ...] = ()
    peaks: tuple[float, ...] = ()
    clipped: tuple[float, ...] = ()
    talk: tuple[float, ...] = ()
    findings: tuple[str, ...] = ()


class OpenRecording(Struct, frozen=True, kw_only=True, rename="camel"):
    """A recording that is not archived, as part of `CallJudged`. `missing_days` are the days (UTC)
    of runs in which it could not be served: a new address returned 404 or 410, or nothing."""

    record_id: Whole
    state: StateOfRecording
    reason: str
    attempts: Whole
    since: Moment
    missing_days: tuple[str, ...] = ()


class CallJudged(Struct, frozen=True, kw_only=True, rename="camel"):
    """The state of a call at the end of a run. `recordings` are the ids of all its known
    recordings, `open` those that are not archived. `due_at` is when it is checked again; None: it
    is settled."""

    what: ClassVar[str] = "call"

    call_id: Whole
    state: StateOfCall
    attempts: Whole
    reason: str | None = None
    lead_id: Whole | None = None
    order_id: Whole | None = None
    user_id: Whole | None = None
    created_at: Moment | None = None
    talk_seconds: float | None = None
    has_records: bool | None = None
    asked_at: Moment | None = None
    due_at: Moment | None = None
    open_since: Moment | None = None
    recordings: tuple[Whole, ...] = ()
    open: tuple[OpenRecording, ...] = ()


class Gone(Struct, frozen=True, kw_only=True, rename="camel"):
    """The source no longer has a recording that was never archived, or cannot serve it.

    `reason` is the reason on the last of the days. Older ledgers have none: the source returned 404
    or 410.
    """

    what: ClassVar[str] = "gone"

    record_id: Whole
    call_id: Whole
    missing_days: tuple[str, ...]
    reason: str | None = None


class OrderSeen(Struct, frozen=True, kw_only=True, rename="camel"):
    """Orders that the API listed for the first time; every later run lists their calls."""

    what: ClassVar[str] = "order-seen"

    order_ids: tuple[Whole, ...]


class CursorMoved(Struct, frozen=True, kw_only=True, rename="camel"):
    """The scopes of one kind (`order`, `lead`) are listed up to `until`, with this filter.

    `since` is the start of what this run listed of them. Ledgers of older versions do not say it.
    """

    what: ClassVar[str] = "cursor"

    kind: str
    ids: tuple[Whole, ...]
    until: Moment
    narrowed_to: str = ""
    since: Moment | None = None


class RunEnded(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run ended and stored its report.

    `purpose` is `export` for a run that `archiver export` started; None for a run of its own.
    """

    what: ClassVar[str] = "run"

    report_key: str
    report_sha256: str
    complete: bool
    report_version: str | None = None
    purpose: str | None = None


class Repaired(Struct, frozen=True, kw_only=True, rename="camel"):
    """The damaged bytes of a recording were kept aside, and `key` has been restored.

    Audio is restored byte for byte; a sidecar is a new revision, with its own `Revised` event.
    Recorded before the replacement, when the copy exists already, and again with the version of the
    new object if the storage has versions.
    """

    what: ClassVar[str] = "repaired"

    record_id: Whole
    key: str
    damaged_key: str | None = None
    damaged_sha256: str | None = None
    damaged_version: str | None = None
    version: str | None = None


class Held(Struct, frozen=True, kw_only=True, rename="camel"):
    """A legal hold: nothing of these leads, calls and orders is removed until it is lifted.

    Its reason is free text and is stored in the object `key`, never here.
    """

    what: ClassVar[str] = "held"

    hold_id: str
    key: str
    sha256: str
    lead_ids: tuple[Whole, ...] = ()
    call_ids: tuple[Whole, ...] = ()
    order_ids: tuple[Whole, ...] = ()
    version: str | None = None


class Lifted(Struct, frozen=True, kw_only=True, rename="camel"):
    """A legal hold was lifted; by whom and why is stored in the object `key`."""

    what: ClassVar[str] = "lifted"

    hold_id: str
    key: str
    sha256: str
    version: str | None = None


class Acted(Struct, frozen=True, kw_only=True, rename="camel"):
    """An act of a person (`did`); who and why is stored in the object `key`."""

    what: ClassVar[str] = "act"

    act_id: str
    did: str
    key: str
    sha256: str
    version: str | None = None


class Removing(Struct, frozen=True, kw_only=True, rename="camel"):
    """These recordings are about to be removed: from now on their objects may be missing.

    `why` is `retention` or `erasure` (of the person `lead_id`). An announced removal is always
    completed, if necessary by a later run; `Removed` ends it. `rule` is the
    number of the retention rule that allowed it (0: retention.keep), after `keep_seconds`.
    """

    what: ClassVar[str] = "removing"

    record_ids: tuple[Whole, ...]
    why: str
    lead_id: Whole | None = None
    rule: Whole | None = None
    keep_seconds: Whole | None = None


class Removed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The tombstone of a recording: all its objects are gone, and it is never fetched again.

    Without key and digest it was never archived.
    """

    what: ClassVar[str] = "removed"

    record_id: Whole
    call_id: Whole
    why: str
    key: str | None = None
    sha256: str | None = None
    lead_id: Whole | None = None


class Erasing(Struct, frozen=True, kw_only=True, rename="camel"):
    """A person is being erased: these calls, and every other call of the lead created before
    `before`, are never requested again. The texts of the lifted holds `hold_ids` are removed as
    well."""

    what: ClassVar[str] = "erasing"

    lead_id: Whole
    before: Moment
    call_ids: tuple[Whole, ...] = ()
    hold_ids: tuple[str, ...] = ()


class Redacted(Struct, frozen=True, kw_only=True, rename="camel"):
    """The report of a run is replaced with one without the entries of an erased person.

    Recorded before the replacement, so that either digest is valid until `Erased`, and again with
    the version of the new object if the storage has versions.
    """

    what: ClassVar[str] = "redacted"

    report_key: str
    report_sha256: str
    previous_sha256: str
    report_version: str | None = None


class Erased(Struct, frozen=True, kw_only=True, rename="camel"):
    """The erasure announced by `Erasing` is complete: nothing of the person is left."""

    what: ClassVar[str] = "erased"

    lead_id: Whole
    before: Moment


class Exported(Struct, frozen=True, kw_only=True, rename="camel"):
    """Calls were exported as a package; the id of the export takes the place of the run's id.

    `manifest_sha256` is the digest of the package's `manifest-sha256.txt`, which lists every file
    of it. The ids are those that were selected, `phones` counts telephone numbers. An export of
    many recordings is recorded in several lines that differ only in `record_ids`. If recordings
    were redacted, `redacted` counts them, and `redactions_sha256` is the digest of the package's
    `redactions.json`, which says what was left out of them and why.
    """

    what: ClassVar[str] = "exported"

    manifest_sha256: str
    calls: Whole
    recordings: Whole
    bytes: Whole
    missing: Whole
    lead_ids: tuple[Whole, ...] = ()
    order_ids: tuple[Whole, ...] = ()
    call_ids: tuple[Whole, ...] = ()
    phones: Whole = 0
    record_ids: tuple[Whole, ...] = ()
    redacted: Whole | None = None
    redactions_sha256: str | None = None


Event: TypeAlias = (
    Stored
    | Revised
    | Inspected
    | CallJudged
    | Gone
    | OrderSeen
    | CursorMoved
    | RunEnded
    | Repaired
    | Held
    | Lifted
    | LegalHold
    | Locked
    | Acted
    | Removing
    | Removed
    | Erasing
    | Redacted
    | Erased
    | Exported
    | Restored
)
