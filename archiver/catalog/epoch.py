"""Moments as the catalog keeps them: whole seconds since 1970, UTC (pure)."""

from datetime import UTC, datetime
from typing import overload


@overload
def seconds(moment: datetime) -> int: ...
@overload
def seconds(moment: datetime | None) -> int | None: ...
def seconds(moment: datetime | None) -> int | None:
    """A moment as the catalog keeps it."""
    return None if moment is None else int(moment.timestamp())


@overload
def moment(kept: int) -> datetime: ...
@overload
def moment(kept: int | None) -> datetime | None: ...
def moment(kept: int | None) -> datetime | None:
    """A moment out of the catalog."""
    return None if kept is None else datetime.fromtimestamp(kept, UTC)
