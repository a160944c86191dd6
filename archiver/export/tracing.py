"""Whose number is it: from telephone numbers to calls.

Numbers are personal, so neither the ledger nor the catalog holds them, and the API has no method
that finds calls by number. They are in the sidecars alone (`call.clientPhone`), so one sidecar of
each call is read, many at a time, with progress. The leads of the calls that are found tell the run
what to fetch, so that is all the search costs.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from archiver.archive.archive import Archive
from archiver.catalog import selection
from archiver.errors import KeyMissing
from archiver.export.request import ExportRequest, Trace, bare_number, number_in
from archiver.recordings.sidecar import MOST_BYTES, decode
from archiver.run.events import CallDone, CallsListed, Note, OnEvent
from archiver.storage.keys import sidecar_key
from archiver.tasks.lanes import in_lanes

_AT_ONCE = 16
_PAGE = 512


async def trace(archive: Archive, request: ExportRequest, on_event: OnEvent) -> Trace:
    """The calls in the archive with one of the numbers, and their leads.

    A sidecar that is missing or broken is passed over here; `verify` names it.
    """
    total = await archive.catalog.ask(selection.scans)
    what = "the number" if len(request.phones) == 1 else "the numbers"
    on_event(Note(f"looking for {what} in {total:,} calls"))
    on_event(CallsListed(total))
    search = _Search(archive, request, on_searched=lambda n: on_event(CallDone("archived", n)))
    await search.run(None)
    leads = {lead for lead in search.found.values() if lead is not None}
    return Trace(
        calls=tuple(sorted(search.found)),
        leads=tuple(sorted(leads)),
        loose=tuple(sorted(call for call, lead in search.found.items() if lead is None)),
        numbers=frozenset(search.numbers),
    )


async def trace_again(
    archive: Archive, request: ExportRequest, traced: Trace, look_up: Callable[[], Awaitable[None]]
) -> Trace:
    """The trace with what is new of its leads since they were fetched.

    `look_up` asks the API about the chosen calls that have no sidecar: their rows name numbers.
    """
    search = _Search(archive, request)
    await search.run(traced.leads)
    calls, numbers = {*traced.calls, *search.found}, {*traced.numbers, *search.numbers}
    await archive.catalog.selection.choose(leads=traced.leads, orders=(), calls=())
    await look_up()
    for call, phone in await archive.catalog.selection.numbers():
        if number := number_in(phone, search.wanted):
            calls.add(call)
            numbers.add(number)
    return replace(traced, calls=tuple(sorted(calls)), numbers=frozenset(numbers))


class _Search:
    """Finds the calls whose sidecar has one of the request's numbers; their leads are the values
    of `found`."""

    def __init__(
        self,
        archive: Archive,
        request: ExportRequest,
        on_searched: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._archive = archive
        self._on_searched = on_searched
        self.wanted = frozenset(map(bare_number, request.phones))
        self.found: dict[int, int | None] = {}
        self.numbers: set[str] = set()

    async def run(self, leads: Sequence[int] | None) -> None:
        """Look through the calls of those leads; None: through all."""
        after = 0
        while True:
            ask = partial(selection.scanned, leads=leads, after=after, most=_PAGE)
            page = await self._archive.catalog.ask(ask)
            if not page:
                return
            await self._look_through(page)
            self._on_searched(len(page))
            after = page[-1][0]

    async def _look_through(self, page: Sequence[tuple[int, str, int | None]]) -> None:
        async def look(entry: tuple[int, str, int | None]) -> None:
            call_id, key, lead = entry
            if number := await self._number_of(key):
                self.found[call_id] = lead
                self.numbers.add(number)

        await in_lanes(_AT_ONCE, page, look)

    async def _number_of(self, key: str) -> str | None:
        try:
            data = await self._archive.storage.read(sidecar_key(key), limit=MOST_BYTES)
            card = decode(data)
        except (KeyMissing, ValueError):
            return None
        return number_in(card.fields["call"].get("clientPhone"), self.wanted)
