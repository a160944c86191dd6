"""Which calls are requested: scopes and windows (pure).

The call list requires orders or leads and a period (Call List of the API documentation); the calls
of a whole account cannot be listed.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

ScopeKind: TypeAlias = Literal["order", "lead"]

_SECOND = timedelta(seconds=1)


class Scope(Struct, frozen=True):
    """One order or one lead."""

    kind: ScopeKind
    id: int


class Window(Struct, frozen=True):
    """From `since` (inclusive) to `until` (exclusive): aware, in UTC, whole seconds (else
    ValueError)."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        for moment in (self.since, self.until):
            if moment.utcoffset() != timedelta(0) or moment.microsecond:
                raise ValueError("a window is made of whole seconds in UTC")

    @property
    def is_empty(self) -> bool:
        """Whether the window is empty."""
        return self.since >= self.until

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is in the window."""
        return self.since <= moment < self.until

    def halves(self) -> "tuple[Window, Window] | None":
        """The two halves, or None if the window is too short."""
        seconds = int((self.until - self.since).total_seconds()) // 2
        if seconds < 1:
            return None
        middle = self.since + timedelta(seconds=seconds)
        return Window(self.since, middle), Window(middle, self.until)

    def slices(self, longest: timedelta) -> "list[Window]":
        """The same window in pieces of at most that length, oldest first."""
        pieces = []
        since = self.since
        while since < self.until:
            until = self.until if self.until - since <= longest else since + longest
            pieces.append(Window(since, until))
            since = until
        return pieces

    def on_the_wire(self) -> tuple[str, str]:
        """Both bounds for `createdAt`, one second earlier at the start.

        Whether the API's bounds are inclusive, and how it rounds, is not documented; rows outside
        the window are dropped.
        """
        since = self.since - _SECOND if self.since > _EARLIEST else self.since
        return _spelled(since), _spelled(self.until)


def _spelled(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"


_EARLIEST = datetime.min.replace(tzinfo=UTC) + _SECOND


class Stretch(Struct, frozen=True):
    """Scopes of one kind, to be listed over one window (ValueError for mixed kinds)."""

    scopes: tuple[Scope, ...]
    window: Window

    def __post_init__(self) -> None:
        if len({scope.kind for scope in self.scopes}) > 1:
            raise ValueError("orders and leads are never asked for together")
