"""`archiver sandbox`: an embedded Liner API with sample calls and real audio."""

import argparse
import functools
from datetime import datetime
from typing import TYPE_CHECKING, Final

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, count_argument, port_argument
from archiver.clock import system_clock
from archiver.errors import UsageError
from archiver.sandbox.scenarios import SCENARIOS, faults_of
from archiver.text.measures import parse_size

if TYPE_CHECKING:
    from archiver.sandbox.model import Source

_USUAL_SIZE: Final = 16 * 1024
_LEAST_SIZE: Final = 64
_MOST_SIZE: Final = 2**30


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Serve a Liner API with sample calls and real audio on a loopback address until Ctrl-C, "
        "to try archiver out and for tests."
    )
    parser.add_argument(
        "--port",
        type=port_argument,
        default=8123,
        metavar="N",
        help="port to listen on; 0 means any free port (default: %(default)s)",
    )
    parser.add_argument(
        "--calls",
        type=count_argument,
        metavar="N",
        help="serve this many synthetic calls of one month instead, half of them recorded",
    )
    parser.add_argument(
        "--size",
        type=_size,
        metavar="SIZE",
        help="with --calls: the size of each recording, such as 256KiB (default: 16KiB)",
    )
    parser.add_argument(
        "--faults",
        nargs="+",
        choices=tuple(SCENARIOS),
        default=[],
        metavar="NAME",
        help="misbehave: " + "; ".join(f"{name}: {one.summary}" for name, one in SCENARIOS.items()),
    )
    parser.add_argument(
        "--seed",
        type=count_argument,
        default=0,
        metavar="N",
        help="selects the requests that fail and the bytes of synthetic recordings (default: 0)",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Serve until interrupted; UsageError if the port is not available."""
    from archiver.sandbox.server import serve

    world, since = _world(arguments)
    first_day = f"{since:%Y-%m-%d}"

    def announce(url: str, key: str) -> None:
        context.console.result(
            f"A Liner API with sample calls listens on {url} until Ctrl-C.",
            "To archive them, run this in another shell, in an empty folder:",
            f"  export LINER_URL={url} LINER_API_KEY={key}",
            "  archiver init",
            f"then set `since: {first_day}` under `window:` in archive.yaml, and run",
            "  archiver doctor && archiver run",
        )
        context.console.json({"url": url, "apiKey": key, "since": first_day})

    faults = faults_of(arguments.faults, arguments.seed)
    serving = functools.partial(serve, world=world, faults=faults)
    anyio.run(serving, "127.0.0.1", arguments.port, announce)
    return 0


def _world(arguments: argparse.Namespace) -> "tuple[Source, datetime]":
    """The calls to serve, and a first day before all of them."""
    from archiver.sandbox.stage import stage_for

    stage = stage_for(system_clock())
    if arguments.calls is None:
        if arguments.size is not None:
            raise UsageError("--size requires --calls", hint="add --calls 1000")
        return stage.world, stage.since
    size = _USUAL_SIZE if arguments.size is None else arguments.size
    world = stage.synthetic(arguments.calls, size, arguments.seed)
    return world, stage.since_synthetic


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not _LEAST_SIZE <= size <= _MOST_SIZE:
        raise argparse.ArgumentTypeError("must be a size from 64B to 1GiB")
    return size
