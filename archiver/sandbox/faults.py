"""Every fault of the sandbox under one roof, and the ones that are made of several.

    faults = [
        Fault(Route.CALLS, Status(429, retry_after=1), times=1),
        Fault(Route.FILE, Cut(1000), id=900101, times=2),
        expired_then_renewed(900102, status=403),
    ]

Each effect says in a line what it does; `cues.Fault` says when it plays.
"""

from archiver.sandbox.answer_faults import (
    Body,
    Cut,
    CutJson,
    Delay,
    Drip,
    FalseLength,
    Framed,
    Gzip,
    HangUp,
    Headers,
    HugeJson,
    NotSuccess,
    Redirect,
    RedirectChain,
    Silence,
    Stall,
    Status,
    html,
    no_validator,
)
from archiver.sandbox.cues import Answering, Asking, Fault, Shaping
from archiver.sandbox.exchange import API, LISTINGS, LISTS, Ending, Framing, Request, Route
from archiver.sandbox.model import ABSENT
from archiver.sandbox.request_faults import (
    AddressLimit,
    BatchLimit,
    DepthLimit,
    Happens,
    Ignores,
    IgnoresRange,
    NeedsKey,
    NewestFirst,
    OnlySpelling,
    OtherFile,
    PageCap,
    PluralStatuses,
    Shift,
    UnknownRefused,
    WrongStart,
)
from archiver.sandbox.row_faults import (
    AS_IN_EXAMPLE,
    LEAN,
    AsText,
    Data,
    Fields,
    FileUrl,
    LastNext,
    LastPage,
    Member,
    Reordered,
    ShortPage,
    without,
)

__all__ = [
    "ABSENT",
    "API",
    "AS_IN_EXAMPLE",
    "LEAN",
    "LISTINGS",
    "LISTS",
    "AddressLimit",
    "Answering",
    "AsText",
    "Asking",
    "BatchLimit",
    "Body",
    "Cut",
    "CutJson",
    "Data",
    "Delay",
    "DepthLimit",
    "Drip",
    "Ending",
    "FalseLength",
    "Fault",
    "Fields",
    "FileUrl",
    "Framed",
    "Framing",
    "Gzip",
    "HangUp",
    "Happens",
    "Headers",
    "HugeJson",
    "Ignores",
    "IgnoresRange",
    "LastNext",
    "LastPage",
    "Member",
    "NeedsKey",
    "NewestFirst",
    "NotSuccess",
    "OnlySpelling",
    "OtherFile",
    "PageCap",
    "PluralStatuses",
    "Redirect",
    "RedirectChain",
    "Reordered",
    "Request",
    "Route",
    "Shaping",
    "Shift",
    "ShortPage",
    "Silence",
    "Stall",
    "Status",
    "UnknownRefused",
    "WrongStart",
    "changes_between_ranges",
    "expired_then_renewed",
    "html",
    "later",
    "no_validator",
    "strict_slash",
    "without",
]


def later(record_id: int, name: str, times: int = 1) -> tuple[Fault, ...]:
    """`recordSummary` or `fileUrl` of a recording is null the first `times` it is listed."""
    effect = Fields({name: None}, only=record_id)
    return (Fault(LISTINGS, effect, row=record_id, times=times),)


def expired_then_renewed(record_id: int, status: int = 403, times: int = 1) -> tuple[Fault, ...]:
    """The addresses of the first `times` listings are refused, those of later ones are good."""
    stale = FileUrl("{origin}{path}?grant=stale", only=record_id)
    return (
        Fault(LISTINGS, stale, row=record_id, times=times),
        Fault(Route.FILE, Status(status), id=record_id, where=_is_stale),
    )


def changes_between_ranges(record_id: int, effect: OtherFile) -> tuple[Fault, ...]:
    """The first request for the file is cut half-way; from then on it is another file."""
    return (
        Fault(Route.FILE, Cut(1000), id=record_id, times=1),
        Fault(Route.FILE, effect, id=record_id, after=1),
    )


def strict_slash(route: Route, status: int = 301) -> tuple[Fault, ...]:
    """A detail without the slash at the end of its path is redirected to the one with it."""
    return (Fault(route, Redirect("{origin}{path}/", status), where=_lacks_slash),)


def _is_stale(request: Request) -> bool:
    return request.params.get("grant") == "stale"


def _lacks_slash(request: Request) -> bool:
    return not request.path.endswith("/")
