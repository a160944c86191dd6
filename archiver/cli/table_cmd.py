"""`archiver table`: every recording and call of a period as one table, for other programs."""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from archiver.cli.act_options import add_why, why_of
from archiver.cli.context import Context
from archiver.cli.export_options import masks_by
from archiver.cli.parsing import Parser, period
from archiver.config import Config, state_folder
from archiver.console import Console
from archiver.errors import INTERRUPTED, UsageError

if TYPE_CHECKING:
    from archiver.run.events import OnEvent
    from archiver.table.table import TableReport, TableRequest

_FORMATS: Final = (".parquet", ".sqlite", ".csv")
_MOST_SHOWN: Final = 10


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Write one row for each recording, and one for each call without any, with all data of "
        "sidecars and catalog: for DuckDB, pandas and BI tools. It makes no API requests and "
        "can be used during a run. Since names, numbers and summaries leave the archive, the "
        "ledger records that the table was created."
    )
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file to create; its extension is .parquet, .sqlite or .csv",
    )
    parser.add_argument("--since", metavar="T", help="only calls since this date, time or age (7d)")
    parser.add_argument("--until", metavar="T", help="only calls before this date or time")
    parser.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="WHAT",
        help="leave out summaries, phones, names (of agents), or several, such as phones,names",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    add_why(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Write the table, and return the exit code of the report."""
    from archiver.cli.exporting import with_progress
    from archiver.export.target import check_target, keep_apart
    from archiver.table.table import TableRequest

    path: Path = arguments.to
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(
            f"--to must name a {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]} file, not "
            f"{path.name[:60]!r}",
            hint="the extension chooses the format",
        )
    why = why_of(arguments)
    check_target(path, force=arguments.force, is_file=True)
    config = context.load_config(needs_key=False)
    keep_apart(path, config.storage)
    since, until = period(arguments.since, arguments.until, config.window.timezone)
    request = TableRequest(
        target=path,
        since=since,
        until=until,
        masked=masks_by(arguments),
        force=arguments.force,
        why=why,
        today=arguments.today,
    )
    state = state_folder(context.environ, config.catalog.path)
    report = with_progress(context.console, partial(_write, config, request, state))
    if report is None:
        context.console.interrupted("no table was written; run the same command again")
        return INTERRUPTED
    anyio.run(partial(_attest, config, state, context.console))
    context.console.result(*_lines(report))
    context.console.json(report.as_json())
    return report.exit_code


async def _write(
    config: Config, request: "TableRequest", state: Path, on_event: "OnEvent"
) -> "TableReport":
    from archiver.table.table import write_table

    return await write_table(config, request, on_event=on_event, state_folder=state)


async def _attest(config: Config, state: Path, console: Console) -> None:
    from archiver.archive.opening import watched_archive
    from archiver.cli.evidence import attested

    if config.evidence.is_configured:
        async with watched_archive(config, state_folder=state) as archive:
            await attested(archive, config, console)


def _lines(report: "TableReport") -> Iterator[str]:
    from archiver.text.measures import say_size

    yield f"{report.rows:,} rows, {report.recordings:,} recordings, {say_size(report.bytes)}"
    for one in report.damaged[:_MOST_SHOWN]:
        yield f"  {one}"
    if len(report.damaged) > _MOST_SHOWN:
        yield f"  and {len(report.damaged) - _MOST_SHOWN:,} more; the column problem has them all"
    if report.damaged:
        yield "Run `archiver verify --repair` to fetch again what the source still has."
    yield f"Table        {report.target}"
    yield f"SHA-256      {report.sha256}"
