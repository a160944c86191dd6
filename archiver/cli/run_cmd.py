"""`archiver run`: archive everything new, and account for everything listed."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import anyio
from msgspec.structs import replace

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, add_today, id_argument, period
from archiver.clock import system_clock
from archiver.config import Config, state_folder
from archiver.errors import ConfigError, UsageError
from archiver.tasks.event_loop import FASTEST_LOOP, collect_rarely
from archiver.tasks.freed_memory import keep_freed_memory
from archiver.text.measures import parse_duration, say_moment

if TYPE_CHECKING:
    from archiver.run.request import RunRequest
    from archiver.schedule.schedule import Schedule

_OF_ONE_RUN: Final = {
    "since": "--since",
    "until": "--until",
    "leads": "--lead",
    "orders": "--order",
    "calls": "--call",
    "recheck": "--recheck",
    "dry_run": "--dry-run",
    "today": "--today",
}
"""Options for a single run, which cannot be combined with `--every`."""


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Run once: list calls, fetch and verify their recordings, store them, retry what is "
        "open, and account for everything. Runs limited to a period, lead, order or call do not "
        "advance the cursor."
    )
    parser.add_argument(
        "--since",
        metavar="T",
        help="start of the period: a date, time or age such as 2026-10-01, yesterday or 7d",
    )
    parser.add_argument("--until", metavar="T", help="end of the period (exclusive)")
    for name in ("lead", "order", "call"):
        parser.add_argument(
            f"--{name}",
            dest=f"{name}s",
            type=id_argument,
            action="append",
            default=[],
            metavar="ID",
            help=f"only this {name}; can be repeated",
        )
    parser.add_argument(
        "--recheck",
        action="store_true",
        help="check every call of the window again, even settled ones",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="report what a run would do; change nothing"
    )
    parser.add_argument(
        "--every", metavar="DURATION", help="keep running: start a run every 24h, 2d, 90m, ..."
    )
    parser.add_argument(
        "--at",
        metavar="HH:MM",
        help="with --every in whole days: start at this time in window.timezone",
    )
    add_today(parser)
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="have the workers of this Dask scheduler fetch and store (tls://HOST:8786)",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Run, print the balance, and return the exit code of the run; again and again on request."""
    from archiver.run.request import RunRequest

    config = context.load_config()
    if arguments.dask is not None:
        config = replace(config, dask=replace(config.dask, scheduler=arguments.dask))
    if config.dask.scheduler is not None:
        from archiver.crew.choosing import check_crew

        check_crew(config)
    since, until = window(arguments.since, arguments.until, config)
    schedule = schedule_of(arguments, config)
    collect_rarely()
    keep_freed_memory()
    if schedule is not None:
        return _every_night(config, context, schedule)
    request = RunRequest(
        since=since,
        until=until,
        leads=_once(arguments.leads),
        orders=_once(arguments.orders),
        calls=_once(arguments.calls),
        recheck=arguments.recheck,
        dry_run=arguments.dry_run,
        today=arguments.today,
    )
    return _once_and_told(config, request, context)


def _once_and_told(config: Config, request: "RunRequest", context: Context) -> int:
    """One run. A full one sends notices; any other does not, since its user sees the result."""
    from archiver.crew.processes import available_cores, children_of, forked_ahead

    children = 0 if request.dry_run else children_of(config, available_cores())
    with forked_ahead(children):
        return anyio.run(_told, config, request, context, backend_options=FASTEST_LOOP)


async def _told(config: Config, request: "RunRequest", context: Context) -> int:
    from archiver.cli.running import one_run
    from archiver.cli.watch import stopped_by_signal
    from archiver.monitoring.notify import tell

    state, console = state_folder(context.environ, config.catalog.path), context.console
    async with stopped_by_signal(console) as stop:
        night = await one_run(config, request, context, state, stop)
        if request.is_whole and not request.dry_run:
            await tell(config, night, state_folder=state, console=console, clock=system_clock)
    return night.exit_code


def _every_night(config: Config, context: Context, schedule: "Schedule") -> int:
    from archiver.cli.nightly import Nights

    nights = Nights(context, config, schedule, state_folder(context.environ, config.catalog.path))
    return anyio.run(nights.follow, backend_options=FASTEST_LOOP)


def schedule_of(arguments: argparse.Namespace, config: Config) -> "Schedule | None":
    """The schedule of `--every` and `--at`; None for a single run. UsageError if invalid."""
    from archiver.schedule.schedule import Schedule, parse_time_of_day

    if arguments.every is None:
        if arguments.at is not None:
            raise UsageError("--at requires --every", hint="add --every 24h")
        return None
    narrowed = [option for name, option in _OF_ONE_RUN.items() if getattr(arguments, name)]
    if narrowed:
        raise UsageError(
            f"--every cannot be combined with {narrowed[0]}",
            hint="--every always runs in full; limit the scope in archive.yaml instead",
        )
    try:
        every = parse_duration(arguments.every)
    except ValueError as error:
        raise UsageError(f"--every {error}", hint="for a nightly run: --every 24h") from None
    try:
        at = None if arguments.at is None else parse_time_of_day(arguments.at)
    except ValueError as error:
        raise UsageError(f"--at {error}", hint="for example --at 01:30") from None
    try:
        return Schedule(every, at, config.window.timezone)
    except ValueError as error:
        raise UsageError(str(error), hint="for a nightly run: --every 24h --at 01:30") from None


def window(
    since: str | None, until: str | None, config: Config
) -> tuple[datetime | None, datetime | None]:
    """`--since` and `--until` as times; UsageError if no call can be between them."""
    begin, end = period(since, until, config.window.timezone)
    now = system_clock()
    if begin is not None and begin > now:
        raise UsageError(
            "--since is in the future", hint="no call can have been created since then"
        )
    if begin is None and config.window.since is not None and config.window.since > now:
        told = say_moment(config.window.since, config.window.timezone)
        raise ConfigError(
            f"window.since is in the future: {told}",
            hint="set it to the first day to archive; the clock of this machine says "
            + say_moment(now, config.window.timezone),
        )
    return begin, end


def _once(ids: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(ids))
