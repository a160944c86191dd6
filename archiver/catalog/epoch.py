"""Moments as the catalog keeps them: whole seconds since 1970, UTC (pure)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, overload

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DAY: Final = 24 * 60 * 60


@overload
def seconds(moment: datetime) -> int: ...
@overload
def seconds(moment: datetime | None) -> int | None: ...
def seconds(moment: datetime | None) -> int | None:
    """A moment as the catalog keeps it."""
    return None if moment is None else int(moment.timestamp())


def all_seconds(moments: Iterable[datetime | None]) -> list[int | None]:
    """Moments, each with a zone, as the catalog keeps them: as `seconds`, in less time."""
    since = [None if one is None else one - _EPOCH for one in moments]
    return [
        None if one is None else one.days * _DAY + one.seconds + (one.days < 0 < one.microseconds)
        for one in since
    ]


@overload
def moment(kept: int) -> datetime: ...
@overload
def moment(kept: int | None) -> datetime | None: ...
def moment(kept: int | None) -> datetime | None:
    """A moment out of the catalog."""
    return None if kept is None else datetime.fromtimestamp(kept, UTC)
