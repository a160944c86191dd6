"""What an export is asked for, and what had been brought home before it began (pure)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archiver.errors import UsageError
from archiver.export.voice import DEFAULT_LANGUAGE
from archiver.run.request import RunRequest
from archiver.text.messages import Messages

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""`All time` begins here. The API wants a period, and each month of it costs a request; no call
that a web service recorded is older. The custody record states it."""

_LEAST_DIGITS, _MOST_DIGITS = 5, 15


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Whose calls go where. `by` is who hands them over, in their own words."""

    target: Path
    leads: tuple[int, ...] = ()
    orders: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    phones: tuple[str, ...] = ()
    offline: bool = False
    force: bool = False
    leave_out_damaged: bool = False
    by: str | None = None
    language: str = DEFAULT_LANGUAGE

    @property
    def title(self) -> str:
        """Whose calls, for people: `Lead 789`, `Leads 789 and 790, call 5`."""
        parts = [
            _named("lead", self.leads),
            _named("order", self.orders),
            _named("call", self.calls),
            _named("number", self.phones),
        ]
        text = ", ".join(part for part in parts if part)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Trace:
    """Where numbers were found: the calls with them, the leads of those calls, and those of the
    calls that have none. `numbers` are those that some call has, as `bare_number` writes them."""

    calls: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was done to bring home what the archive lacked.

    `mode` is `fetched`, `offline`, or `locked` when another run had locked the archive. `until`
    is the end of the period that was asked for; `gaps` say what could not be listed, a sentence
    each.
    """

    mode: str
    run_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    recordings: int = 0
    gaps: tuple[str, ...] = ()

    def said(self, say: Messages) -> str:
        """What was done, for people."""
        if self.mode in ("offline", "locked"):
            return say(f"fetched.{self.mode}")
        if not self.recordings:
            return say("fetched.nothing")
        return say("fetched.new", count=self.recordings)


def fetch_request(request: ExportRequest, trace: Trace) -> RunRequest:
    """The run that brings home what the archive lacks of the calls that are asked for."""
    return RunRequest(
        since=BEGINNING,
        leads=_once((*request.leads, *trace.leads)),
        orders=_once(request.orders),
        calls=_once((*request.calls, *trace.loose)),
    )


def bare_number(text: str) -> str:
    """The digits by which numbers are compared, as dialled from abroad.

    `+7 900 123-45-67`, `007900…` and the Russian `8 900 …` are one number. UsageError for what is
    no number.
    """
    digits = re.sub(r"[\s().\-\u2010-\u2015/]", "", text)
    international = digits.startswith(("+", "00"))
    digits = digits.removeprefix("+").removeprefix("00") if international else digits
    if not (digits.isascii() and digits.isdigit()) or not (
        _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS
    ):
        raise UsageError(
            f"--phone must be a telephone number, not {text[:40]!r}",
            hint="write it with its country code, such as +79001234567",
        )
    if not international and len(digits) == 11 and digits.startswith("8"):
        return "7" + digits[1:]
    return digits


def number_in(text: object, wanted: frozenset[str]) -> str | None:
    """Which of the numbers, given as `bare_number` writes them, a `clientPhone` is."""
    if not isinstance(text, str):
        return None
    try:
        bare = bare_number(text)
    except UsageError:
        return None
    return bare if bare in wanted else None


def _once(ids: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(ids))


def _named(word: str, things: tuple[object, ...]) -> str:
    if not things:
        return ""
    *most, last = (str(one) for one in things)
    return f"{word}s {', '.join(most)} and {last}" if most else f"{word} {last}"
