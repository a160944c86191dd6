"""A verification as a command: its progress, notices and metrics."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from archiver.cli.context import Context
from archiver.cli.progress import Meter, MeterPrinter
from archiver.cli.watch import shown_by
from archiver.clock import Clock, system_clock
from archiver.config import Config, state_folder
from archiver.console import Console
from archiver.errors import INTERRUPTED, ArchiverError
from archiver.monitoring.notify import tell_verification
from archiver.monitoring.verifications import Verification
from archiver.verify.verify import Verified, Wanted, Watcher, verify

if TYPE_CHECKING:
    from archiver.monitoring.standing import Standing


async def one_verification(
    config: Config,
    wanted: Wanted,
    console: Console,
    state: Path,
    stop: anyio.Event,
    *,
    alive: Callable[[], None] = lambda: None,
) -> Verified:
    """Verify as `wanted`, with progress. `stop` ends it, `alive` is called a few times a second."""
    meter = Meter()
    async with shown_by(MeterPrinter(meter, console, time.monotonic), alive=alive):
        return await verify(
            config,
            wanted,
            state_folder=state,
            watcher=Watcher(meter.expect, meter.add, stop.is_set),
        )


def exit_code_of(verified: Verified, *, is_stopped: bool) -> int:
    """130 interrupted, 4 damage, 5 access denied, 3 something is not recorded yet, else 0."""
    if is_stopped:
        return INTERRUPTED
    if any(one.is_damage for one in verified.found.remaining):
        return 4
    if verified.found.remaining:
        return 5
    return 3 if verified.found.waits else 0


def scope_of(wanted: Wanted) -> str:
    """The part of the archive that is read: `all`, a `sample`, or objects archived `since`."""
    if wanted.parts is not None:
        return "sample"
    return "all" if wanted.since is None else "since"


async def report_verification(
    config: Config,
    context: Context,
    wanted: Wanted,
    began: datetime,
    verified: Verified | None,
    code: int,
    error: ArchiverError | None,
    clock: Clock = system_clock,
) -> "Standing | None":
    """Add the verification to the history for metrics, and send a notice if necessary."""
    remaining = [] if verified is None else verified.found.remaining
    one = Verification(
        started_at=began,
        ended_at=clock(),
        scope=scope_of(wanted),
        exit_code=code,
        findings=Counter(finding.name for finding in remaining),
        error="" if error is None else f"{error}; {error.hint}".removesuffix("; "),
    )
    state = state_folder(context.environ, config.catalog.path)
    return await tell_verification(
        config,
        one,
        is_replica=wanted.replica,
        state_folder=state,
        console=context.console,
        clock=clock,
    )
