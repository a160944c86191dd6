"""Runs the command line: to its end within this process, or as a process of its own."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from archiver.archive.pace import Pace
from archiver.cli import main

TOP = Path(__file__).parent.parent.parent
PATIENCE = 60.0

ALONE: Final[dict[str, Any]] = {"download": {"processes": 1}, "inspect": {"after_run": False}}
"""Sections for runs that start no other process: starting takes longer than what most tests try."""


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


def archiver(
    *arguments: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    typed: str = "",
    pace: Pace | None = None,
) -> Ended:
    """Run one command in the folder, to its end, within this process: it is started already."""
    wanted = environment(folder, **(environ or {}))
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "stdin", io.StringIO(typed))
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        code = main(arguments, pace=pace)
    return Ended(code, out.getvalue(), err.getvalue())


def started(
    *arguments: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    module: str = "archiver",
) -> "subprocess.Popen[str]":
    """Start one command in the folder as a process; end it with `awaited` or `interrupted`."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment(folder, **(environ or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def awaited(process: "subprocess.Popen[str]") -> Ended:
    """Wait for the end that the command comes to by itself."""
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def interrupted(process: "subprocess.Popen[str]", number: signal.Signals) -> Ended:
    """Send the signal, and wait for the end that it brings; with what was not read before it."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(number)
    with process:
        process.wait(PATIENCE)
        # Not by `communicate`, which would lose what lies in the buffer of a reader.
        return Ended(process.returncode, process.stdout.read(), process.stderr.read())
