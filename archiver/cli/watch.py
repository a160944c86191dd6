"""Long commands: a signal ends them cleanly, and progress is shown.

The first SIGINT or SIGTERM asks the work to stop. The second ends the process at once, whatever the
command: an archive survives that like any kill.
"""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

import anyio

from archiver.console import Console
from archiver.errors import INTERRUPTED
from archiver.tasks.lanes import one_failure
from archiver.tasks.stopping import cancelled_by

_TICK_SECONDS: Final = 0.2

T = TypeVar("T")


class Printer(Protocol):
    """Shows progress. `tick` is called a few times a second, `close` once at the end."""

    def tick(self) -> None:
        """Update the display, if it is time to."""

    def close(self) -> None:
        """Show the last notes and leave the terminal clean."""


def _ending_signals() -> tuple[signal.Signals, ...]:
    """Ctrl-C, a service manager, and a closed terminal unless that is ignored (`nohup`).

    Each is received as it is: a SIGHUP that a handler turns into SIGINT reaches an event loop twice
    now and then, and the second ends the process.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hangup


@asynccontextmanager
async def stopped_by_signal(console: Console) -> AsyncIterator[anyio.Event]:
    """An event that the first signal sets; the second ends the process.

    What the body raises comes out as it is, not in a group.
    """
    stop = anyio.Event()
    with anyio.open_signal_receiver(*_ending_signals()) as signals:

        async def listen() -> None:
            async for _ in signals:
                if stop.is_set():
                    os._exit(INTERRUPTED)
                stop.set()
                console.say(
                    "Stopping: finishing the current work. Press Ctrl-C again to quit immediately."
                )

        async with _beside(listen):
            yield stop


async def unless_interrupted(console: Console, work: Callable[[], Awaitable[T]]) -> T | None:
    """The result of the work; None when a signal cancelled it."""
    result = None
    async with stopped_by_signal(console) as stop, cancelled_by(stop):
        result = await work()
    return result  # noqa: RET504 - a body that is cancelled falls through to here


@asynccontextmanager
async def shown_by(
    printer: Printer, *, alive: Callable[[], None] = lambda: None
) -> AsyncIterator[None]:
    """Let the printer draw while the body works, and call `alive` as often; then close it."""

    async def tick() -> None:
        while True:
            printer.tick()
            alive()
            await anyio.sleep(_TICK_SECONDS)

    try:
        async with _beside(tick):
            yield
    finally:
        printer.close()


@asynccontextmanager
async def _beside(task: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run the task while the body runs."""
    with one_failure():
        async with anyio.create_task_group() as around:
            around.start_soon(task)
            yield
            around.cancel_scope.cancel()
