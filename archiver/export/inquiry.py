"""Queries the API for calls without a sidecar: who called whom, and how the call ended.

The answers fill cells, which stay empty if the API is unavailable. While another run has locked the
archive, nothing can be fetched; then the API's lists still show what is missing.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from archiver.archive.archive import Archive
from archiver.catalog import selection
from archiver.catalog.selection import Untold
from archiver.config import Config
from archiver.errors import RequestError, SourceError
from archiver.export.entries import call_facts
from archiver.export.request import BEGINNING
from archiver.liner.client import LinerClient
from archiver.liner.enumerate import Emit, Enumerator
from archiver.liner.models import Call
from archiver.liner.names import Directory
from archiver.liner.scope import Scope, Stretch, Window
from archiver.run.events import Note, OnEvent
from archiver.run.request import RunRequest
from archiver.run.source import source

_FEW: Final = 50
"""Up to this many calls are requested one by one; for more, lists are read (100 calls a page)."""

_MOST_SINGLE: Final = 500
"""The most calls requested one by one after the lists were read: those in no list."""

_CONNECTIONS: Final = 8


@asynccontextmanager
async def inquiry(
    config: Config, archive: Archive, request: RunRequest, on_event: OnEvent
) -> AsyncIterator["Inquiry"]:
    """An inquiry into the calls of these leads and orders, and these calls."""
    async with source(
        config, connections=_CONNECTIONS, pace=archive.pace, on_retry=on_event
    ) as origin:
        yield Inquiry(origin.liner, archive, request, on_event)


@dataclass(slots=True)
class Inquiry:
    """Adds what the API returns about calls to the selection in the catalog."""

    liner: LinerClient
    archive: Archive
    request: RunRequest
    on_event: OnEvent
    _directory: Directory | None = None
    _wanted: set[int] = field(default_factory=set)

    async def ask_about_untold(self) -> None:
        """Add what the API returns about selected calls without a sidecar."""
        untold = await self.archive.catalog.selection.untold()
        self._wanted = {one.call_id for one in untold}
        try:
            if len(untold) > _FEW:
                for stretch in _stretches(untold):
                    await self._read_lists([stretch], self._keep_wanted)
            for call_id in sorted(self._wanted)[:_MOST_SINGLE]:
                with suppress(RequestError):
                    await self._keep_wanted([await self.liner.call(call_id)])
        except SourceError as error:
            self.on_event(Note(f"calls without a recording have no details: {error}"))

    async def find_unfetched(self, until: datetime) -> list[str]:
        """Add the calls that the API lists and the archive does not have; returns what could not be
        listed."""

        async def look(calls: Sequence[Call]) -> None:
            ids = [call.id for call in calls]
            unknown = await self.archive.catalog.ask(lambda db: selection.unknown(db, ids))
            await self._keep([call for call in calls if call.id in unknown])

        try:
            window = Window(self.request.since or BEGINNING, until)
            gaps = await self._read_lists(_named_stretches(self.request, window), look)
            return gaps + await self._look_at_calls(look)
        except SourceError as error:
            return [str(error)]

    async def _look_at_calls(self, look: Emit) -> list[str]:
        gaps = []
        for call_id in self.request.calls:
            try:
                await look([await self.liner.call(call_id)])
            except RequestError as error:
                if await self.archive.catalog.ask(lambda db: selection.unknown(db, [call_id])):  # noqa: B023
                    gaps.append(f"call {call_id}: {error}")
        return gaps

    async def _read_lists(self, stretches: Sequence[Stretch], emit: Emit) -> list[str]:
        shortfalls = await Enumerator(self.liner, in_one_piece=True).run(stretches, emit)
        return list(dict.fromkeys(one.error for one in shortfalls))

    async def _keep_wanted(self, calls: Iterable[Call]) -> None:
        await self._keep([call for call in calls if call.id in self._wanted])

    async def _keep(self, calls: Sequence[Call]) -> None:
        facts = [(call.id, await self._facts(call)) for call in calls]
        await self.archive.catalog.selection.keep_told(facts)
        for call in calls:
            self._wanted.discard(call.id)

    async def _facts(self, call: Call) -> dict[str, Any]:
        directory = await self._names()
        status = call.status_code or directory.status_code(call.status_id)
        order = directory.order_title(call.order_id)
        return {
            **call_facts(call.row, status=status, order=order),
            "callAgent": await directory.user_name(call.user_id),
            "at": call.created_at.timestamp() if call.created_at else None,
            "lead": call.lead_id,
            "orderId": call.order_id,
            "userId": call.user_id,
        }

    async def _names(self) -> Directory:
        if self._directory is None:
            self._directory = Directory(self.liner)
            with suppress(RequestError):
                await self._directory.load(await self.liner.orders())
        return self._directory


def _named_stretches(request: RunRequest, window: Window) -> list[Stretch]:
    scopes = (
        tuple(Scope("lead", one) for one in request.leads),
        tuple(Scope("order", one) for one in request.orders),
    )
    return [Stretch(some, window) for some in scopes if some]


def _stretches(untold: Sequence[Untold]) -> list[Stretch]:
    """The fewest lists that contain these calls: those of their leads, or of their orders."""
    times = [one.created_at for one in untold if one.created_at is not None]
    if not times:
        return []
    window = Window(min(times), max(times) + timedelta(seconds=1))
    leads = {Scope("lead", one.lead_id) for one in untold if one.lead_id is not None}
    orders = {Scope("order", one.order_id) for one in untold if one.order_id is not None}
    fewest = min((some for some in (leads, orders) if some), key=len, default=set())
    return [Stretch(tuple(sorted(fewest, key=lambda one: one.id)), window)] if fewest else []
