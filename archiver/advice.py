"""What there is to do about a call or a recording that is not archived, in a sentence (pure)."""

from typing import Final

from archiver.reasons import Reason

_UNTIL_GONE: Final = "the next runs ask again; after three days it counts as gone"
_NEXT_STEPS: Final = {
    Reason.CALLS_NOT_LISTED: "the next run tries again; where the API keeps denying an order, name "
    "the others in scope.orders: no run asks for it then",
    Reason.CALL_NOT_READ: "check the id; only `archiver run --call ID` asks for it again",
    Reason.ORIGIN_NOT_ALLOWED: "add the origin to download.allow_origins, if it is to be trusted",
    Reason.ADDRESS_NOT_PUBLIC: "add the origin to download.allow_origins, if it is to be trusted",
    Reason.ADDRESS_INVALID: "ask the people of your Liner API for a correct address",
    Reason.TOO_LARGE: "raise download.max_bytes",
    Reason.DIFFERENT_BYTES: "find out why the source changed; the archive keeps what it had",
    Reason.NOT_STORED: "see what the storage says of it in the report; allow larger files, or "
    "choose a shorter path, and the next run tries again",
    Reason.NONE_LISTED: "the next runs ask again; if it stays so for days, ask at the source: "
    "no run is complete before",
    Reason.LIST_FORBIDDEN: "give the API key the right to read the call records of these calls",
    Reason.SOURCE_FORBIDDEN: "the next run asks for a fresh address and tries again",
    Reason.SOURCE_MISSING: _UNTIL_GONE,
    Reason.EMPTY: _UNTIL_GONE + ": ask at the source whether there ever was sound",
    Reason.ENCODED: _UNTIL_GONE + ": let its server send recordings as they are, uncompressed",
    Reason.TOO_MANY_REDIRECTS: _UNTIL_GONE + ": ask at the source for an address that ends",
    Reason.CALL_UNKNOWN: "the next runs ask again, and none is complete while it stays so: ask at "
    "the source why it lists the call and denies its recordings",
    Reason.NO_LONGER_LISTED: _UNTIL_GONE,
}
_NEXT_RUN: Final = "the next run tries again"
_GONE: Final = "nothing more can be done here; ask for it at the source"


def next_step(state: str, reason: Reason | None) -> str:
    """What to do about it. A reason of a later version is unknown here, and is None."""
    if state == "gone":
        return _GONE
    return _NEXT_RUN if reason is None else _NEXT_STEPS.get(reason, _NEXT_RUN)
