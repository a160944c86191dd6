"""Why a call or a recording is not archived: one word for machines, one sentence for people, and
their next step.

The words are used in the ledger, the catalog and reports. The ledger must not contain text from the
API (`docs/FORMAT.md`), so a reason is always one of these words and never a server's message.
"""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """A reason as in the ledger; `sentence` is for people, `retryable` says whether waiting can
    help."""

    CALLS_NOT_LISTED = "calls-not-listed"
    CALL_NOT_READ = "call-not-read"
    NO_ADDRESS = "no-address"
    NONE_LISTED = "none-listed"
    CALL_UNKNOWN = "call-unknown"
    LIST_FAILED = "list-failed"
    LIST_FORBIDDEN = "list-forbidden"
    LIST_INCOMPLETE = "list-incomplete"
    NO_LONGER_LISTED = "no-longer-listed"
    ADDRESS_INVALID = "address-invalid"
    ORIGIN_NOT_ALLOWED = "origin-not-allowed"
    ADDRESS_NOT_PUBLIC = "address-not-public"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    SOURCE_MISSING = "source-missing"
    SOURCE_FORBIDDEN = "source-forbidden"
    SOURCE_THROTTLED = "source-throttled"
    SOURCE_ERROR = "source-error"
    UNREACHABLE = "unreachable"
    NOT_AUDIO = "not-audio"
    EMPTY = "empty"
    ENCODED = "encoded"
    NOT_HTTP = "not-http"
    CUT_SHORT = "cut-short"
    TOO_MUCH = "more-than-announced"
    STALLED = "stalled"
    TOO_LARGE = "too-large"
    UNSTABLE = "unstable"
    DIFFERENT_BYTES = "different-bytes"
    NOT_STORED = "not-stored"
    WORKER_LOST = "worker-lost"

    @property
    def sentence(self) -> str:
        """One sentence for people, without a full stop."""
        return _SENTENCES[self]

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a few seconds later."""
        return self in _TRANSIENT

    @property
    def settles(self) -> bool:
        """Whether a source that responds like this in runs on several days will never serve it: the
        recording is gone then, and no longer keeps runs from being complete."""
        return self in _NEVER_SERVED

    @property
    def may_be_expired(self) -> bool:
        """Whether only the address may have expired, so that a new one can help."""
        return self in _OF_AN_EXPIRED_ADDRESS

    @property
    def retryable(self) -> bool:
        """Whether the next run may succeed without anyone's intervention."""
        return self not in _NEEDS_A_PERSON


_SENTENCES: dict[Reason, str] = {
    Reason.CALLS_NOT_LISTED: "not all calls of the period could be listed",
    Reason.CALL_NOT_READ: "the API does not know the call, or did not return it",
    Reason.NO_ADDRESS: "the API lists the recording without an address yet",
    Reason.NONE_LISTED: "a recording is expected, but none is listed yet",
    Reason.CALL_UNKNOWN: "the API answers 404 for the recordings of this call",
    Reason.LIST_FAILED: "the recordings of the call could not be listed",
    Reason.LIST_FORBIDDEN: "the API key may not list the recordings of this call",
    Reason.LIST_INCOMPLETE: "the API lists fewer recordings than it counts",
    Reason.NO_LONGER_LISTED: "the API no longer lists the recording",
    Reason.ADDRESS_INVALID: "the address of the recording cannot be used",
    Reason.ORIGIN_NOT_ALLOWED: "download.allow_origins does not allow the address",
    Reason.ADDRESS_NOT_PUBLIC: "the address is in a private network",
    Reason.TOO_MANY_REDIRECTS: "the address redirects too many times",
    Reason.SOURCE_MISSING: "the source says that the recording does not exist",
    Reason.SOURCE_FORBIDDEN: "the source denies access to the recording",
    Reason.SOURCE_THROTTLED: "the source limits the request rate",
    Reason.SOURCE_ERROR: "the source returned an error",
    Reason.UNREACHABLE: "the source cannot be reached",
    Reason.NOT_AUDIO: "the source returned a page or text instead of audio",
    Reason.EMPTY: "the source returned an empty file",
    Reason.ENCODED: "the source returned a compressed response that was not requested",
    Reason.NOT_HTTP: "the source's response is not HTTP",
    Reason.CUT_SHORT: "the download ended before its announced length",
    Reason.TOO_MUCH: "the source sent more bytes than announced",
    Reason.STALLED: "the download stalled",
    Reason.TOO_LARGE: "the recording is larger than download.max_bytes",
    Reason.UNSTABLE: "the source announces no length and returns different bytes each time",
    Reason.DIFFERENT_BYTES: "the archive has different bytes under the key of this recording",
    Reason.NOT_STORED: "the storage rejects the recording because of its size or name",
    Reason.WORKER_LOST: "every worker that fetched the recording ended unexpectedly",
}

