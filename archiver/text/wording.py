"""Moments, lengths and sizes as people read them, in their language and zone (pure)."""

from datetime import date, datetime, tzinfo

from archiver.text.messages import Messages


def clock(seconds: float | None) -> str:
    """A length or a position as players show it: `0:18`, `12:05`, `1:02:03`."""
    if seconds is None:
        return "\N{EN DASH}"
    hours, rest = divmod(int(seconds), 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def short_day(say: Messages, day: date) -> str:
    """`Mon 2 Nov`."""
    month = say.words("months.short")[day.month - 1]
    return f"{say.words('weekdays.short')[day.weekday()]} {day.day} {month}"


class Wording:
    """What a page needs to format numbers and times."""

    def __init__(self, messages: Messages, zone: tzinfo) -> None:
        self._say = messages
        self.zone = zone

    def time(self, at: datetime | None) -> str:
        """`09:14`."""
        if at is None:
            return "\N{EN DASH}"
        local = at.astimezone(self.zone)
        return f"{local.hour:02}:{local.minute:02}"

    def full(self, day: date) -> str:
        """`2 November 2026`."""
        return f"{day.day} {self._say.words('months')[day.month - 1]} {day.year}"

    def short(self, day: date) -> str:
        """`Mon 2 Nov`."""
        return short_day(self._say, day)

    def brief_day(self, day: date) -> str:
        """`2 Nov`."""
        return f"{day.day} {self._say.words('months.short')[day.month - 1]}"

    def month(self, day: date) -> str:
        """`November 2026`."""
        return f"{self._say.words('months.alone')[day.month - 1]} {day.year}"

    def day(self, day: date | None) -> str:
        """`Monday, 2 November 2026`."""
        if day is None:
            return self._say("day.unknown")
        return f"{self._say.words('weekdays')[day.weekday()]}, {self.full(day)}"

    def day_of(self, at: datetime | None) -> date | None:
        """The local day of a moment."""
        return at.astimezone(self.zone).date() if at else None

    def moment(self, at: datetime | None) -> str:
        """`2 November 2026, 09:14`."""
        if at is None:
            return self._say("day.unknown")
        return f"{self.full(at.astimezone(self.zone).date())}, {self.time(at)}"

    def machine(self, at: datetime | None) -> str:
        """The moment for `<time datetime>` and for a spreadsheet."""
        return at.astimezone(self.zone).isoformat(timespec="seconds") if at else ""

    def size(self, count: int) -> str:
        """`12.3 MB`, in powers of 1000."""
        size, units = float(count), self._say.words("sizes")
        step = 0
        while size >= 1000 and step < len(units) - 1:
            size, step = size / 1000, step + 1
        return f"{self._say.decimal(size, 1 if step else 0)}\N{NO-BREAK SPACE}{units[step]}"
