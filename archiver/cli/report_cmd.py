"""`archiver report`: the statement of a period as one page, for an officer or an auditor."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, period
from archiver.clock import stamp, stamp_or_none, system_clock
from archiver.config import Config, state_folder
from archiver.errors import UsageError
from archiver.text.messages import LANGUAGES

if TYPE_CHECKING:
    from archiver.catalog.overview import Period
    from archiver.statement.gather import Statement

_FORMATS: Final = (".html", ".pdf")


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Write the statement of a period as one page to print or to hand over: coverage of each "
        "day, share of talk time archived, days without calls, what is open, findings of verify "
        "and of the sound check, exports, removals, holds, reviews, and the signatures, time "
        "stamps and witnesses of the ledger. It makes no API requests, needs no key and can be "
        "used during a run."
    )
    parser.add_argument("--month", metavar="MONTH", help="the calls of this month, such as 2026-10")
    parser.add_argument("--since", metavar="T", help="only calls since this date, time or age (7d)")
    parser.add_argument("--until", metavar="T", help="only calls before this date or time")
    parser.add_argument(
        "--lang",
        choices=tuple(LANGUAGES),
        default="en",
        help="the language of the statement (default: en)",
    )
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file to create: .html or .pdf (which needs the extra pdf)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Write the statement. UsageError for a bad period or target."""
    from archiver.export.target import Target, check_target, keep_apart

    path: Path = arguments.to
    _check_format(path)
    check_target(path, force=arguments.force, is_file=True)
    config = context.load_config(needs_key=False)
    keep_apart(path, config.storage)
    wanted = _period(arguments, config)
    found = anyio.run(partial(_gather, config, wanted, context))
    data = _made(found, arguments.lang, path)
    with Target(path, force=arguments.force, is_file=True) as target:
        target.write(data)
    _tell(found, path, context)
    return 0


def _check_format(path: Path) -> None:
    """UsageError for an extension that is no format; ExtraMissing for one that is not installed."""
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(
            f"--to must name a {' or '.join(_FORMATS)} file, not {path.name[:60]!r}",
            hint="the extension chooses the format",
        )
    if _is_pdf(path):
        from archiver.statement.pdf import need_pdf

        need_pdf()


def _is_pdf(path: Path) -> bool:
    return path.suffix.lower() == ".pdf"


def _period(arguments: argparse.Namespace, config: Config) -> "Period":
    from archiver.catalog.overview import Period
    from archiver.statement.months import month_of

    zone = config.window.timezone
    since, until = period(arguments.since, arguments.until, zone)
    if arguments.month is None:
        return Period(zone, since, until)
    if since or until:
        raise UsageError(
            "--month cannot be combined with --since or --until", hint="use one or the other"
        )
    try:
        return month_of(arguments.month, zone)
    except ValueError as error:
        raise UsageError(f"--month {error}, not {arguments.month[:40]!r}") from None


async def _gather(config: Config, wanted: "Period", context: Context) -> "Statement":
    from archiver.archive.names import archived_names
    from archiver.archive.opening import watched_archive
    from archiver.statement.gather import gather

    state = state_folder(context.environ, config.catalog.path)
    async with watched_archive(config, state_folder=state) as archive:
        return await gather(
            archive,
            config,
            wanted,
            names=await archived_names(archive),
            state_folder=state,
            clock=system_clock,
        )


def _made(found: "Statement", language: str, path: Path) -> bytes:
    from archiver.statement.document import document_of

    document = document_of(found, language)
    if _is_pdf(path):
        from archiver.statement.pdf import pdf_of

        return pdf_of(document, found.at)
    from archiver.statement.page import page_of

    return page_of(document).encode()


def _tell(found: "Statement", path: Path, context: Context) -> None:
    from archiver.statement.document import document_of

    said = document_of(found, "en")
    context.console.result(f"{said.subtitle}: {said.verdict.text}", f"Statement    {path}")
    context.console.json(
        {
            "file": str(path),
            "archiveId": found.archive_id,
            "at": stamp(found.at),
            "window": {
                "since": stamp_or_none(found.period.since),
                "until": stamp_or_none(found.period.until),
            },
            "calls": found.coverage.in_all.calls.total(),
            "verdict": said.verdict.text,
            "ledgerHead": found.head.digest,
        }
    )
