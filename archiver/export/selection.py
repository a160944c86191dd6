"""Which calls an export is about, once everything that could be fetched was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from archiver.archive.archive import Archive
from archiver.catalog import selection
from archiver.clock import Clock
from archiver.config import Config
from archiver.errors import NothingToExport
from archiver.export.inquiry import Inquiry, inquiry
from archiver.export.request import (
    BEGINNING,
    ExportRequest,
    Fetched,
    Trace,
    bare_number,
    fetch_request,
)
from archiver.export.tracing import trace_again
from archiver.ledger.segments import Head
from archiver.run.events import OnEvent
from archiver.run.request import RunRequest
from archiver.run.windows import window_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is exported. `head` is that of the ledger that tells so; `not_found` names what of the
    request has no calls."""

    sums: selection.Sums
    fetched: Fetched
    not_found: tuple[str, ...]
    head: Head
    last_run: datetime | None


async def choose(
    config: Config,
    request: ExportRequest,
    fetched: Fetched,
    traced: Trace,
    archive: Archive,
    *,
    on_event: OnEvent,
    clock: Clock,
) -> Chosen:
    """Choose the calls, in the catalog of this archive. Raises NothingToExport."""
    asked = fetch_request(request, traced)
    async with _api(config, archive, asked, fetched, on_event) as api:
        if api is not None and fetched.mode == "locked":
            until = window_of(config, asked, clock())[1]
            gaps = await api.find_unfetched(until)
            fetched = replace(fetched, since=BEGINNING, until=until, gaps=(*fetched.gaps, *gaps))

        async def look_up() -> None:
            if api is not None:
                await api.ask_about_untold()

        if request.phones:
            traced = await trace_again(archive, request, traced, look_up)
        calls = (*request.calls, *traced.calls)
        sums = await archive.catalog.selection.choose(
            leads=request.leads, orders=request.orders, calls=calls
        )
        if sums.calls:
            await look_up()
    if not sums.calls:
        raise await _nothing(archive, request, fetched)
    return Chosen(
        sums=sums,
        fetched=fetched,
        not_found=tuple(await _not_found(archive, request, traced)),
        head=await archive.catalog.head(),
        last_run=await archive.catalog.ask(selection.last_run),
    )


@asynccontextmanager
async def _api(
    config: Config, archive: Archive, asked: RunRequest, fetched: Fetched, on_event: OnEvent
) -> AsyncIterator[Inquiry | None]:
    if fetched.mode == "offline":
        yield None
        return
    async with inquiry(config, archive, asked, on_event) as api:
        yield api


async def _not_found(archive: Archive, request: ExportRequest, traced: Trace) -> list[str]:
    """What of the request has no calls at all, and whether it was erased."""
    erased = await _erased(archive, request)
    missing = []
    for kind, ids in (("lead", request.leads), ("order", request.orders), ("call", request.calls)):
        for one in ids:
            is_known = await archive.catalog.selection.counted(kind=kind, one=one)
            missing += [] if is_known else [f"{kind} {one}"]
    missing += [one for one in request.phones if bare_number(one) not in traced.numbers]
    return [f"{one} (erased from this archive)" if one in erased else one for one in missing]


async def _erased(archive: Archive, request: ExportRequest) -> list[str]:
    """What of the request was erased from the archive."""
    leads, calls = await archive.catalog.ask(
        lambda db: selection.erased(db, leads=request.leads, calls=request.calls)
    )
    return [f"lead {one}" for one in leads] + [f"call {one}" for one in calls]


async def _nothing(archive: Archive, request: ExportRequest, fetched: Fetched) -> NothingToExport:
    title = request.title[:1].lower() + request.title[1:]
    if erased := await _erased(archive, request):
        return NothingToExport(
            f"no calls for {title}; erased from this archive: {', '.join(erased)}",
            hint="what was erased is not fetched again",
        )
    if fetched.gaps:
        return NothingToExport(
            f"no calls for {title} in the archive; the API did not give them: {fetched.gaps[0]}",
            hint="check the id, or try again; `archiver doctor` tells which part fails",
        )
    if request.phones and not (request.leads or request.orders or request.calls):
        return NothingToExport(
            f"no calls for {title} in the archive",
            hint="write it with its country code, such as +79001234567; a number that no archived"
            " call has cannot be found, since the API cannot be searched by it: name the --lead",
        )
    if fetched.mode == "offline":
        return NothingToExport(
            f"no calls for {title} in the archive", hint="without --offline the API is asked, too"
        )
    return NothingToExport(
        f"no calls for {title}, neither in the archive nor at the API",
        hint="check the id; nothing was written",
    )
