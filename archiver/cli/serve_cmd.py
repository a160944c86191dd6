"""`archiver serve`: the QA desk over the archive, until Ctrl-C."""

import argparse
import functools
import socket
from collections.abc import Callable

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser, port_argument
from archiver.clock import system_clock
from archiver.config import Config, state_folder
from archiver.errors import INTERRUPTED
from archiver.extras import extra
from archiver.tasks.event_loop import FASTEST_LOOP, collect_rarely


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Serve the QA desk for the archive until Ctrl-C: a web application to search, play and "
        "review calls. New recordings appear as runs add them; the desk never writes to the "
        "archive. Users are required on any address other than loopback: see `archiver user`."
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="H",
        help="address to listen on (default: %(default)s, this machine only)",
    )
    parser.add_argument(
        "--port",
        type=port_argument,
        default=8080,
        metavar="N",
        help="port to listen on; 0 means any free port (default: %(default)s)",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Serve until interrupted.

    UsageError if the port is not available or nobody could log in, NoArchive without an archive.
    """
    with extra("desk"):
        from archiver.web.serving import listening

    config = context.load_config(needs_key=False)

    def announce(url: str) -> None:
        public = config.desk.public_url
        context.console.result(
            f"The desk is listening on {url} (press Ctrl-C to stop).",
            *([f"Public address: {public}/"] if public else []),
        )
        context.console.json({"url": url})

    return keep_serving(
        config, arguments.host, listening(arguments.host, arguments.port), context, announce
    )


def keep_serving(
    config: Config,
    host: str,
    listener: socket.socket,
    context: Context,
    announce: Callable[[str], None],
) -> int:
    """Serve the desk on the socket until interrupted, and return the exit code of that."""
    with extra("desk"):
        from archiver.cli.desk_packing import PACK
        from archiver.web.serving import serve

    collect_rarely()
    try:
        anyio.run(
            functools.partial(
                serve,
                config,
                host=host,
                listener=listener,
                state_folder=state_folder(context.environ, config.catalog.path),
                clock=system_clock,
                announce=announce,
                pack=PACK,
            ),
            backend_options=FASTEST_LOOP,
        )
    except* KeyboardInterrupt:
        context.console.say("the desk has ended")
    return INTERRUPTED
