"""The request for a run (pure)."""

from datetime import date, datetime

from msgspec import Struct


class RunRequest(Struct, frozen=True):
    """The options of a run; moments are aware. Without any, it is a full run.

    `for_export` requests each window in one piece first, since a long period may have few calls,
    and does not retry what is open elsewhere. `today` is the date (UTC) that the user confirms if
    the clock of the machine is in doubt.
    """

    since: datetime | None = None
    until: datetime | None = None
    leads: tuple[int, ...] = ()
    orders: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    recheck: bool = False
    dry_run: bool = False
    for_export: bool = False
    today: date | None = None

    @property
    def purpose(self) -> str | None:
        """What the run is part of; None for a run of its own."""
        return "export" if self.for_export else None

    @property
    def names_scopes(self) -> bool:
        """Whether it is limited to leads, orders or calls."""
        return bool(self.leads or self.orders or self.calls)

    @property
    def is_whole(self) -> bool:
        """Whether it is a full run, which advances cursors."""
        return not (self.names_scopes or self.since or self.until)
