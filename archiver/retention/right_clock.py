"""Whether the clock is right, checked before anything is removed permanently.

This machine's clock decides what can be pruned, and up to when a person's calls are never fetched
again. A clock at 2099 would let everything be removed that was archived a minute ago. So the clock
is compared with others: that of the storage server, and the newest event of the ledger, which runs
write each night. If neither can confirm it, a person must, by giving the date.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from archiver.archive.archive import Archive
from archiver.clock import Clock, stamp
from archiver.errors import UsageError
from archiver.ledger.lines import decode
from archiver.ledger.segments import MOST_BYTES, Head, segment_key

_APART: Final = timedelta(minutes=15)
"""The largest difference of two clocks; S3 itself rejects requests beyond it."""
_SINCE_LAST_EVENT: Final = timedelta(days=30)


async def require_right_clock(archive: Archive, clock: Clock, *, today: date | None = None) -> None:
    """Raise UsageError unless the clock agrees with the storage and the ledger.

    `today` (UTC) is a person's confirmation; it replaces a ledger without recent events.
    """
    now = clock()
    if today is not None and today != now.astimezone(UTC).date():
        raise _wrong(now, f"--today says {today}", "give the date in UTC, or set the clock")
    told = await archive.storage.now()
    if told is not None and abs(told - now) > _APART:
        raise _wrong(now, f"the clock of the storage says {stamp(told)}", "set the clock (NTP)")
    last = await _last_event(archive)
    if last is None or today is not None:
        return
    if now < last - _APART:
        what = f"the newest event in the ledger is later: {stamp(last)}"
        raise _wrong(
            now, what, "set the clock (NTP); if it is right, confirm the date with --today"
        )
    if now > last + _SINCE_LAST_EVENT:
        days = (now - last).days
        what = f"the newest event in the ledger is {days:,} days old ({stamp(last)})"
        # Do not suggest a run: it writes the time of this clock, and the ledger would agree.
        hint = f"if it is right, name the day with --today {now.astimezone(UTC):%Y-%m-%d}"
        raise _wrong(now, what, f"set the clock (NTP); {hint}")


def _wrong(now: datetime, what: str, hint: str) -> UsageError:
    return UsageError(
        f"nothing was removed: the clock of this machine says {stamp(now)}, but {what}", hint=hint
    )


async def _last_event(archive: Archive) -> datetime | None:
    """When the newest event of the ledger was written; None for an empty ledger."""
    head: Head = await archive.catalog.head()
    if head.digest is None:
        return None
    data = await archive.storage.read(segment_key(head), limit=MOST_BYTES)
    _, *lines = data.splitlines()
    return decode(lines[-1]).at if lines else None
