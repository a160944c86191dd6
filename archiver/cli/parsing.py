"""The parser that every command shares, and the kinds of arguments that several of them take."""

import argparse
import difflib
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, tzinfo
from typing import Any, Final, NoReturn, Self

from archiver.clock import system_clock
from archiver.errors import UsageError
from archiver.text.measures import parse_id, parse_moment_or_age

DEFAULT_CONFIG = "archive.yaml"

_OPTION: Final = re.compile(r"--?[^\W\d][\w-]*")
_WORD: Final = re.compile(r"[a-z][a-z-]{0,19}")
"""What may be meant as a command. Anything else may be a password, and is not repeated."""


class _Help(argparse.HelpFormatter):
    """Wraps as argparse does, but never within a word: a path in two pieces cannot be copied."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        words = " ".join(text.split())
        return textwrap.wrap(words, width, break_on_hyphens=False, break_long_words=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = self._split_lines(text, width - len(indent))
        return "\n".join(indent + line for line in lines)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours, so that they are reported like all others, also with
    `--json`.

    `fill` adds its options when they are first needed, so that the modules of other commands are
    not even imported. What is unknown, or has a value that it does not take, is rejected before
    anything else is examined, and by its name only: the value may be a password.
    """

    def __init__(self, *, fill: "Callable[[Parser], None] | None" = None, **named: Any) -> None:
        super().__init__(**{"formatter_class": _Help, **named})
        self._fill = fill
        self._commands: Any = None

    def filled(self) -> Self:
        """This parser with all its options."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        return self

    def add_subparsers(self, **named: Any) -> Any:
        """As argparse does."""
        self._commands = super().add_subparsers(**named)
        return self._commands

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does. UsageError for arguments that are left over, which it never repeats."""
        parsed, surplus = self.parse_known_args(args, namespace)
        if surplus:
            self.error("unexpected argument" if len(surplus) == 1 else "unexpected arguments")
        return parsed

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, with all the options and no unknown one.

        The namespace has the full name of the command as `program`: `archiver hold add`.
        """
        self.filled()
        self._refuse_unknown(args or ())
        parsed, surplus = super().parse_known_args(args, namespace)
        if not hasattr(parsed, "program"):
            parsed.program = self.prog
        return parsed, surplus

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing and leaving."""
        raise UsageError(message, hint=self._hint(""))

    def _refuse_unknown(self, arguments: Sequence[str]) -> None:
        """Refuse the first option or command that is unknown, as far as this parser reads."""
        options, takes_value = self._option_string_actions, False
        for argument in arguments:
            name = argument.partition("=")[0]
            if argument == "--":
                return
            if _OPTION.fullmatch(name):
                name = name if name.startswith("--") else name[:2]
                if name not in options:
                    self._unknown("option", name, options)
                if options[name].nargs == 0 and argument != name:
                    self.error(f"option {name} takes no value")
                takes_value = argument == name and options[name].nargs is None
            elif takes_value:
                takes_value = False
            elif self._commands is not None:
                if argument not in self._commands.choices:
                    word = argument if _WORD.fullmatch(argument) else ""
                    self._unknown("command", word, self._commands.choices)
                return

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse does, without the value in its error."""
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"must be one of {', '.join(action.choices)}")

    def _unknown(self, kind: str, name: str, known: Iterable[str]) -> NoReturn:
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
        hint = self._hint(f"did you mean {near[0]}? " if near else "")
        raise UsageError(f"unknown {kind} {name[:40]}".rstrip(), hint=hint)

    def _hint(self, first: str) -> str:
        return f"{first}run `{self.prog} --help` for usage"


def common_options() -> Parser:
    """The options of every command, accepted before and after the command.

    None of them has a default here: the one after the command would override the one before it.
    """
    options = Parser(add_help=False)
    options.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"configuration file (default: ./{DEFAULT_CONFIG})",
    )
    options.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON object on standard output",
    )
    options.add_argument(
        "--log",
        choices=("text", "json"),
        default=argparse.SUPPRESS,
        help="format of standard error: text (default), or one JSON object per line",
    )
    options.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print only warnings and errors on standard error",
    )
    options.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print each retry and each failed recording on standard error",
    )
    return options


def add_today(parser: Parser) -> None:
    """Give a command the option with which a person confirms the clock of the machine."""
    parser.add_argument(
        "--today",
        type=_day,
        metavar="DATE",
        help="today's date (UTC), to confirm the clock of this machine when nothing else can: the "
        "archive's last run was long ago, or its ledger or the API has another date",
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a date like 2026-11-30, not {text[:40]!r}"
        ) from None


def id_argument(text: str) -> int:
    """An id of the API."""
    try:
        return parse_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, not {text[:40]!r}") from None


def margin_argument(text: str) -> float:
    """Seconds around a redacted span, from 0 to 1."""
    with suppress(ValueError):
        if 0 <= (seconds := float(text)) <= 1:
            return seconds
    raise argparse.ArgumentTypeError(f"must be seconds from 0 to 1, not {text[:40]!r}")


def count_argument(text: str) -> int:
    """A whole number from 0 on; thousands may be parted by commas, as we write them."""
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text[:40]!r}")
    return int(digits)


def port_argument(text: str) -> int:
    """A TCP port; 0 is any that is free."""
    if not (text.isascii() and text.isdigit()) or not 0 <= int(text[:6]) < 65536:
        raise argparse.ArgumentTypeError("must be a port from 0 to 65535 (0: any free port)")
    return int(text)


def period(
    since: str | None, until: str | None, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """`--since` and `--until` as moments; UsageError when there is no time between them."""
    now = system_clock()
    begin, end = _moment("--since", since, zone, now), _moment("--until", until, zone, now)
    if begin is not None and end is not None and begin >= end:
        raise UsageError(
            "--since must be earlier than --until", hint="the period ends before --until"
        )
    return begin, end


def _moment(option: str, text: str | None, zone: tzinfo, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment_or_age(text, zone, now)
    except ValueError as error:
        raise UsageError(f"{option} {error}, not {text[:40]!r}") from None


def add_act(acts: Any, common: Parser, execute: Any, name: str, says: str) -> Any:
    """Add a command of a command, such as `key new`, that `says` describes; returns its parser."""
    parser = acts.add_parser(
        name,
        help=says,
        description=f"{says[:1].upper()}{says[1:]}.",
        parents=[common],
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    return parser
