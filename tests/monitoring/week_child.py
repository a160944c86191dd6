"""The real `archiver run --every`, by a clock that whoever started it sets free bit by bit.

In the folder of the command, the file `now` holds the moment that it is, and `gate` the moment that
it may not pass: there the process waits until the gate is moved. `jump` sets the clock by so many
seconds, once. All else is as it is at night, so the process may be killed at any point and started
again.
"""

import os
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import anyio

from archiver.cli import main, nightly
from tests.support.world import QUICK


def read_moment(path: Path) -> datetime:
    """What a file of the clock holds."""
    return datetime.fromisoformat(path.read_text())


def write_moment(path: Path, moment: datetime) -> None:
    """Set it, whole or not at all."""
    scratch = path.with_suffix(".new")
    scratch.write_text(moment.isoformat())
    scratch.replace(path)


def clock() -> datetime:
    """The moment that it is."""
    return read_moment(Path("now"))


async def sleep(seconds: float) -> None:
    """Let the time pass, up to the gate."""
    while clock() >= read_moment(Path("gate")):
        await anyio.sleep(0.005)
    passed = timedelta(seconds=seconds)
    if Path("jump").exists():
        passed += timedelta(seconds=float(Path("jump").read_text()))
        Path("jump").unlink()
    write_moment(Path("now"), clock() + passed)


if __name__ == "__main__":
    # Worker processes are told of a function by its module, which is not `__main__` there.
    from tests.monitoring.week_child import clock as clock_of_the_test

    # With such steps a day is some hundred looks at the clock.
    nights = partial(nightly.Nights, clock=clock_of_the_test, sleep=sleep, step=300.0)
    nightly.Nights = nights  # type: ignore[misc, assignment]
    code = main(["run", "--every", "24h", "--at", "02:30", "--log", "json"], pace=QUICK)
    sys.stdout.flush()
    os._exit(code)
