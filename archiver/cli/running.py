"""A run as a command lives it: progress while it lasts, signals that end it, its balance."""

import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from archiver.archive.pace import REAL_PACE, Pace
from archiver.cli.balance import balance_lines
from archiver.cli.context import Context
from archiver.cli.event_log import log_end, log_event
from archiver.cli.failing import our_error, say_failure
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.console import Console
from archiver.monitoring.night import Night
from archiver.run.events import Event, Printer, Tally, printer_for
from archiver.run.report import RunReport
from archiver.run.run import run
from archiver.run.windows import RunRequest
from archiver.tasks.failures import one_failure

INTERRUPTED: Final = 130
_TICK_SECONDS: Final = 0.2


async def one_run(
    config: Config,
    request: RunRequest,
    context: Context,
    state_folder: Path,
    stop: anyio.Event,
    *,
    clock: Clock = system_clock,
    alive: Callable[[], None] = lambda: None,
) -> Night:
    """One run, its balance or its error told on the console, and how it went.

    `stop` interrupts it in order. `alive` is called a few times a second while it lasts. Raises no
    error that a run may end with.
    """
    began, told, failure = clock(), None, None
    try:
        report = await watched_run(
            config,
            request,
            context.console,
            state_folder,
            stop,
            clock=clock,
            alive=alive,
            pace=context.pace,
        )
        told = None if report is None else report.as_json()
        code = finish(report, config, context)
    except Exception as error:  # noqa: BLE001 - whatever it is, the night has to be told
        code = say_failure(context.console, error)
        failure = our_error(error) or error
    night = Night(
        started_at=began,
        ended_at=clock(),
        exit_code=code,
        report=told,
        error="" if failure is None else str(failure) or type(failure).__name__,
        hint=getattr(failure, "hint", ""),
    )
    log_end(context.console, night)
    return night


async def run_with_progress(
    config: Config, request: RunRequest, console: Console, state_folder: Path
) -> RunReport | None:
    """The report of the run; None when it was interrupted before there was anything to report.

    What ends the run is raised as itself, not in a group, so that callers can tell it apart.
    """
    with one_failure():
        async with stopped_by_signal(console) as stop:
            return await watched_run(config, request, console, state_folder, stop)


async def watched_run(
    config: Config,
    request: RunRequest,
    console: Console,
    state_folder: Path,
    stop: anyio.Event,
    *,
    clock: Clock = system_clock,
    alive: Callable[[], None] = lambda: None,
    pace: Pace = REAL_PACE,
) -> RunReport | None:
    """The same, where somebody else sets `stop`; progress is told and `alive` is called."""
    tally = Tally()
    printer = printer_for(tally, console, time.monotonic)

    def heard(event: Event) -> None:
        tally(event)
        log_event(console, event)

    try:
        async with anyio.create_task_group() as around:
            around.start_soon(_tick, printer, alive)
            report = await run(
                config,
                request,
                on_event=heard,
                stop=stop,
                state_folder=state_folder,
                clock=clock,
                pace=pace,
            )
            around.cancel_scope.cancel()
    finally:
        printer.close()
    return report


@asynccontextmanager
async def stopped_by_signal(console: Console) -> AsyncIterator[anyio.Event]:
    """An event that the first SIGINT or SIGTERM sets, so that all ends in order.

    The second ends the process at once, which the archive survives as it survives any kill.
    """
    stop = anyio.Event()
    async with anyio.create_task_group() as around:
        around.start_soon(_stop_on_signal, stop, console)
        yield stop
        around.cancel_scope.cancel()


async def _stop_on_signal(stop: anyio.Event, console: Console) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.is_set():
                os._exit(INTERRUPTED)
            stop.set()
            console.say("stopping: what is under way is put in order; once more ends at once")


async def _tick(printer: Printer, alive: Callable[[], None]) -> None:
    while True:
        printer.tick()
        alive()
        await anyio.sleep(_TICK_SECONDS)


def finish(report: RunReport | None, config: Config, context: Context) -> int:
    """Print the balance and return the exit code."""
    if report is None:
        context.console.interrupted()
        return INTERRUPTED
    told = report.as_json()
    context.console.result(*balance_lines(told, config.window.timezone))
    context.console.json(told)
    return report.exit_code
