"""The command line of somebody who takes every lease for that of a dead run: `python -m` this."""

import sys

from msgspec.structs import replace

from archiver.archive.pace import REAL_PACE
from archiver.cli import main
from archiver.storage.lease import LeaseTimes

IMPATIENT = LeaseTimes(give_up=600.0, dead_after=0.0)
"""No other run takes theirs, so they need not give it up where a busy machine stops them for a
minute: then they would end with 5, as they should elsewhere."""

if __name__ == "__main__":
    sys.exit(main(pace=replace(REAL_PACE, lease=IMPATIENT)))
