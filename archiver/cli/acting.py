"""The options by which a person says why something is done, for all commands that act."""

import argparse
from typing import TYPE_CHECKING, Any

from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.retention.acts import Deed, Did, Why


def add_why(
    parser: argparse.ArgumentParser, *, reason: str = "why it is done", named_by: bool = True
) -> None:
    """Give a command --reason, --case, --recipient and (unless it has one already) --by."""
    for name, says in {
        "reason": f"{reason}; kept in the archive, so do not name customers here",
        "by": "who asked for it, or for whom it is done, beside the account of this machine",
        "case": "the number of the case or request",
        "recipient": "who gets it",
    }.items():
        if name != "by" or named_by:
            parser.add_argument(f"--{name}", default="", metavar="TEXT", help=says)


def why_of(arguments: argparse.Namespace, *, needed_for: str = "") -> "Why":
    """What was said. UsageError for what is too long, and where a reason is needed and missing."""
    from archiver.retention.acts import Why

    names = ("reason", "by", "case", "recipient")
    why = Why(**{name: getattr(arguments, name) or "" for name in names}).checked()
    if needed_for and not why.reason:
        raise UsageError(
            f"{needed_for} needs a reason",
            hint="give a reason with --reason: why, and who requested it",
        )
    return why


def deed_of(did: "Did", why: "Why", **concerning: Any) -> "Deed":
    """An act of this moment."""
    from archiver.clock import system_clock
    from archiver.retention.acts import Deed, name_of_act

    return Deed(name_of_act(system_clock()), did, why, concerning)
