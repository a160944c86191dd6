"""The options that record why something is done, by whom and for whom."""

import argparse
from typing import TYPE_CHECKING, Any

from archiver.cli.parsing import Parser, add_today
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.retention.acts import Deed, Did, Why


def add_why(parser: Parser, *, reason: str = "why it is done", named_by: bool = True) -> None:
    """Give a command --reason, --case, --recipient, --today and (unless it has its own) --by."""
    for name, says in {
        "reason": f"{reason}; kept in the archive, so do not name customers here",
        "by": "who requested it, or on whose behalf it is done; recorded beside your account",
        "case": "number of the case or request",
        "recipient": "who receives the result",
    }.items():
        if name != "by" or named_by:
            parser.add_argument(f"--{name}", default="", metavar="TEXT", help=says)
    add_today(parser)


def why_of(arguments: argparse.Namespace, *, needed_for: str = "") -> "Why":
    """The values of these options. UsageError if one is too long, or a reason is missing."""
    from archiver.retention.acts import Why

    names = ("reason", "by", "case", "recipient")
    why = Why(**{name: getattr(arguments, name) or "" for name in names}).checked()
    if needed_for and not why.reason:
        raise UsageError(
            f"{needed_for} requires a reason",
            hint="give a reason with --reason: why, and who requested it",
        )
    return why


def deed_of(did: "Did", why: "Why", **concerning: Any) -> "Deed":
    """An act of this moment."""
    from archiver.clock import system_clock
    from archiver.retention.acts import Deed, name_of_act

    return Deed(name_of_act(system_clock()), did, why, concerning)
