"""The result of one run, for notices and metrics (pure)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from archiver.catalog.states import RecordingState
from archiver.errors import INTERRUPTED

COMPLETE: Final = 0
OPEN: Final = 3


class Night(Struct, frozen=True):
    """One full run. `report` is what `run --json` prints, None if there was none; `error` and
    `hint` are the error instead."""

    started_at: datetime
    ended_at: datetime
    exit_code: int
    report: Mapping[str, Any] | None = None
    error: str = ""
    hint: str = ""

    @property
    def seconds(self) -> float:
        """How long it took by the wall clock, which may have been set back meanwhile."""
        return max(0.0, (self.ended_at - self.started_at).total_seconds())

    @property
    def was_interrupted(self) -> bool:
        """Whether it was interrupted: neither a success nor a failure."""
        return self.exit_code == INTERRUPTED

    @property
    def came_to_its_end(self) -> bool:
        """Whether it succeeded; something may be open."""
        return self.exit_code in (COMPLETE, OPEN)

    @property
    def newly_gone(self) -> int:
        """Recordings that the source turned out to have lost (of those that the report names)."""
        problems = (self.report or {}).get("problems", ())
        return sum(problem["state"] == RecordingState.GONE for problem in problems)
