"""Child processes forked from this one, for the run that it is about to begin.

A child that starts as a new Python takes 0.3 s of processor time to import what it needs, beside a
run that imports the same. A fork has it all, and takes some milliseconds.

It is possible only before a run: a fork has one thread, so an event loop or a lock that another
thread holds would be of no use in it. Later children are started as a new Python (`processes`).
"""

import asyncio
import fcntl
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from archiver.crew.child import IGNORED, ignore_signals, main
from archiver.crew.frames import READ_AHEAD

_FIRST_OTHER_FILE: Final = 3
"""Standard input, output and error come before it."""


class Forked:
    """A forked child before the event loop has begun. It waits for its first message."""

    def __init__(self, pid: int, handle: int, its_input: int, its_output: int) -> None:
        self.pid = pid
        self._handle = handle
        self._input = its_input
        self._output = its_output

    async def connected(self) -> "ForkedChild":
        """The same child, as part of the running event loop."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=READ_AHEAD)
        output, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._output, "rb")
        )
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(self._input, "wb")
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return ForkedChild(self.pid, self._handle, writer, reader, output)

    def end(self) -> None:
        """Kill it: it has no work."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        _exit_code(self.pid)
        for file in (self._handle, self._input, self._output):
            os.close(file)


class ForkedChild:
    """A forked child, with the members of `asyncio.subprocess.Process` that its run needs."""

    def __init__(
        self,
        pid: int,
        handle: int,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        output: asyncio.ReadTransport,
    ) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._handle = handle
        self._output = output
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(handle, self._note_end)

    def kill(self) -> None:
        """Kill it. Raises ProcessLookupError if it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it, once it has ended.

        What it wrote and nobody has read yet is lost then.
        """
        await self._ended.wait()
        self._output.close()  # it stays open by itself while unread messages fill its buffer
        if self.returncode is None:
            raise RuntimeError("a process has ended without an exit code")
        return self.returncode

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self.returncode = _exit_code(self.pid)
        self.stdin.close()
        self._ended.set()


def can_fork() -> bool:
    """Whether this process can safely fork children now: it has one thread, the standard files, and
    no other open file of its own. Python might close such a file in the child when its number
    already belongs to another.

    Needs Linux 5.3, whose handles of processes tell when one ends that asyncio has not started.
    """
    if not hasattr(os, "pidfd_open") or signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        return False  # the last: nobody would learn how a child ended
    if not all(map(_is_open, range(_FIRST_OTHER_FILE))):
        return False
    try:
        has_one_thread = len(list(Path("/proc/self/task").iterdir())) == 1
        return has_one_thread and not any(map(_is_our_own, _other_files()))
    except OSError:  # there is no /proc
        return False


@contextmanager
def signals_held() -> Iterator[None]:
    """Let signals that end a run wait until the end of the context.

    During a fork, Python would discard the exception that such a signal raises.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fork() -> Forked:
    """Fork a child, with `signals_held`. Raises OSError if the system refuses."""
    for stream in (sys.stdout, sys.stderr):  # else the child has the same text to write
        stream.flush()
    files: list[int] = []
    try:
        its_input, input_of_it = opened = os.pipe()
        files += opened
        output_of_it, its_output = opened = os.pipe()
        files += opened
        pid = os.fork()
    except OSError:
        for file in files:
            os.close(file)
        raise
    if pid == 0:
        _be_the_child(its_input, its_output)
    os.close(its_input)
    os.close(its_output)
    try:
        return Forked(pid, os.pidfd_open(pid), input_of_it, output_of_it)
    except OSError:
        os.close(input_of_it)  # that makes it exit
        os.close(output_of_it)
        _exit_code(pid)
        raise


def _be_the_child(its_input: int, its_output: int) -> NoReturn:
    """Serve the parent with its own pipes and the standard error only, and exit."""
    code = 1
    try:
        ignore_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
        os.setsid()
        os.dup2(its_input, 0)
        os.dup2(its_output, 1)
        for number in _other_files():
            os.close(number)
        main()
        code = 0
    except Exception:  # noqa: BLE001 - nothing above belongs to this process
        traceback.print_exc()
    finally:
        os._exit(code)


def _exit_code(pid: int) -> int:
    """Wait for the child; its exit code, or the negative number of the signal that ended it."""
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:  # it was waited for elsewhere; asyncio says 255 then, too
        return 255
    return os.waitstatus_to_exitcode(status)


def _other_files() -> list[int]:
    """The open files of this process besides standard input, output and error."""
    numbers = [int(one.name) for one in Path("/proc/self/fd").iterdir()]
    return [one for one in numbers if one >= _FIRST_OTHER_FILE and _is_open(one)]


def _is_open(number: int) -> bool:
    """False for the number that the directory had while it was listed."""
    with suppress(OSError):
        fcntl.fcntl(number, fcntl.F_GETFD)
        return True
    return False


def _is_our_own(number: int) -> bool:
    """Whether this process opened the file: Python does not let programs inherit what it opens."""
    return bool(fcntl.fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
