"""A run for the command line: its progress, and its balance at the end."""

import time
from collections.abc import Callable
from pathlib import Path

import anyio

from archiver.archive.pace import REAL_PACE, Pace
from archiver.cli.balance import balance_lines
from archiver.cli.context import Context
from archiver.cli.event_log import log_end, log_event
from archiver.cli.failures import our_error, say_failure
from archiver.cli.progress import Tally, printer_for
from archiver.cli.replicating import replicate_after_run
from archiver.cli.watch import shown_by, stopped_by_signal
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.console import Console
from archiver.errors import INTERRUPTED
from archiver.monitoring.night import Night
from archiver.run.events import Event
from archiver.run.report import RunReport
from archiver.run.request import RunRequest
from archiver.run.run import run


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
    """One run, with its balance or error printed on the console; returns its result.

    `stop` interrupts it cleanly. `alive` is called a few times a second meanwhile. Raises no error
    that a run may end with.
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
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be notified
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
    if told is not None and not request.dry_run:
        await replicate_after_run(config, context, state_folder, stop, clock=clock, alive=alive)
    return night


async def run_with_progress(
    config: Config, request: RunRequest, console: Console, state_folder: Path
) -> RunReport | None:
    """The report of the run; None if it was interrupted before there was anything to report."""
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
    """The same, if `stop` is set elsewhere; prints progress and calls `alive`."""
    tally = Tally()
    printer = printer_for(tally, console, time.monotonic)

    def heard(event: Event) -> None:
        tally(event)
        log_event(console, event)

    async with shown_by(printer, alive=alive):
        return await run(
            config,
            request,
            on_event=heard,
            stop=stop,
            state_folder=state_folder,
            clock=clock,
            pace=pace,
        )


def finish(report: RunReport | None, config: Config, context: Context) -> int:
    """Print the balance and return the exit code.

    With `--quiet`, when standard output may be discarded, an unsuccessful run also prints a
    warning.
    """
    if report is None:
        context.console.interrupted()
        return INTERRUPTED
    told = report.as_json()
    lines = balance_lines(told, config.window.timezone)
    context.console.result(*lines)
    context.console.json(told)
    if report.exit_code and context.console.quiet:
        context.console.warn(lines[-1])
    return report.exit_code
