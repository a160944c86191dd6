"""`archiver export`: the selected calls as one package that plays and can be verified."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from archiver.cli.act_options import add_why, why_of
from archiver.cli.context import Context
from archiver.cli.export_options import (
    add_certificate,
    add_lock,
    add_omissions,
    lock_by,
    masks_by,
    redactions_by,
)
from archiver.cli.parsing import Parser, id_argument, period
from archiver.config import state_folder
from archiver.errors import INTERRUPTED, UsageError
from archiver.text.messages import LANGUAGES

if TYPE_CHECKING:
    from archiver.export.custody import Custody
    from archiver.export.outcome import ExportReport
    from archiver.export.selection import Selection

_MOST_SHOWN: Final = 10

_Value = TypeVar("_Value")


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Fetch what is missing of the selected calls, and pack audio, sidecars, tables, a page "
        "that plays the calls, and a custody record into a BagIt bag (a zip file or a folder). "
        "The export is recorded in the ledger. Different options narrow the selection, repeated "
        "ones widen it: --lead 1 --lead 2 --user 7 selects the calls of lead 1 or 2 with user 7."
    )
    add_choice(parser)
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="PATH",
        help="the package to create: a .zip file, or else a folder",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing export")
    parser.add_argument(
        "--offline", action="store_true", help="make no API requests: export only what is archived"
    )
    parser.add_argument(
        "--leave-out-damaged",
        action="store_true",
        help="skip damaged recordings and list them (the exit code is still 4)",
    )
    parser.add_argument(
        "--by",
        metavar="NAME",
        help="name of the person exporting, for the custody record (default: the current user "
        "account)",
    )
    parser.add_argument(
        "--lang",
        choices=tuple(LANGUAGES),
        default="en",
        help="the language of the pages and tables (default: en)",
    )
    parser.add_argument(
        "--no-waveforms",
        dest="waveforms",
        action="store_false",
        help="leave out the waveforms, which makes the export faster",
    )
    parser.add_argument(
        "--load-file",
        action="store_true",
        help="add loadfile.dat, which Relativity and other review platforms import",
    )
    add_omissions(parser)
    add_certificate(parser)
    add_lock(parser)
    add_why(parser, named_by=False)
    parser.set_defaults(execute=execute)


def add_choice(parser: Parser) -> None:
    """The options that select calls."""
    for name, help_ in (
        ("lead", "the calls of this lead, and those with a recording of this lead"),
        ("order", "the calls of this order"),
        ("call", "this call"),
        ("user", "the calls of this user, and those with a recording of this user"),
    ):
        parser.add_argument(
            f"--{name}",
            dest=f"{name}s",
            type=id_argument,
            action="append",
            default=[],
            metavar="ID",
            help=help_,
        )
    for name, metavar, help_ in (
        ("phone", "NUMBER", "the calls with this number, such as +79001234567"),
        ("status", "CODE", "the calls with this status, such as answered"),
        ("tag", "TAG", "the recordings with this tag in this machine's desk"),
    ):
        parser.add_argument(
            f"--{name}",
            dest={"status": "statuses"}.get(name, f"{name}s"),
            action="append",
            default=[],
            metavar=metavar,
            help=help_,
        )
    parser.add_argument(
        "--selection",
        type=Path,
        metavar="FILE",
        help="the recordings listed in this file, one id per line; call:ID for a whole call",
    )
    parser.add_argument(
        "--since",
        metavar="T",
        help="only calls since this date, time or age, such as 2026-10-01, yesterday or 7d",
    )
    parser.add_argument("--until", metavar="T", help="only calls before this date or time")


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Export, print what was packed and what is missing, and return the exit code."""
    from archiver.cli.exporting import export_package
    from archiver.export.request import ExportRequest
    from archiver.export.target import check_target, keep_apart

    wanted = chosen_by(arguments)
    if wanted.is_empty and not (arguments.tags or arguments.since or arguments.until):
        raise UsageError(
            "no calls selected for export",
            hint="use --lead, --order, --call, --phone, --user, --status, --tag, --selection,"
            " --since or --until",
        )
    why = why_of(arguments)
    check_target(arguments.to, force=arguments.force)
    config = context.load_config(needs_key=not arguments.offline)
    keep_apart(arguments.to, config.storage)
    since, until = period(arguments.since, arguments.until, config.window.timezone)
    state = state_folder(context.environ, config.catalog.path)
    request = ExportRequest(
        target=arguments.to,
        selection=replace(wanted, since=since, until=until),
        offline=arguments.offline,
        force=arguments.force,
        leave_out_damaged=arguments.leave_out_damaged,
        by=arguments.by,
        language=arguments.lang,
        waveforms=arguments.waveforms,
        load_file=arguments.load_file,
        redactions=redactions_by(arguments),
        masked=masks_by(arguments),
        lock=lock_by(arguments, context.console),
        certificate_pdf=arguments.certificate_pdf,
        why=why,
        today=arguments.today,
    )
    report = export_package(config, request, context.console, state)
    if report is None:
        context.console.interrupted("no package was written; run the same command again")
        return INTERRUPTED
    context.console.result(*_lines(report))
    context.console.json(report.as_json())
    return report.exit_code


