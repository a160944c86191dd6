"""`archiver export`: everything with one lead, as one package that plays and proves itself."""

import argparse
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, id_argument
from archiver.config import state_folder
from archiver.errors import INTERRUPTED, UsageError

if TYPE_CHECKING:
    from archiver.export.outcome import ExportReport

_MOST_SHOWN: Final = 10


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Fetch what the archive lacks of a lead, of all time, and pack everything with "
        "it: audio, sidecars, a table, a page that plays the calls, and a custody record, as a "
        "BagIt bag in a zip or a folder. What is handed over is told in the ledger."
    )
    for name in ("lead", "order", "call"):
        parser.add_argument(
            f"--{name}",
            dest=f"{name}s",
            type=id_argument,
            action="append",
            default=[],
            metavar="ID",
            help=f"the calls of this {name}" if name != "call" else "this call",
        )
    parser.add_argument(
        "--phone",
        dest="phones",
        action="append",
        default=[],
        metavar="NUMBER",
        help="the calls with this number, such as +79001234567; all of these may be given again",
    )
    parser.add_argument(
        "--to", type=Path, required=True, metavar="PATH", help="a new .zip, or else a new folder"
    )
    parser.add_argument("--force", action="store_true", help="replace an export that is there")
    parser.add_argument(
        "--offline", action="store_true", help="ask the API nothing: pack what the archive holds"
    )
    parser.add_argument(
        "--leave-out-damaged",
        action="store_true",
        help="pack the rest where recordings are damaged, and name them (exit code 4 all the same)",
    )
    parser.add_argument(
        "--by",
        metavar="NAME",
        help="who hands it over, for the custody record (default: the account that runs it)",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Export, say what was packed and what is missing, and return the exit code of the report."""
    from archiver.cli.exporting import export_package
    from archiver.export.request import ExportRequest, bare_number
    from archiver.export.target import check_target, keep_apart

    request = ExportRequest(
        target=arguments.to,
        leads=tuple(dict.fromkeys(arguments.leads)),
        orders=tuple(dict.fromkeys(arguments.orders)),
        calls=tuple(dict.fromkeys(arguments.calls)),
        phones=tuple({bare_number(one): one for one in arguments.phones}.values()),
        offline=arguments.offline,
        force=arguments.force,
        leave_out_damaged=arguments.leave_out_damaged,
        by=arguments.by,
    )
    if not request.title:
        raise UsageError(
            "nothing says whose calls to export", hint="use --lead, --order, --call or --phone"
        )
    check_target(request.target, force=request.force)
    config = context.load_config(needs_key=not request.offline)
    keep_apart(request.target, config.storage)
    state = state_folder(context.environ, config.catalog.path)
    report = export_package(config, request, context.console, state)
    if report is None:
        context.console.interrupted("there is no new package; the same command starts it again")
        return INTERRUPTED
    context.console.result(*_lines(report, config.window.timezone))
    context.console.json(report.as_json())
    return report.exit_code


def _lines(report: "ExportReport", zone: tzinfo) -> Iterator[str]:
    from archiver.export.voice import Voice
    from archiver.text.measures import say_duration, say_size

    custody = report.custody
    packed, chosen = custody.contents, custody.chosen
    say = Voice(custody.request.language, zone).say
    yield (
        f"{custody.request.title}: {say('count.calls', count=packed.calls)}, "
        f"{say('count.recordings', count=packed.recordings)}, {say_size(packed.bytes)}"
    )
    yield chosen.fetched.said(say)
    lacks = [f"calls may be missing: {gap}" for gap in chosen.fetched.gaps]
    lacks += [f"no calls were found for {one}" for one in chosen.not_found]
    lacks += [one.said(say) for one in packed.missing]
    for title, said in (("Missing", lacks), ("To know", list(packed.differences))):
        if said:
            yield ""
            yield title
            yield from (f"  {one}" for one in said[:_MOST_SHOWN])
        if len(said) > _MOST_SHOWN:
            yield f"  and {len(said) - _MOST_SHOWN:,} more; the custody record names them all"
    yield ""
    yield f"Package      {report.target}"
    yield f"Manifest     {custody.manifest_sha256}"
    yield f"Ledger head  {custody.recorded_in.digest}"
    yield ("COMPLETE" if report.complete else "NOT COMPLETE") + (
        f": packed and proved in {say_duration(report.seconds)}."
    )
