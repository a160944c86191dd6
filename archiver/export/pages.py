"""Writes the pages of a package while it is packed, a chunk of calls at a time."""

from collections.abc import Sequence
from datetime import datetime

from archiver.export.bag import Bag
from archiver.export.entries import CallEntry, Contents
from archiver.export.page import (
    CHUNK,
    Index,
    Totals,
    chunk,
    day_of,
    page,
    peaks_chunk,
    plain_list,
    say_month,
)
from archiver.export.voice import Voice
from archiver.export.waveforms import Waveforms


class Pages:
    """Writes `index.html` with its data, and the plain lists. At most one chunk is in memory."""

    def __init__(self, bag: Bag, title: str, voice: Voice, waveforms: Waveforms) -> None:
        self._bag = bag
        self._title = title
        self._voice = voice
        self._waveforms = waveforms
        self._index = Index()
        self._chunk: list[CallEntry] = []
        self._list: list[CallEntry] = []
        self._parts: dict[str, int] = {}

    async def add(self, call: CallEntry) -> None:
        """Add the next call, in order of time."""
        self._index.count(call, self._voice)
        if self._list and (len(self._list) == CHUNK or self._month(call) != self._month_of_list):
            await self._write_list()
        self._chunk.append(call)
        self._list.append(call)
        if len(self._chunk) == CHUNK:
            await self._write_chunk()

    async def finish(self, done: Contents) -> None:
        """Write the rest, and the page itself."""
        await self._write_chunk()
        await self._write_list()
        totals = Totals(
            title=self._title,
            calls=done.calls,
            recordings=done.recordings,
            seconds=done.seconds,
            first=done.first,
            last=done.last,
            missing=len(done.missing),
        )
        written = page(totals, self._index, self._voice)
        await self._bag.add_text("index.html", self._moment(done.last), written)

    async def _write_chunk(self) -> None:
        calls, self._chunk = self._chunk, []
        if not calls:
            return
        self._index.chunks.append(len(calls))
        number, at = len(self._index.chunks), self._moment(_last(calls))
        written = chunk(number, calls, self._voice)
        await self._bag.add_text(f"view/calls-{number:04}.js", at, written)
        if self._waveforms.is_drawing:
            ids = [one.record_id for call in calls for one in call.recordings if one.file]
            drawn = await self._waveforms.of(ids)
            self._index.has_peaks = True
            await self._bag.add_text(f"view/peaks-{number:04}.js", at, peaks_chunk(number, drawn))

    async def _write_list(self) -> None:
        calls, self._list = self._list, []
        if not calls:
            return
        month = self._month(calls[0])
        part = self._parts[month] = self._parts.get(month, 0) + 1
        path = f"lists/{month}{'' if part == 1 else f'-{part}'}.html"
        name = say_month(day_of(calls[0], self._voice), self._voice)
        name = name if part == 1 else f"{name} ({part})"
        self._index.lists.append((path, name, len(calls)))
        written = plain_list(calls, name, self._title, self._voice)
        await self._bag.add_text(path, self._moment(_last(calls)), written)

    @property
    def _month_of_list(self) -> str:
        return self._month(self._list[0])

    def _month(self, call: CallEntry) -> str:
        return (day_of(call, self._voice) or "undated")[:7]

    def _moment(self, at: datetime | None) -> datetime | None:
        return at.astimezone(self._voice.zone) if at else None


def _last(calls: Sequence[CallEntry]) -> datetime | None:
    return max((call.at for call in calls if call.at), default=None)
