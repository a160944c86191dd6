"""Whether the clock is right, checked before anything is written with its time.

Events have the time of this machine's clock, cursors advance to it, and it decides what can be
pruned. A clock at 2099 would let everything be removed that was archived a minute ago, and the
events of a run would make the ledger agree with it. So the clock is compared with others: that of
the storage server, that of the API, and the newest event of the ledger, which runs write each
night. If none of them can confirm it, a person must, by giving the date.
"""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from archiver.clock import Clock, stamp
from archiver.errors import UsageError
from archiver.ledger.lines import decode
from archiver.ledger.segments import MOST_BYTES, Head, segment_key
from archiver.storage.base import Storage
from archiver.text.measures import say_duration

if TYPE_CHECKING:
    from archiver.archive.archive import Archive

_FOR_REMOVALS: Final = timedelta(minutes=15)
"""The largest difference of two clocks before a removal; S3 itself rejects requests beyond it."""
_SINCE_LAST_EVENT: Final = timedelta(days=30)
_SET = "set the clock of this machine (NTP)"
_CONFIRM = "if it is right, confirm today's date (UTC) with --today YYYY-MM-DD"


class OtherClocks(Struct, frozen=True):
    """The times that a command knows besides its own clock: `api` is the current time by the API's
    clock, if known; `today` is the date (UTC) confirmed by the user."""

    api: datetime | None = None
    today: date | None = None


NO_OTHER: Final = OtherClocks()


class ClockCheck(Struct, frozen=True):
    """Compares a clock with others, from which it may be `apart`. `refused` says what was not done.

    Each method raises UsageError for a clock that is wrong, and returns whether the other one
    confirms it. The user's date overrides the API and the ledger, but not the storage server, which
    rejects requests with another time anyway.
    """

    clock: Clock
    others: OtherClocks
    apart: timedelta
    refused: str = "nothing was written"

    def with_api(self) -> bool:
        """Compare with the date that the user confirms, or else with the API."""
        now, api, today = self.clock(), self.others.api, self.others.today
        if today is not None:
            off = abs(today - now.astimezone(UTC).date())
            if off > timedelta(days=self.apart.days):
                raise self._wrong(now, f"--today says {today}", f"{_SET}, or give the date in UTC")
            return True
        if api is None:
            return False
        if abs(api - now) > self.apart:
            raise self._wrong(now, f"the API's says {_far(now, api)}", f"{_SET}; {_CONFIRM}")
        return True

    async def with_storage(self, storage: Storage) -> bool:
        """Compare with the server of the storage, if there is one."""
        now, told = self.clock(), await storage.now()
        if told is None:
            return False
        if abs(told - now) > self.apart:
            raise self._wrong(now, f"the clock of the storage says {_far(now, told)}", _SET)
        return True

    async def with_ledger(self, archive: "Archive") -> bool:
        """Compare with the newest event: not later, and not 30 days ago, unless the user confirms
        the date."""
        now, last = self.clock(), await _last_event(archive)
        if last is None or self.others.today is not None:
            return False
        hint = f"{_SET}; {_CONFIRM}"
        if last - now > self.apart:
            what = f"the newest event in the ledger is later: {_far(now, last)}"
            raise self._wrong(now, what, hint)
        if now - last > max(_SINCE_LAST_EVENT, self.apart):
            what = f"the newest event in the ledger is {(now - last).days:,} days old"
            # Do not suggest a run: it writes the time of this clock, and the ledger would agree.
            raise self._wrong(now, f"{what} ({stamp(last)})", hint)
        return True

    def _wrong(self, now: datetime, what: str, hint: str) -> UsageError:
        said = f"{self.refused}: the clock of this machine says {stamp(now)}, but {what}"
        return UsageError(said, hint=hint)


async def require_right_clock(
    archive: "Archive", clock: Clock, *, today: date | None = None
) -> None:
    """Raise UsageError unless the clock agrees, within 15 minutes, with the storage and the ledger.

    For removals. `today` (UTC) is the user's confirmation; it replaces a ledger without recent
    events.
    """
    others = OtherClocks(today=today)
    check = ClockCheck(clock, others, _FOR_REMOVALS, refused="nothing was removed")
    check.with_api()
    await check.with_storage(archive.storage)
    await check.with_ledger(archive)


def _far(now: datetime, other: datetime) -> str:
    direction = "ahead" if other > now else "behind"
    return f"{stamp(other)}, {say_duration(abs(other - now).total_seconds())} {direction}"


async def _last_event(archive: "Archive") -> datetime | None:
    """When the newest event of the ledger was written; None for an empty ledger."""
    head: Head = await archive.catalog.head()
    if head.digest is None:
        return None
    data = await archive.storage.read(segment_key(head), limit=MOST_BYTES)
    _, *lines = data.splitlines()
    return decode(lines[-1]).at if lines else None
