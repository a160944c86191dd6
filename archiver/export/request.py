"""What an export is asked for, and what was fetched before it began (pure)."""

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
"""The beginning of "all time": the API requires a period, and no web service recorded calls before.
It is stated in the custody record."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which calls are exported to where, and what is left out. `by` is the name of the person
    exporting, as they gave it; `lock` is the encryption; `why` is for the record of the act;
    `today` is the day (UTC) that a person confirms if the machine's clock is in doubt."""

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
    """Where telephone numbers were found: the calls with them, the leads of those calls, and the
    calls among them without a lead. `numbers` are those found, as written by `bare_number`."""

    calls: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetched:
    """How missing recordings were fetched before the export.

    `mode` is `fetched`, `offline`, or `locked` if another run had locked the archive. `until` is
    the end of the requested period; `gaps` has a sentence for each list that could not be read.
    """

    mode: str
    run_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    recordings: int = 0
    gaps: tuple[str, ...] = ()

    def said(self, say: Messages) -> str:
        """The same as a sentence."""
        if self.mode in ("offline", "locked"):
            return say(f"fetched.{self.mode}")
        if not self.recordings:
            return say("fetched.nothing")
        return say("fetched.new", count=self.recordings)


def fetch_request(selection: Selection, trace: Trace) -> RunRequest | None:
    """The run that fetches what is missing of the selection; None if nothing has to be requested.

    Calls given by id are requested by id. Otherwise the shortest list is read that contains every
    matching call: that of the leads, of the orders, of the numbers' leads, or of all orders.
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
