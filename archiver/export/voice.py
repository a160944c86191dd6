"""Language and time zone of a package, and the rendering of its pages from templates."""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import jinja2

from archiver.export.markup import address
from archiver.reasons import Reason
from archiver.text.messages import LANGUAGES, Messages, load_messages
from archiver.text.templates import templates_of
from archiver.text.wording import Wording, clock

DEFAULT_LANGUAGE: Final = next(iter(LANGUAGES))


@dataclass(frozen=True, slots=True)
class Voice:
    """Creates the texts of a package."""

    language: str = DEFAULT_LANGUAGE
    zone: tzinfo = UTC

    @property
    def say(self) -> Messages:
        """The package's messages."""
        return load_messages("archiver.export", self.language)

    @property
    def wording(self) -> Wording:
        """The formats of dates and sizes."""
        return Wording(self.say, self.zone)

    def render(self, template: str, **values: Any) -> str:
        """Render a template, which has access to `say` and `wording`."""
        made = _templates().get_template(template)
        return made.render(say=self.say, wording=self.wording, **values)

    def moment(self, at: datetime) -> str:
        """A time such as `2026-11-02 10:14:05 Europe/Berlin`."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S} {self.zone}"

    def period(self, first: datetime | None, last: datetime | None) -> str:
        """The days from the first to the last, both inclusive."""
        if first is None or last is None:
            return self.say("unknown")
        one, other = (self.wording.full(at.astimezone(self.zone).date()) for at in (first, last))
        if one == other:
            return one
        day, month_and_year = one.split(" ", 1)
        if other.endswith(f" {month_and_year}"):
            return f"{day} \N{EN DASH} {other}"
        return f"{one} \N{EN DASH} {other}"

    def why(self, word: str) -> str:
        """The sentence for a reason in the ledger, or for a state; any other word as it is."""
        if word in set(Reason):
            reason = Reason(word)
            is_own = self.language == DEFAULT_LANGUAGE
            return reason.sentence if is_own else self.say(f"reason.{word}")
        return self.say(f"why.{word}") if self.say.has(f"why.{word}") else word


@functools.cache
def _templates() -> jinja2.Environment:
    environment = templates_of("archiver.export")
    environment.filters["address"] = address
    environment.filters["clock"] = clock
    return environment
