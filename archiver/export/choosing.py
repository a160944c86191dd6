"""Selects the calls of an export, after everything available was fetched."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from archiver.archive.archive import Archive
from archiver.catalog import selection
from archiver.catalog.kinds import Kind
from archiver.clock import Clock
from archiver.config import Config
from archiver.errors import NothingToExport
from archiver.export.inquiry import Inquiry, inquiry
from archiver.export.request import ExportRequest, Fetched, Trace, fetch_request
from archiver.export.selection import Named, Selection, bare_number
from archiver.export.tracing import search_among
from archiver.export.voice import Voice
from archiver.ledger.segments import Head
from archiver.run.events import OnEvent
from archiver.run.request import RunRequest
from archiver.run.windows import window_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """The selected calls. `head` is the ledger's head that they are based on; `not_found` has the
    parts of the request without calls."""

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
    """Select the calls in the catalog of this archive. Raises NothingToExport."""
    wanted, choice = request.selection, archive.catalog.selection
    asked = fetch_request(wanted, traced)
    missing: list[str] = []
    async with _api(config, archive, asked, fetched, on_event) as api:
        if api is not None and fetched.mode == "locked":
            until = window_of(config, api.request, clock())[1]
            gaps = await api.find_unfetched(until)
            since = api.request.since
            fetched = replace(fetched, since=since, until=until, gaps=(*fetched.gaps, *gaps))

        async def look_up() -> None:
            if api is not None:
                await api.ask_about_untold()

        kinds = [*wanted.kinds()]
        if wanted.is_searched:
            kind, numbers, statuses = await search_among(archive, wanted, traced, look_up)
            kinds.append(kind)
            missing += [one for one in wanted.phones if bare_number(one) not in numbers]
            missing += [f"status {one}" for one in wanted.statuses if one not in statuses]
        sums = await choice.choose(kinds)
        if sums.calls:
            await look_up()
    if not sums.calls:
        raise await _nothing(archive, request, fetched, config.window.timezone)
    return Chosen(
        sums=sums,
        fetched=fetched,
        not_found=(*await _not_found(archive, wanted), *missing),
        head=await archive.catalog.head(),
        last_run=await archive.catalog.ask(selection.last_run),
    )


@asynccontextmanager
async def _api(
    config: Config,
    archive: Archive,
    asked: RunRequest | None,
    fetched: Fetched,
    on_event: OnEvent,
) -> AsyncIterator[Inquiry | None]:
    if fetched.mode == "offline" or asked is None:
        yield None
        return
    async with inquiry(config, archive, asked, on_event) as api:
        yield api


async def _not_found(archive: Archive, wanted: Selection) -> list[str]:
    """The parts of the selection without any calls, noting those that were erased."""
    erased = await _erased(archive, wanted)
    listed = wanted.listed or Named()
    named = [
        *((f"lead {one}", Kind(leads=(one,))) for one in wanted.leads),
        *((f"order {one}", Kind(orders=(one,))) for one in wanted.orders),
        *((f"call {one}", Kind(calls=(one,))) for one in wanted.calls),
        *((f"user {one}", Kind(users=(one,))) for one in wanted.users),
        *((f"call {one}", Kind(calls=(one,))) for one in sorted(listed.calls)),
        *((f"recording {one}", Kind(recordings=(one,))) for one in sorted(listed.recordings)),
    ]
    choice = archive.catalog.selection
    missing = [word for word, kind in named if not await choice.counted(kind)]
    return [f"{one} (erased from this archive)" if one in erased else one for one in missing]


async def _erased(archive: Archive, wanted: Selection) -> list[str]:
    """The parts of the selection that were erased from the archive."""
    calls = [*wanted.calls, *(wanted.listed.calls if wanted.listed else ())]
    leads, calls = await archive.catalog.ask(
        lambda db: selection.erased(db, leads=wanted.leads, calls=calls)
    )
    return [f"lead {one}" for one in leads] + [f"call {one}" for one in calls]


async def _nothing(
    archive: Archive, request: ExportRequest, fetched: Fetched, zone: tzinfo
) -> NothingToExport:
    wanted = request.selection
    title = wanted.title(Voice(zone=zone))
    title = title[:1].lower() + title[1:]
    if erased := await _erased(archive, wanted):
        return NothingToExport(
            f"no calls for {title}; erased from this archive: {', '.join(erased)}",
            hint="erased calls are not fetched again",
        )
    if fetched.gaps:
        return NothingToExport(
            f"no calls for {title} in the archive; the API did not give them: {fetched.gaps[0]}",
            hint="check the id, or try again; run `archiver doctor` to find out which part fails",
        )
    if wanted.phones and not any((wanted.leads, wanted.orders, wanted.calls)):
        return NothingToExport(
            f"no calls for {title} in the archive",
            hint="write it with its country code, such as +79001234567; the API cannot be "
            "searched by number, so only archived calls are found: use --lead instead",
        )
    is_narrowed = sum(1 for _ in wanted.kinds()) + wanted.is_searched > 1
    is_known_only = wanted.listed is not None and not wanted.listed.calls and not is_narrowed
    if request.offline or is_known_only:
        return NothingToExport(
            f"no calls for {title} in the archive",
            hint="recordings are exported from the archive only: check the ids"
            if is_known_only
            else "run it without --offline to query the API, too",
        )
    if is_narrowed:
        return NothingToExport(
            f"no call matches all of: {title}",
            hint="different options narrow the selection: remove one",
        )
    return NothingToExport(
        f"no calls for {title}, neither in the archive nor in the API",
        hint="check the id; nothing was written",
    )
