"""`archiver status`: the balance of the whole archive, and everything open in it."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, period
from archiver.config import Config, state_folder
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.archive.status import Status

_COLUMNS: Final = (
    *("listed", "archived", "none", "waiting", "failed", "gone"),
    *("should_have_one", "unrecorded_calls"),
)
"""After the column of the day, order or agent; `should_have_one` is the former name of the last."""


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Show the balance of the whole archive from its ledger and catalog: what was listed, in "
        "which state it is, what is open and why. It makes no API requests, needs no key and "
        "can be used during a run. Exits 3 while anything is open, if the last run failed or was "
        "not complete, or if the last verification has findings."
    )
    parser.add_argument(
        "--by",
        choices=("day", "order", "agent"),
        help="show only this table, in full (default: all tables, shortened)",
    )
    parser.add_argument("--since", metavar="T", help="only calls since this date, time or age (7d)")
    parser.add_argument("--until", metavar="T", help="only calls before this date or time")
    parser.add_argument(
        "--csv", action="store_true", help="print the table as CSV (default: --by day)"
    )
    parser.add_argument(
        "--acts",
        action="store_true",
        help="list what people did to the archive (exports, erasures, holds, repairs) and why",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print how the archive stands; 3 while anything is open, was not looked at or is known
    to be damaged, else 0."""
    from archiver.archive.status import look
    from archiver.cli.status_lines import status_lines
    from archiver.monitoring.history import failed_runs, memory_path, recall
    from archiver.monitoring.verifications import last_as_json

    console = context.console
    if arguments.csv and console.json_mode:
        raise UsageError("--csv and --json cannot be combined", hint="use one of them")
    config = context.load_config(needs_key=False)
    since, until = period(arguments.since, arguments.until, config.window.timezone)
    if arguments.acts:
        return _show_acts(config, context)

    state = state_folder(context.environ, config.catalog.path)
    memory = recall(memory_path(config.storage.url, state))
    failed = failed_runs(memory)

    async def looked() -> "Status":
        return await look(config, since=since, until=until, state_folder=state, failed=failed)

    status = anyio.run(looked)
    verified = (memory.verifications, memory.replica_verifications)
    is_damaged = any(one is not None and one.last.findings for one in verified)
    code = 3 if status.period.is_all_time and is_damaged else status.exit_code
    if arguments.csv:
        console.csv(_sheet(status, arguments.by or "day"))
        return code
    told = status.as_json() | {
        "lastVerify": last_as_json(memory.verifications),
        "lastReplicaVerify": last_as_json(memory.replica_verifications),
    }
    console.json(told)
    console.result(*status_lines(told, config.window.timezone, by=arguments.by))
    return code


def _show_acts(config: Config, context: Context) -> int:
    """Print who did what to the archive, and why."""
    from archiver.archive.opening import watched_archive
    from archiver.cli.act_lines import act_lines
    from archiver.retention.acts import acts_of

    async def acts() -> "Sequence[Mapping[str, Any]]":
        state = state_folder(context.environ, config.catalog.path)
        async with watched_archive(config, state_folder=state) as archive:
            return await acts_of(archive)

    found = anyio.run(acts)
    context.console.json({"acts": list(found)})
    context.console.result(*act_lines(found, config.window.timezone))
    return 0


def _sheet(status: "Status", by: str) -> Iterator[list[str | int | None]]:
    """The table under its head; an unknown day, order or agent is an empty cell."""
    from archiver.archive.status import KEYS, NAMES

    first, *last = {
        "day": ["day"],
        "order": ["order_id", "order_title"],
        "agent": ["user_id", "user_name"],
    }[by]
    yield [first, *_COLUMNS, *last]
    for row in status.table(by):
        which = row.pop(KEYS[by])
        name = [row.pop(NAMES[by])] if last else []
        yield [which, *row.values(), *name]
