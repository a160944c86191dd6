"""A child process that parses lines of the ledger and checks stretches for a verification.

It gets a reader of the folder and then requests, on standard input. It changes nothing and decides
nothing: what it cannot check without doubt, and every error, is left to the parent, which does
the same again. It ignores signals, which a terminal sends to the whole process group; when
standard input is closed, it exits at once, whatever it is doing. So no child outlives its parent.
"""

import os
import pickle
import signal
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO, Final

import msgspec

from archiver.crew.frames import ANSWER, START, Frame, take_frame
from archiver.storage.base import Reader
from archiver.tasks.event_loop import collect_rarely
from archiver.verify.parsing import parse
from archiver.verify.stretch import Doubts, Stretch, check_stretch

LINES: Final = b"N"
"""The request to parse lines of the ledger, separated by line ends."""
STRETCH: Final = b"T"
"""The request to check a stretch."""


def main() -> None:
    """Serve the parent at the other end of standard input and output."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    collect_rarely()
    frames: SimpleQueue[Frame] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, frames), daemon=True).start()
    start = frames.get()
    if start.kind != START:
        return
    reader: Reader = pickle.loads(start.body)  # noqa: S301 - by our parent, which started us
    while True:
        frame = frames.get()
        sys.stdout.buffer.write(Frame(ANSWER, body=_answer(reader, frame)).encode())
        sys.stdout.buffer.flush()


def _listen(stream: BinaryIO, frames: "SimpleQueue[Frame]") -> None:
    while (frame := take_frame(stream)) is not None:
        frames.put(frame)
    os._exit(0)


def _answer(reader: Reader, request: Frame) -> bytes:
    """The answer; empty if the parent has to do it itself."""
    try:
        if request.kind == LINES:
            return msgspec.msgpack.encode(parse(request.body.split(b"\n")))
        doubts = Doubts()
        outcome = check_stretch(reader, _STRETCHES.decode(request.body), doubts)
    except Exception:  # noqa: BLE001 - the parent meets the same error, and reports it
        return b""
    return b"" if doubts else msgspec.msgpack.encode(outcome)


_STRETCHES = msgspec.msgpack.Decoder(Stretch)
