"""A run as a command lives it: progress while it lasts, signals that end it, its balance."""

import os
import signal
import time
from pathlib import Path
from typing import Final

import anyio

from archiver.cli.balance import balance_lines
from archiver.cli.context import Context
from archiver.config import Config
from archiver.console import Console
from archiver.plan import RunRequest
from archiver.progress import Printer, Tally, printer_for
from archiver.report import RunReport
from archiver.run import run

INTERRUPTED: Final = 130
_TICK_SECONDS: Final = 0.2


async def run_with_progress(
    config: Config, request: RunRequest, console: Console, state_folder: Path
) -> RunReport | None:
    """The report of the run; None when it was interrupted before there was anything to report.

    The first SIGINT or SIGTERM asks the run to end in order; the second ends the process at once,
    which the archive survives as it survives any kill.
    """
    tally = Tally()
    printer = printer_for(tally, console, time.monotonic)
    stop = anyio.Event()
    try:
        async with anyio.create_task_group() as around:
            around.start_soon(_stop_on_signal, stop, console)
            around.start_soon(_tick, printer)
            report = await run(
                config, request, on_event=tally, stop=stop, state_folder=state_folder
            )
            around.cancel_scope.cancel()
    finally:
        printer.close()
    return report


async def _stop_on_signal(stop: anyio.Event, console: Console) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.is_set():
                os._exit(INTERRUPTED)
            stop.set()
            console.say("stopping: what is under way is put in order; once more ends at once")


async def _tick(printer: Printer) -> None:
    while True:
        printer.tick()
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
