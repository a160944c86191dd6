"""Collects the tables of a package while calls are packed, and adds them at the end."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from anyio import to_thread

from archiver.export import loadfile, table
from archiver.export.bag import Bag, Scratch
from archiver.export.entries import CallEntry, RecordingEntry
from archiver.export.target import Target, writing
from archiver.export.voice import Voice
from archiver.export.workbook import Workbook


class Tables:
    """`calls.csv`, `calls.xlsx` and, if requested, `loadfile.dat`. Use it as a context manager.
    Methods that are not coroutines block. Raises StorageFull and other storage errors."""

    def __init__(self, target: Target, voice: Voice, folder: Path, load_file: bool) -> None:
        self._target = target.path
        self._zone = voice.zone
        self._csv = Scratch(target)
        self._loads = Scratch(target) if load_file else None
        with writing(target.path):
            self._book = Workbook(voice, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._csv.close()
        if self._loads is not None:
            self._loads.close()
        with suppress(OSError):  # the first error counts, not the ones that follow from it
            self._book.close()

    def add(self, call: CallEntry, packed: Sequence[RecordingEntry]) -> None:
        """Add a call, and those of its recordings that were packed under it."""
        self._csv.append(table.lines(call, self._zone))
        with writing(self._target):
            self._book.add(call)
        if self._loads is not None:
            self._loads.append(loadfile.lines(call, packed, self._zone))

    async def pack(self, bag: Bag, moment: datetime | None) -> None:
        """Write the tables to the package."""
        await bag.add_text("calls.csv", moment, table.header(), self._csv)
        with writing(self._target):
            size = await to_thread.run_sync(self._book.finish)
            await bag.add("calls.xlsx", self._book.chunks(), size, moment)
        if self._loads is not None:
            await bag.add_text("loadfile.dat", moment, loadfile.header(), self._loads)
