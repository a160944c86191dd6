"""Failed runs, which may have left nothing in the archive itself."""

from datetime import datetime

from msgspec import Struct


class FailedRuns(Struct, frozen=True):
    """Consecutive failed runs in the run history of this machine, which may have left nothing in
    the archive. The first began at `since`, the last ended at `ended_at`."""

    count: int
    since: datetime
    ended_at: datetime
    exit_code: int
