"""The command line: parse, dispatch, and report every result with lines and an exit code.

`commands` lists the commands, one module each. Imports everything below, each command only what it
needs.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from archiver import __version__
from archiver.cli.commands import build_parser
from archiver.cli.context import Context
from archiver.cli.failures import say_failure
from archiver.cli.output_options import OutputOptions
from archiver.cli.parsing import DEFAULT_CONFIG
from archiver.cli.streams import open_standard_streams
from archiver.console import Console
from archiver.errors import INTERRUPTED, UsageError

if TYPE_CHECKING:
    from archiver.archive.pace import Pace

_ENDING = (signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))
"""Signals that end a command like Ctrl-C: from a service manager, and from a closed terminal."""
_IMPORTED_OBJECTS = 400_000
"""More than a command imports. Modules are no garbage, and Python looks for some among them every
700 objects: a twelfth of the processor time of a start."""
_SECRETS = ("LINER_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Environment variables that contain secrets by definition."""


def script() -> NoReturn:
    """The process `archiver`: run one command, and exit."""
    gc.set_threshold(_IMPORTED_OBJECTS)
    open_standard_streams()
    code = main()
    if code == INTERRUPTED:
        # A thread that still waits for a dead server would keep the process for half a minute.
        # Everything necessary is finished; the archive survives worse.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    # Else Python searches all modules for cycles while it exits: 0.4 s with boto3 and Dask.
    gc.freeze()
    sys.exit(code)


def main(argv: Sequence[str] | None = None, *, pace: "Pace | None" = None) -> int:
    """Run one command, at the given pace, and return its exit code. Raises nothing."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    output = OutputOptions.of(arguments, os.environ)
    console = Console(
        json_mode=output.json,
        json_logs=output.json_logs,
        quiet=output.quiet,
        verbose=output.verbose,
        colour=output.colour,
    )
    console.protect(*(os.environ.get(name) for name in _SECRETS))
    try:
        with console.hearing_logs(), _terminated_like_interrupted():
            return _command(arguments, console, pace)
    except SystemExit as leaving:  # --help and --version
        return leaving.code if isinstance(leaving.code, int) else 0
    except KeyboardInterrupt:
        console.interrupted()
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence is here
        return say_failure(console, error)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        console.interrupted()
        return INTERRUPTED


def _command(arguments: Sequence[str], console: Console, pace: "Pace | None") -> int:
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    console.names(parsed.program)
    if parsed.command is None:
        for line in parser.format_help().splitlines():
            console.say(line)
        raise UsageError("no command given", hint="`archiver COMMAND --help` shows its options")
    if console.quiet and console.verbose:
        raise UsageError("--quiet and --verbose cannot be combined", hint="keep one of them")
    config = Path(getattr(parsed, "config", DEFAULT_CONFIG))
    console.detail(f"archiver {__version__}, Python {sys.version.split()[0]}, {config.absolute()}")
    context = Context(console, os.environ, config, pace)
    code: int = parsed.execute(parsed, context)
    return code


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it cleans up and exits with 130.

    They are turned into SIGINT and not into an exception, because event loops handle SIGINT. A
    shell without job control starts background processes with SIGINT ignored; ignoring it would
    mean ignoring SIGTERM as well. If SIGHUP is ignored (`nohup`), the command is meant to outlive
    its terminal, and does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    before = {
        number: signal.signal(number, interrupt)
        for number in _ENDING
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN
    }
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
