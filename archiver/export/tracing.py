"""Finds calls by telephone number and status.

Numbers are personal data, and statuses are defined by customers, so neither is in the ledger or the
catalog; and the API cannot be searched by number. They are in the sidecars, so one sidecar of each
call that may match is read, many in parallel, with progress; for calls without a sidecar, the API's
rows are used. The leads of the calls found determine what the run fetches.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from archiver.archive.archive import Archive
from archiver.catalog import selection as catalog
from archiver.catalog.kinds import Kind
from archiver.catalog.selection import Scanned
from archiver.errors import KeyMissing
from archiver.export.request import Trace
from archiver.export.selection import Selection, number_in
from archiver.recordings.sidecar import MOST_BYTES, decode
from archiver.run.events import CallDone, CallsListed, Note, OnEvent
from archiver.storage.keys import sidecar_key
from archiver.tasks.lanes import in_lanes

_AT_ONCE = 16
_PAGE = 512
_NONE = frozenset({0})
"""No call has this id; an empty kind would not narrow the selection."""


async def trace(archive: Archive, selection: Selection, on_event: OnEvent) -> Trace:
    """The calls in the archive with one of the numbers, and their leads.

    Missing and damaged sidecars are skipped here; `verify` reports them.
    """
    total = await archive.catalog.ask(catalog.scans)
    what = "the number" if len(selection.phones) == 1 else "the numbers"
    on_event(Note(f"looking for {what} in {total:,} calls"))
    on_event(CallsListed(total))

    async def page(after: int) -> list[Scanned]:
        return await archive.catalog.ask(
            partial(catalog.scanned_everywhere, after=after, most=_PAGE)
        )

    search = _Search(archive, selection.numbers, frozenset())
    await search.run(page, lambda count: on_event(CallDone("archived", count)))
    leads = {lead for lead in search.found.values() if lead is not None}
    return Trace(
        calls=tuple(sorted(search.found)),
        leads=tuple(sorted(leads)),
        loose=tuple(sorted(call for call, lead in search.found.items() if lead is None)),
        numbers=frozenset(search.numbers),
    )


async def search_among(
    archive: Archive,
    selection: Selection,
    traced: Trace,
    look_up: Callable[[], Awaitable[None]],
) -> tuple[Kind, frozenset[str], frozenset[str]]:
    """The calls that match all other kinds, and have one of the numbers and one of the statuses;
    also the numbers and the statuses that were found.

    `look_up` queries the API for the selected calls without a sidecar, whose rows have both.
    """
    choice = archive.catalog.selection
    kinds = [*selection.kinds()]
    if selection.needs_trace:
        kinds.append(Kind(calls=traced.calls or _NONE, leads=traced.leads))
    await choice.choose(kinds)
    await look_up()
    search = _Search(archive, selection.numbers, frozenset(selection.statuses))
    await search.run(lambda after: choice.scanned(after, _PAGE))
    for call, phone, status in await choice.told():
        search.look_at(call, None, phone, [status])
    kind = Kind(calls=search.found or _NONE)
    return kind, frozenset(search.numbers), frozenset(search.statuses_found)


@dataclass(slots=True)
class _Search:
    """Finds the calls whose sidecar has one of the numbers and one of the statuses, if any are
    wanted; the values of `found` are their leads."""

    archive: Archive
    wanted: frozenset[str]
    statuses: frozenset[str]
    found: dict[int, int | None] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    statuses_found: set[str] = field(default_factory=set)

    async def run(
        self,
        page: Callable[[int], Awaitable[Sequence[Scanned]]],
        on_searched: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Search all pages of calls; `page` returns the page after a position."""
        after = 0
        while entries := await page(after):
            await in_lanes(_AT_ONCE, entries, self._look)
            on_searched(len(entries))
            after = entries[-1].place

    async def _look(self, entry: Scanned) -> None:
        try:
            key = sidecar_key(entry.key)
            fields = decode(await self.archive.storage.read(key, limit=MOST_BYTES)).fields
        except (KeyMissing, ValueError):
            return
        call = fields["call"]
        statuses = [fields.get("statusCode"), call.get("statusCode")]
        self.look_at(entry.call_id, entry.lead_id, call.get("clientPhone"), statuses)

    def look_at(
        self, call_id: int, lead: int | None, phone: object, statuses: Sequence[object]
    ) -> None:
        """Check a call with these facts."""
        number = number_in(phone, self.wanted) if self.wanted else ""
        status = self.statuses.intersection(one for one in statuses if isinstance(one, str))
        if number is None or (self.statuses and not status):
            return
        self.found[call_id] = lead
        self.numbers |= {number} - {""}
        self.statuses_found |= status
