"""In which language and zone a package speaks, and how its pages are made from templates."""

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
    """Says what people read in a package."""

    language: str = DEFAULT_LANGUAGE
    zone: tzinfo = UTC

    @property
    def say(self) -> Messages:
        """The words of the package."""
        return load_messages("archiver.export", self.language)

    @property
    def wording(self) -> Wording:
        """Days and sizes."""
        return Wording(self.say, self.zone)

    def render(self, template: str, **values: Any) -> str:
        """The markup of a template; `say` and `wording` are known to it."""
        made = _templates().get_template(template)
        return made.render(say=self.say, wording=self.wording, **values)

    def moment(self, at: datetime) -> str:
        """`2026-11-02 10:14:05 Europe/Berlin`."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S} {self.zone}"

    def period(self, first: datetime | None, last: datetime | None) -> str:
        """The days from the first to the last, both included."""
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
        """The sentence of a reason of the ledger, or of a state; the word itself for another."""
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