def chosen_by(arguments: argparse.Namespace) -> "Selection":
    """The selection by the options, without times, whose time zone is in the configuration.

    UsageError for an invalid number, and for a list that cannot be read.
    """
    from archiver.export.selection import Selection, bare_number, read_list

    listed = None
    if arguments.selection is not None:
        try:
            with arguments.selection.open(encoding="utf-8-sig") as lines:
                listed = read_list(lines, str(arguments.selection))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise UsageError(
                f"cannot read {arguments.selection}: {reason}",
                hint="--selection must be a text file with one recording id or call:ID per line",
            ) from error
    return Selection(
        leads=_once(arguments.leads),
        orders=_once(arguments.orders),
        calls=_once(arguments.calls),
        users=_once(arguments.users),
        phones=tuple({bare_number(one): one for one in arguments.phones}.values()),
        statuses=_once(arguments.statuses),
        tags=_once(arguments.tags),
        listed=listed,
    )


def _once(values: Iterable[_Value]) -> tuple[_Value, ...]:
    return tuple(dict.fromkeys(values))


def _open_text(custody: "Custody") -> str | None:
    """What may still reveal redacted or masked data; None: nothing."""
    from archiver.export.masking import Mask

    kinds = custody.copies.masks.kinds
    if Mask.SUMMARIES in kinds or not (custody.copies.made or Mask.NAMES in kinds):
        return None
    return "Summaries in the package may contain the same: check them, or use --mask summaries"


def _lines(report: "ExportReport") -> Iterator[str]:
    from archiver.export.encryption import Password
    from archiver.export.voice import Voice
    from archiver.text.measures import say_duration, say_size

    custody = report.custody
    packed, chosen = custody.contents, custody.chosen
    voice = Voice(zone=custody.voice.zone)  # the language of the package is not that of the output
    say = voice.say
    yield (
        f"{custody.request.selection.title(voice)}: {say('count.calls', count=packed.calls)}, "
        f"{say('count.recordings', count=packed.recordings)}, {say_size(packed.bytes)}"
    )
    yield chosen.fetched.said(say)
    if packed_copies := len(custody.copies.made):
        what = "recording" if packed_copies == 1 else "recordings"
        yield f"{packed_copies:,} {what} redacted; redactions.json lists the spans"
    if warning := _open_text(custody):
        yield warning
    if isinstance(custody.request.lock, Password):
        yield "The password does not hide names of files in the zip, nor their sizes"
    lacks = [f"calls may be missing: {gap}" for gap in chosen.fetched.gaps]
    lacks += [f"no calls were found for {one}" for one in chosen.not_found]
    lacks += [one.said(say) for one in packed.missing]
    for title, said in (("Missing", lacks), ("Notes", list(packed.differences))):
        if said:
            yield ""
            yield title
            yield from (f"  {one}" for one in said[:_MOST_SHOWN])
        if len(said) > _MOST_SHOWN:
            yield f"  and {len(said) - _MOST_SHOWN:,} more; the custody record lists them all"
    yield ""
    yield f"Package      {report.target}"
    yield f"Manifest     {custody.manifest_sha256}"
    yield f"Ledger head  {custody.recorded_in.digest}"
    yield ("COMPLETE" if report.complete else "NOT COMPLETE") + (
        f": packed and verified in {say_duration(report.seconds)}."
    )
