"""The steps of an export for the command line: search, fetch, pack, each with progress."""

import getpass
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio

from archiver.archive.opening import existing_archive, watched_archive
from archiver.cli.act_options import deed_of
from archiver.cli.evidence import acted_anew
from archiver.cli.progress import Tally, printer_for
from archiver.cli.running import run_with_progress
from archiver.cli.watch import shown_by, unless_interrupted
from archiver.config import Config
from archiver.console import Console
from archiver.desk.file import desk_data
from archiver.desk.review.tags import recordings_with
from archiver.errors import NoArchive, NothingToExport
from archiver.export.custody import Exporter, acts_of_export
from archiver.export.fetching import fetch
from archiver.export.outcome import ExportReport
from archiver.export.package import export
from archiver.export.request import ExportRequest, Fetched, Trace
from archiver.export.selection import Named
from archiver.export.tracing import trace
from archiver.run.events import Note, OnEvent
from archiver.run.report import RunReport
from archiver.run.request import RunRequest

_Result = TypeVar("_Result")


def export_package(
    config: Config, request: ExportRequest, console: Console, state_folder: Path
) -> ExportReport | None:
    """Search for numbers, fetch what is missing, and pack. None if it was interrupted.

    Each step ends cleanly on SIGINT and SIGTERM.
    """
    if request.selection.tags:
        request = anyio.run(_with_tagged, config, request, state_folder)
    traced = Trace()
    if request.selection.needs_trace:
        found = with_progress(console, partial(_trace, config, request, state_folder))
        if found is None:
            return None
        traced = found
    fetched = anyio.run(_fetch, config, request, traced, console, state_folder)
    if fetched is None:
        return None
    pack = partial(_pack, config, request, fetched, traced, state_folder, console)
    return with_progress(console, pack)


async def _with_tagged(config: Config, request: ExportRequest, state_folder: Path) -> ExportRequest:
    """The request with the recordings that have its tags in the desk of this machine."""
    selection = request.selection
    async with existing_archive(config) as (_, archive_id):
        pass
    path = desk_data(config, archive_id, state_folder)
    tagged = await recordings_with(path, archive_id, selection.tags)
    if not tagged:
        raise NothingToExport(
            f"no recording has the tag {' or '.join(selection.tags)}",
            hint="the list of the desk shows the tags that are in use",
        )
    return replace(request, selection=replace(selection, tagged=Named(tagged)))


async def _trace(
    config: Config, request: ExportRequest, state_folder: Path, on_event: OnEvent
) -> Trace:
    try:
        async with watched_archive(config, state_folder=state_folder) as archive:
            return await trace(archive, request.selection, on_event)
    except NoArchive:
        if request.offline:
            raise
        return Trace()


async def _fetch(
    config: Config, request: ExportRequest, traced: Trace, console: Console, state_folder: Path
) -> Fetched | None:
    async def run(config: Config, asked: RunRequest) -> RunReport | None:
        console.say("fetching what is missing in the archive")
        return await run_with_progress(config, asked, console, state_folder)

    def on_event(event: object) -> None:
        if isinstance(event, Note):
            console.say(event.text)

    return await fetch(config, request, traced, run=run, on_event=on_event)


async def _pack(
    config: Config,
    request: ExportRequest,
    fetched: Fetched,
    traced: Trace,
    state_folder: Path,
    console: Console,
    on_event: OnEvent,
) -> ExportReport:
    report = await export(
        config,
        request,
        fetched,
        traced,
        exporter=exporter_here(),
        on_event=on_event,
        state_folder=state_folder,
    )
    for did, concerning in acts_of_export(report.custody):
        deed = deed_of(did, request.why, **concerning)
        await acted_anew(
            config, state_folder, console, deed, today=request.today, told=report.troubles
        )
    return report


def with_progress(
    console: Console, work: Callable[[OnEvent], Awaitable[_Result]]
) -> _Result | None:
    """The result of the work, with progress; None if a signal ended it."""
    tally = Tally()

    async def shown() -> _Result:
        async with shown_by(printer_for(tally, console, time.monotonic)):
            return await work(tally)

    return anyio.run(unless_interrupted, console, shown)


def exporter_here() -> Exporter:
    """The user account and machine that export."""
    return Exporter(_account(), socket.gethostname())


def _account() -> str:
    """The account that runs this process; a container may have no name for it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
