"""A replication for the command line and after a run: its progress, and the history of it."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from msgspec.structs import replace

from archiver.cli.context import Context
from archiver.cli.progress import Meter, MeterPrinter
from archiver.cli.watch import shown_by
from archiver.cli.wording import counted
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.errors import ArchiverError
from archiver.monitoring.replications import (
    Replicated,
    recall_replication,
    remember_replication,
    replications_path,
)

if TYPE_CHECKING:
    from archiver.replica.replicate import Replication


async def one_replication(
    config: Config,
    context: Context,
    state: Path,
    stop: anyio.Event,
    *,
    everything: bool = False,
    clock: Clock = system_clock,
    alive: Callable[[], None] = lambda: None,
) -> "Replication":
    """Replicate, with progress, and store the result, even if it is an error."""
    from archiver.replica.replicate import Manner, replicate
    from archiver.replica.session import opened_both

    settings, meter = config.replica, Meter()
    manner = Manner(settings.workers, settings.prune, everything)
    try:
        async with (
            shown_by(
                MeterPrinter(meter, context.console, time.monotonic, title="replicate"),
                alive=alive,
            ),
            opened_both(config, state_folder=state, pace=context.pace) as (archive, between),
        ):
            done = await replicate(
                archive,
                between,
                manner,
                is_over=stop.is_set,
                on_copied=lambda size: meter.add(1, size),
            )
    except ArchiverError as error:
        await _remember(config, state, context, clock, None, str(error))
        raise
    await _remember(config, state, context, clock, done, "")
    return done


async def replicate_after_run(
    config: Config,
    context: Context,
    state: Path,
    stop: anyio.Event,
    *,
    clock: Clock = system_clock,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Replicate after a run, if that is configured. Failures are warnings: the run is
    over, and the next one tries again."""
    if config.replica.url is None or not config.replica.after_run or stop.is_set():
        return
    console = context.console
    try:
        done = await one_replication(config, context, state, stop, clock=clock, alive=alive)
    except ArchiverError as error:
        console.warn(f"not replicated: {error}; {error.hint or 'the next run tries again'}")
        return
    if done.waiting:
        console.warn(
            f"{counted(len(done.waiting), 'object is', 'objects are')} still to be copied to the "
            "replica or removed from it: run `archiver replicate`"
        )
    elif not stop.is_set():
        console.say(f"replicated up to segment {done.head.number:,} of the ledger")


async def _remember(
    config: Config,
    state: Path,
    context: Context,
    clock: Clock,
    done: "Replication | None",
    error: str,
) -> None:
    path = replications_path(config.storage.url, state)
    try:
        await to_thread.run_sync(_write, path, clock(), done, error)
    except OSError as failed:
        context.console.warn(f"could not save the state of the replica: {failed.strerror}")


def _write(path: Path, now: datetime, done: "Replication | None", error: str) -> None:
    before = recall_replication(path)
    if done is None:
        remember_replication(replace(before or Replicated(now), at=now, error=error), path)
        return
    told = Replicated(
        at=now,
        segments=done.head.number,
        waiting=len(done.waiting),
        foreign=len(done.foreign),
        damaged=len(done.damaged),
        behind_since=done.behind_since,
        current_at=now if done.is_whole else before.current_at if before else None,
    )
    remember_replication(told, path)
