"""The first Ctrl-C ends long work in order, the second ends the process, whatever the command."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from archiver.cli.watch import shown_by, stopped_by_signal, unless_interrupted
from archiver.console import Console

pytestmark = pytest.mark.anyio

_STUBBORN = """
import anyio
from archiver.cli.watch import unless_interrupted
from archiver.console import Console

async def work():
    with anyio.CancelScope(shield=True):
        print("at work", flush=True)
        await anyio.sleep_forever()

anyio.run(unless_interrupted, Console(), work)
"""


@contextmanager
def stubborn() -> Iterator["subprocess.Popen[str]"]:
    """A process whose work cannot be cancelled, once it is at work."""
    command = [sys.executable, "-c", _STUBBORN]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "at work\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_at_once(number: signal.Signals) -> None:
    with stubborn() as process:
        assert process.stderr is not None
        process.send_signal(number)
        assert "Press Ctrl-C again" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == 130


async def test_work_that_a_signal_cancels_has_no_result() -> None:
    async def work() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await anyio.sleep_forever()
        return "done"

    assert await unless_interrupted(Console(), work) is None


async def test_work_that_is_done_gives_its_result_and_its_error_as_itself() -> None:
    async def done() -> str:
        return "done"

    async def failed() -> str:
        raise ValueError("ours")

    assert await unless_interrupted(Console(), done) == "done"
    with pytest.raises(ValueError, match="ours"):
        await unless_interrupted(Console(), failed)


async def test_a_body_may_look_after_the_signal_itself() -> None:
    async with stopped_by_signal(Console()) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()


class _Ticks:
    def __init__(self) -> None:
        self.ticked, self.closed = anyio.Event(), False

    def tick(self) -> None:
        self.ticked.set()

    def close(self) -> None:
        self.closed = True


async def test_a_printer_ticks_while_the_body_works_and_is_closed_whatever_comes() -> None:
    printer = _Ticks()
    with pytest.raises(ValueError, match="ours"):
        async with shown_by(printer):
            await printer.ticked.wait()
            raise ValueError("ours")
    assert printer.closed
