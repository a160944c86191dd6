"""The next step for a call or a recording that is not archived, in one sentence (pure)."""

from typing import Final

from archiver.reasons import Reason

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
