"""What is asked of a run (pure)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the command line asks of a run; moments are aware. Without any: a whole night's run.

    `for_export` asks for each window in one piece first, since few calls may lie in a long time,
    and takes up nothing that is open elsewhere.
    """

    since: datetime | None = None
    until: datetime | None = None
    leads: tuple[int, ...] = ()
    orders: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    recheck: bool = False
    dry_run: bool = False
    for_export: bool = False

    @property
    def purpose(self) -> str | None:
        """What the run is a part of; None where it is a run of its own."""
        return "export" if self.for_export else None

    @property
    def names_scopes(self) -> bool:
        """Whether it names whose calls are meant."""
        return bool(self.leads or self.orders or self.calls)

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole run, one that moves cursors."""
        return not (self.names_scopes or self.since or self.until)
