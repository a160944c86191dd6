"""A run that dies at a step of its choosing: in a process of its own, without a word.

A step is whatever changes the disk: a write, a link, a rename, a removal, a transaction of
the catalog. The process ends right after it, or in the middle of it where it is a write.
"""

import os
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import anyio

from archiver.catalog.connection import Writer
from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from archiver.storage.local import disk
from tests.support.world import Night, bench

DIED = 77
NIGHTS_BEFORE = 2
LARGE = 1_300_000
"""Bytes that do not stay in memory on their way to a disk."""

_CHANGES = ("link", "unlink", "replace", "rename", "mkdir", "rmdir", "fchmod")


class Steps:
    """Counts the steps of this process and ends it after number `last`."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last
        self._lock = threading.Lock()

    def take(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._last:
                os._exit(DIED)

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            result = function(*arguments, **named)
            self.take()
            return result

        return counted

    def in_the_middle(self, function: Callable[[int, bytes], None]) -> Callable[..., None]:
        def counted(file: int, data: bytes) -> None:
            function(file, data[: len(data) // 2])
            self.take()
            function(file, data[len(data) // 2 :])

        return counted

    def arm(self) -> None:
        """From now on every step counts."""
        for name in _CHANGES:
            setattr(os, name, self.after(getattr(os, name)))
        disk._write_all = self.in_the_middle(disk._write_all)
        for verb in ("write", "write_at_once"):
            setattr(Writer, verb, self.after_writing(getattr(Writer, verb)))

    def after_writing(self, write: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*arguments: Any) -> Any:
            result = await write(*arguments)
            self.take()
            return result

        return counted


def world_on(night: int) -> World:
    """The call centre as it is that night; the last night has every kind of news."""
    is_last = night >= NIGHTS_BEFORE
    world = World().user(101).call(1).recording(11, summary="Late." if is_last else None)
    world.call(2).recording(21).call(3, has_records=True).call(6).recording(61)
    if is_last:
        world.recording(31, call=3, audio=wav(LARGE))
        world.call(4, at="2026-11-03T20:00:00Z", lead=None).recording(41, lead_id=None)
        world.call(5, order=2, at="2026-11-03T20:00:01Z").recording(51).recording(52)
        world.call(7, at="2026-11-03T20:00:02Z").recording(51)
    return world


def faults_on(night: int) -> list[Fault]:
    faults = [Fault(Route.FILE, Status(404), id=61)]
    if night < NIGHTS_BEFORE:
        faults.append(Fault(Route.FILE, Status(500), id=21))
    return faults


async def one_night(folder: Path, number: int) -> Night:
    """Run the night of that number, over the archive in the folder."""
    async with bench(folder, world_on(number), faults_on(number)) as night:
        night.clock.advance(days=number)
        await night.run()
    return night


def die(folder: Path, last: int | None, told: Path) -> None:
    """Run the last night and die after step `last`; without one, write how many there are."""
    steps = Steps(last)
    steps.arm()
    anyio.run(one_night, folder, NIGHTS_BEFORE)
    told.write_text(str(steps.count))
