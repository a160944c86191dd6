"""A child process that checks stretches of an archive for a verification.

It gets a reader of the folder and then stretches, on standard input. It changes nothing and decides
nothing: what it cannot check without doubt, and every error, is left to the parent, which checks
the same stretch again. It ignores signals, which a terminal sends to the whole process group; when
standard input is closed, it exits at once, whatever it is doing. So no child outlives its parent.
"""

import os
import pickle
import signal
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO

import msgspec

from archiver.crew.frames import ANSWER, BATCH, START, Frame, take_frame
from archiver.storage.base import Reader
from archiver.tasks.event_loop import collect_rarely
from archiver.verify.stretch import Doubts, Stretch, check_stretch


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
    stretches = msgspec.msgpack.Decoder(Stretch)
    while True:
        frame = frames.get()
        answer = _outcome(reader, stretches.decode(frame.body))
        sys.stdout.buffer.write(Frame(ANSWER, frame.number, answer).encode())
        sys.stdout.buffer.flush()


def _listen(stream: BinaryIO, frames: "SimpleQueue[Frame]") -> None:
    while (frame := take_frame(stream)) is not None and frame.kind in (START, BATCH):
        frames.put(frame)
    os._exit(0)


def _outcome(reader: Reader, stretch: Stretch) -> bytes:
    """The outcome; empty if the parent has to check it itself."""
    doubts = Doubts()
    try:
        outcome = check_stretch(reader, stretch, doubts)
    except Exception:  # noqa: BLE001 - the parent meets the same error, and reports it
        return b""
    return b"" if doubts else msgspec.msgpack.encode(outcome)
