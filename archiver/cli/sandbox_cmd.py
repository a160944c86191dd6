"""`archiver sandbox`: an embedded Liner API with sample calls and real audio."""

import argparse
import functools

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, port_argument
from archiver.clock import system_clock


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Serve a Liner API with sample calls and real audio on a loopback address, for "
        "trying out and for tests, until Ctrl-C."
    )
    parser.add_argument(
        "--port",
        type=port_argument,
        default=8123,
        metavar="N",
        help="where to listen; 0 is any port that is free (default: %(default)s)",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Serve until interrupted, which is what ends it; UsageError when the port cannot be had."""
    from archiver.sandbox.server import serve
    from archiver.sandbox.stage import stage_for

    stage = stage_for(system_clock())
    first_day = f"{stage.since:%Y-%m-%d}"

    def announce(url: str, key: str) -> None:
        context.console.result(
            f"A Liner API with sample calls listens on {url} until Ctrl-C.",
            "To archive them, do this in another shell and an empty folder:",
            f"  export LINER_URL={url} LINER_API_KEY={key}",
            "  archiver init",
            f"and, once archive.yaml says `since: {first_day}` under `window:`,",
            "  archiver doctor && archiver run",
        )
        context.console.json({"url": url, "apiKey": key, "since": first_day})

    anyio.run(functools.partial(serve, "127.0.0.1", arguments.port, announce, world=stage.world))
    return 0
