"""The parser that every command shares, and the kinds of arguments that several of them take."""

import argparse
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Any, NoReturn, Self

from archiver.errors import UsageError
from archiver.text.measures import parse_id, parse_moment

DEFAULT_CONFIG = "archive.yaml"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours, so that they end like every other error, `--json` too.

    `fill` gives it its options when they are first needed, so that a command that nobody asks for
    is not even imported.
    """

    def __init__(self, *, fill: "Callable[[Parser], None] | None" = None, **named: Any) -> None:
        super().__init__(**named)
        self._fill = fill

    def filled(self) -> Self:
        """This parser with all its options."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        return self

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, with all the options."""
        self.filled()
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing and leaving."""
        raise UsageError(message, hint=f"`{self.prog} --help` shows what can be asked for")


def common_options() -> Parser:
    """`-c`, `--json` and `--log`, to be accepted before the command and after it alike.

    None of them has a default here: the one that stands after the command would undo the one
    before it.
    """
    options = Parser(add_help=False)
    options.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"the configuration (default: ./{DEFAULT_CONFIG})",
    )
    options.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="answer with one JSON object on standard output",
    )
    options.add_argument(
        "--log",
        choices=("text", "json"),
        default=argparse.SUPPRESS,
        help="what standard error is: text for people (default), or one JSON object a line",
    )
    return options


def wants_json_logs(arguments: Sequence[str]) -> bool:
    """Whether `--log json` is among the options; asked before parsing, which may fail."""
    options = _options(arguments)
    return "--log=json" in options or ("--log", "json") in pairwise(options)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether `--json` is among the options; asked before parsing, which may fail."""
    return "--json" in _options(arguments)


def _options(arguments: Sequence[str]) -> list[str]:
    options = list(arguments)
    return options[: options.index("--")] if "--" in options else options


def id_argument(text: str) -> int:
    """An id of the API."""
    try:
        return parse_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, not {text[:40]!r}") from None


def count_argument(text: str) -> int:
    """A whole number from 0 on; thousands may be parted by commas, as we write them."""
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text[:40]!r}")
    return int(digits)


def port_argument(text: str) -> int:
    """A TCP port; 0 is any that is free."""
    if not (text.isascii() and text.isdigit()) or not 0 <= int(text[:6]) < 65536:
        raise argparse.ArgumentTypeError("must be a port from 0 to 65535 (0: any that is free)")
    return int(text)


def period(
    since: str | None, until: str | None, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """`--since` and `--until` as moments; UsageError when there is no time between them."""
    begin, end = _moment("--since", since, zone), _moment("--until", until, zone)
    if begin is not None and end is not None and begin >= end:
        raise UsageError("--since is not before --until", hint="--until itself is excluded")
    return begin, end


def _moment(option: str, text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text, zone)
    except ValueError as error:
        raise UsageError(f"{option} {error}, not {text[:40]!r}") from None