_TRANSIENT = frozenset(
    {
        Reason.SOURCE_THROTTLED,
        Reason.SOURCE_ERROR,
        Reason.UNREACHABLE,
        Reason.NOT_HTTP,
        Reason.CUT_SHORT,
        Reason.TOO_MUCH,
        Reason.STALLED,
    }
)

_OF_AN_EXPIRED_ADDRESS = frozenset(
    {Reason.SOURCE_MISSING, Reason.SOURCE_FORBIDDEN, Reason.NOT_AUDIO, Reason.EMPTY}
)

_NEVER_SERVED = frozenset(
    {
        Reason.SOURCE_MISSING,
        Reason.NO_LONGER_LISTED,
        Reason.EMPTY,
        Reason.ENCODED,
        Reason.TOO_MANY_REDIRECTS,
    }
)

_NEEDS_A_PERSON = frozenset(
    {
        Reason.CALL_NOT_READ,
        Reason.ADDRESS_INVALID,
        Reason.ORIGIN_NOT_ALLOWED,
        Reason.ADDRESS_NOT_PUBLIC,
        Reason.TOO_LARGE,
        Reason.DIFFERENT_BYTES,
        Reason.NOT_STORED,
    }
)

_UNTIL_GONE: Final = "later runs try again; after three days it counts as gone"
_NEXT_STEPS: Final = {
    Reason.CALLS_NOT_LISTED: "the next run tries again; if the API keeps rejecting an order, "
    "list only the others in scope.orders",
    Reason.CALL_NOT_READ: "check the id; only `archiver run --call ID` tries it again",
    Reason.ORIGIN_NOT_ALLOWED: "if you trust the origin, add it to download.allow_origins",
    Reason.ADDRESS_NOT_PUBLIC: "if you trust the origin, add it to download.allow_origins",
    Reason.ADDRESS_INVALID: "ask the operator of your Liner API for a correct address",
    Reason.TOO_LARGE: "increase download.max_bytes",
    Reason.DIFFERENT_BYTES: "find out why the source changed; the archived recording was kept",
    Reason.NOT_STORED: "see the storage's message in the report; allow larger files or use a "
    "shorter path; the next run tries again",
    Reason.NONE_LISTED: "later runs try again; if this lasts for days, ask the operator of the "
    "source: until then no run is complete",
    Reason.LIST_FORBIDDEN: "give the API key permission to read the call records of these calls",
    Reason.SOURCE_FORBIDDEN: "the next run requests a new address and tries again",
    Reason.SOURCE_MISSING: _UNTIL_GONE,
    Reason.EMPTY: _UNTIL_GONE + "; ask the operator of the source whether there was any audio",
    Reason.ENCODED: _UNTIL_GONE + "; configure its server to send recordings uncompressed",
    Reason.TOO_MANY_REDIRECTS: _UNTIL_GONE + "; ask the operator of the source for a working "
    "address",
    Reason.CALL_UNKNOWN: "later runs try again; until then none is complete: ask the operator "
    "of the source why the call is listed but its recordings are not found",
    Reason.NO_LONGER_LISTED: _UNTIL_GONE,
}
_NEXT_RUN: Final = "the next run tries again"
_GONE: Final = "it cannot be fetched any more; ask the operator of the source"


def next_step(state: str, reason: Reason | None) -> str:
    """The next step. The reason is None if it comes from a later version and is unknown here."""
    if state == "gone":
        return _GONE
    return _NEXT_RUN if reason is None else _NEXT_STEPS.get(reason, _NEXT_RUN)
