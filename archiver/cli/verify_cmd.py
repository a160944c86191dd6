"""`archiver verify`: read the archive back, and name everything that does not hold."""

import argparse
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.parsing import Parser, period
from archiver.clock import system_clock
from archiver.config import Config, state_folder
from archiver.errors import ArchiverError, UsageError

if TYPE_CHECKING:
    from archiver.retention.acts import Why
    from archiver.verify.verify import Verified, Wanted

_MOST_KEYS: Final = 1000
"""Repaired objects that an act names."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Read back and check every key, size, hash, sidecar, revision and ledger link, and list "
        "all findings, each with a next step. It is read-only, needs no API key and can run at "
        "any time. Exits 4 if damage remains, else 5 if access to something was denied, else 3 "
        "if a run left objects that are not in the ledger yet."
    )
    parser.add_argument(
        "--sample",
        metavar="SHARE",
        help="check only a share, such as 1/30; each time the next part, so 30 runs check "
        "everything",
    )
    parser.add_argument(
        "--since",
        metavar="T",
        help="read only recordings archived since this date, time or age (7d)",
    )
    parser.add_argument(
        "--head",
        metavar="DIGEST",
        help="check that the ledger still contains this head (printed by an earlier run); "
        "detects truncation",
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="the public key that signs the archive; default: that of evidence.sign",
    )
    parser.add_argument(
        "--replica",
        action="store_true",
        help="verify the replica instead, and compare its ledger with the archive's",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="fetch damaged objects again if the source still has them; the damaged ones are "
        "kept in _archive/damaged",
    )
    add_why(parser, reason="with --repair: why it is done")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print the findings; 130 when interrupted, 4 on damage, 5 on what may not be read, 3 on
    what is not recorded."""
    from archiver.cli.verifying import exit_code_of, report_verification

    config = context.load_watched_config(needs_key=arguments.repair)
    wanted, why, began = _wanted(arguments, config), why_of(arguments), system_clock()
    tell = partial(report_verification, config, context, wanted, began)
    try:
        verified, is_stopped = anyio.run(_verify, config, wanted, why, context)
    except ArchiverError as error:
        anyio.run(tell, None, error.exit_code, error)
        raise
    code = exit_code_of(verified, is_stopped=is_stopped)
    _tell(verified, context, head=wanted.head, is_stopped=is_stopped)
    anyio.run(tell, verified, code, None)
    return code


def _wanted(arguments: argparse.Namespace, config: Config) -> "Wanted":
    from archiver.evidence.keys import load_public
    from archiver.replica.place import place_of
    from archiver.text.measures import parse_share
    from archiver.verify.verify import Wanted

    if arguments.sample and arguments.since:
        raise UsageError("--sample and --since cannot be combined", hint="use one of them")
    if arguments.replica and arguments.repair:
        raise UsageError(
            "--replica and --repair cannot be combined",
            hint="`archiver replicate --all` copies what is missing in the replica",
        )
    if arguments.replica:
        place_of(config)  # a mistake in the command is refused before it counts as a verification
    if arguments.key is not None:
        load_public(arguments.key)
    try:
        parts = parse_share(arguments.sample) if arguments.sample else None
    except ValueError as error:
        raise UsageError(f"--sample {error}, not {arguments.sample[:40]!r}") from None
    head = arguments.head.strip().lower() if arguments.head is not None else None
    if head is not None and not _DIGEST.fullmatch(head):
        raise UsageError(
            "--head must be a SHA-256 of 64 hexadecimal digits",
            hint="runs print it, and the name of the newest ledger file contains it",
        )
    since, _ = period(arguments.since, None, config.window.timezone)
    return Wanted(
        parts,
        since,
        head,
        arguments.repair,
        arguments.key,
        arguments.today,
        arguments.replica,
    )


async def _verify(
    config: Config, wanted: "Wanted", why: "Why", context: Context
) -> "tuple[Verified, bool]":
    """The verification, and whether it was interrupted."""
    from archiver.cli.evidence import acted_anew
    from archiver.cli.verifying import one_verification
    from archiver.cli.watch import stopped_by_signal
    from archiver.retention.acts import Did

    state = state_folder(context.environ, config.catalog.path)
    async with stopped_by_signal(context.console) as stop:
        verified = await one_verification(config, wanted, context.console, state, stop)
        if wanted.repair and any(one.repaired for one in verified.found.findings):
            keys = [one.key for one in verified.found.findings if one.repaired]
            deed = deed_of(Did.REPAIR, why, keys=keys[:_MOST_KEYS], repaired=len(keys))
            await acted_anew(config, state, context.console, deed, today=wanted.today)
    return verified, stop.is_set()


def _tell(verified: "Verified", context: Context, *, head: str | None, is_stopped: bool) -> None:
    from archiver.cli.verify_lines import as_json, verify_lines

    context.console.result(*verify_lines(verified, head=head, is_stopped=is_stopped))
    context.console.json(as_json(verified, is_stopped=is_stopped))
    note = verified.remember()
    if note is not None:
        context.console.say(f"note: {note}")
