"""Numbers, times, people and shares of a statement, in one language (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from archiver.catalog.overview import Period
from archiver.reasons import Reason
from archiver.text.messages import LANGUAGES, Messages, load_messages
from archiver.text.templates import visible
from archiver.text.wording import Wording

_DEFAULT: Final = next(iter(LANGUAGES))


@dataclass(frozen=True, slots=True)
class Speech:
    """Creates the texts of a statement."""

    language: str
    zone: tzinfo

    @property
    def say(self) -> Messages:
        """The statement's messages."""
        return load_messages("archiver.statement", self.language)

    @property
    def wording(self) -> Wording:
        """The formats of dates and sizes."""
        return Wording(self.say, self.zone)

    def number(self, value: int) -> str:
        """A whole number, with separators."""
        return self.say.number(value)

    def moment(self, at: datetime | None) -> str:
        """A time such as `2 November 2026, 09:14`, or "never"."""
        return self.say("never") if at is None else self.wording.moment(at)

    def period(self, period: Period) -> str:
        """A period such as `1 – 31 October 2026`; with times if the bounds are not midnight."""
        since, until = period.since, period.until
        if since is None and until is None:
            return self.say("period.all")
        if since is None:
            return self.say("period.until", until=self._bound(until))
        if until is None:
            return self.say("period.since", since=self._bound(since))
        if not (self._is_midnight(since) and self._is_midnight(until)):
            since_said, until_said = self._bound(since), self._bound(until)
            return self.say("period.between", since=since_said, until=until_said)
        first = since.astimezone(self.zone).date()
        last = until.astimezone(self.zone).date() - timedelta(days=1)
        return self._days(first, last)

    def talk(self, seconds: int) -> str:
        """A duration such as `120 h 14 min`."""
        minutes = round(seconds / 60)
        hours = self.number(minutes // 60)
        return self.say("talk", hours=hours, minutes=minutes % 60)

    def share(self, part: float, whole: float) -> str:
        """A share such as `98.7 %`. Less than everything is never shown as 100 %, and more than
        nothing never as 0 %."""
        if not whole:
            return "\N{EN DASH}"
        share = 100 * part / whole
        shown = min(round(share, 1), 99.9) if part < whole else 100.0
        shown = max(shown, 0.1) if part else 0.0
        return f"{self.say.brief(shown)}\N{NO-BREAK SPACE}%"

    def named(self, names: Mapping[int, str], one: int | None, kind: str) -> str:
        """The name for an id, or the id if there is no name."""
        if one is None:
            return self.say(f"{kind}.unknown")
        name = names.get(one)
        return str(visible(name)) if name else self.say(f"{kind}.id", id=one)

    def reason(self, word: str) -> str:
        """The sentence for a reason in the ledger; an unknown word as it is."""
        if word not in set(Reason):
            return word
        sentence = Reason(word).sentence
        return sentence if self.language == _DEFAULT else self.say(f"reason.{word}")

    def _bound(self, at: datetime | None) -> str:
        if at is not None and self._is_midnight(at):
            return self.wording.full(at.astimezone(self.zone).date())
        return self.wording.moment(at)

    def _is_midnight(self, at: datetime) -> bool:
        return f"{at.astimezone(self.zone):%H%M%S}" == "000000"

    def _days(self, first: date, last: date) -> str:
        if first == last:
            return self.wording.full(first)
        end = self.wording.full(last)
        start = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else ""
        return f"{start or self.wording.full(first)} \N{EN DASH} {end}"
