"""Runs the command line as a process of its own, the way a shell or a timer does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).parent.parent.parent
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How a command ended, and all that it said."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on standard output; fails when there is anything else."""
        answer = json.loads(self.out)
        assert isinstance(answer, dict)
        return answer

    def says(self, secret: str) -> bool:
        return secret in self.out + self.err


def environment(folder: Path, **more: str) -> dict[str, str]:
    """A bare environment whose home is the folder."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(TOP),
        "PYTHONWARNINGS": "error",
        "HOME": str(folder),
        **more,
    }


def archiver(*arguments: str, folder: Path, environ: Mapping[str, str] | None = None) -> Ended:
    """Run one command in the folder, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "archiver", *arguments],
        cwd=folder,
        env=environment(folder, **(environ or {})),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def started(
    *arguments: str, folder: Path, environ: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start one command in the folder; end it with `interrupted`."""
    return subprocess.Popen(
        [sys.executable, "-m", "archiver", *arguments],
        cwd=folder,
        env=environment(folder, **(environ or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(process: "subprocess.Popen[str]", number: signal.Signals) -> Ended:
    """Send the signal, and wait for the end that it brings; with what was not read before it."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(number)
    with process:
        process.wait(PATIENCE)
        # Not by `communicate`, which would lose what lies in the buffer of a reader.
        return Ended(process.returncode, process.stdout.read(), process.stderr.read())
