"""What an export is asked for, and what had been brought home before it began (pure)."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from archiver.export.encryption import Lock
from archiver.export.masking import Mask
from archiver.export.redactions import Redactions
from archiver.export.selection import Selection
from archiver.export.voice import DEFAULT_LANGUAGE
from archiver.retention.acts import Why
from archiver.run.request import RunRequest
from archiver.text.messages import Messages

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""`All time` begins here: the API wants a period, and no call that a web service recorded is
older. The custody record states it."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which calls go where, and what of them is left out. `by` is who hands them over, in their
    own words; `lock` says who can open the package; `why` is what the act of it says; `today` is
    the day (UTC) that a person names where the clock of the machine is in doubt."""

    target: Path
    selection: Selection
    offline: bool = False
    force: bool = False
    leave_out_damaged: bool = False
    by: str | None = None
    language: str = DEFAULT_LANGUAGE
    waveforms: bool = False
    load_file: bool = False
    redactions: Redactions | None = None
    masked: frozenset[Mask] = frozenset()
    lock: Lock | None = None
    certificate_pdf: bool = False
    why: Why = field(default_factory=Why)
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where numbers were found: the calls with them, the leads of those calls, and those of the
    calls that have none. `numbers` are those that some call has, as `bare_number` writes them."""

    calls: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was done to bring home what the archive lacked.

    `mode` is `fetched`, `offline`, or `locked` when another run had locked the archive. `until`
    is the end of the period that was asked for; `gaps` say what could not be listed, a sentence
    each.
    """

    mode: str
    run_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    recordings: int = 0
    gaps: tuple[str, ...] = ()

    def said(self, say: Messages) -> str:
        """What was done, for people."""
        if self.mode in ("offline", "locked"):
            return say(f"fetched.{self.mode}")
        if not self.recordings:
            return say("fetched.nothing")
        return say("fetched.new", count=self.recordings)


def fetch_request(selection: Selection, trace: Trace) -> RunRequest | None:
    """The run that brings home what the archive lacks of the selection; None: nothing to ask for.

    Calls that are named are asked for by id. Else one list is read, the shortest that holds every
    call that may fit: of the leads, of the orders, of the leads of the numbers, or of all orders.
    """
    asked = partial(
        RunRequest,
        since=selection.since or BEGINNING,
        until=selection.until,
        for_export=True,
    )
    calls = selection.named_calls
    if calls is not None:
        return asked(calls=_once(calls)) if calls else None
    if selection.leads:
        return asked(leads=_once(selection.leads))
    if selection.orders:
        return asked(orders=_once(selection.orders))
    if selection.phones:
        is_found = trace.leads or trace.loose
        return asked(leads=trace.leads, calls=trace.loose) if is_found else None
    return asked()


def _once(ids: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(ids))
