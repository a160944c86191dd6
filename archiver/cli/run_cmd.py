"""`archiver run`: bring home what is new, and account for everything listed."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import id_argument, period
from archiver.clock import system_clock
from archiver.config import Config, state_folder
from archiver.errors import ConfigError, UsageError
from archiver.measures import say_moment


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run",
        help="archive what is new, and say what is missing",
        description="One run: list the calls, fetch their recordings with proof, store them, come "
        "back to what is open, and account for everything. Runs that name a time, a lead, an order "
        "or a call move no cursor.",
        parents=[common],
        allow_abbrev=False,
    )
    parser.add_argument("--since", metavar="T", help="from this date or time on")
    parser.add_argument("--until", metavar="T", help="up to this date or time, which is excluded")
    for name in ("lead", "order", "call"):
        parser.add_argument(
            f"--{name}",
            dest=f"{name}s",
            type=id_argument,
            action="append",
            default=[],
            metavar="ID",
            help=f"only this {name}; may be given again",
        )
    parser.add_argument(
        "--recheck", action="store_true", help="look at every call of the window, settled or not"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list and tell what a run would do; change nothing"
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Run, print the balance, and return the exit code of the report."""
    from archiver.cli.running import finish, run_with_progress
    from archiver.plan import RunRequest

    config = context.load_config()
    since, until = window(arguments.since, arguments.until, config)
    request = RunRequest(
        since=since,
        until=until,
        leads=_once(arguments.leads),
        orders=_once(arguments.orders),
        calls=_once(arguments.calls),
        recheck=arguments.recheck,
        dry_run=arguments.dry_run,
    )
    state = state_folder(context.environ)
    report = anyio.run(run_with_progress, config, request, context.console, state)
    return finish(report, config, context)


def window(
    since: str | None, until: str | None, config: Config
) -> tuple[datetime | None, datetime | None]:
    """`--since` and `--until` as moments; UsageError when no call can lie between them."""
    begin, end = period(since, until, config.window.timezone)
    now = system_clock()
    if begin is not None and begin > now:
        raise UsageError("--since lies in the future", hint="no call can be listed from there on")
    if begin is None and config.window.since is not None and config.window.since > now:
        told = say_moment(config.window.since, config.window.timezone)
        raise ConfigError(
            f"window.since lies in the future: {told}", hint="set it to the first day to archive"
        )
    return begin, end


def _once(ids: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(ids))
