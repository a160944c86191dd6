"""The command line of somebody who takes every lease for that of a dead run: `python -m` this."""

import sys

from msgspec.structs import replace

from archiver.archive.pace import REAL_PACE
from archiver.cli import main
from archiver.storage.lease import LeaseTimes

if __name__ == "__main__":
    sys.exit(main(pace=replace(REAL_PACE, lease=LeaseTimes(dead_after=0.0))))
