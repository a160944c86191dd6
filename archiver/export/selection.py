"""The selection of calls for an export, as a value (pure).

Different kinds narrow the selection, several values of a kind widen it: leads 1 and 2 with user 7
select the calls of either lead in which this user took part.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from archiver.catalog.kinds import Kind
from archiver.clock import stamp_or_none
from archiver.errors import UsageError
from archiver.export.voice import Voice
from archiver.text.measures import parse_id, say_moment
from archiver.text.messages import Messages

_LEAST_DIGITS, _MOST_DIGITS = 5, 15
_SHOWN: Final = 5
"""The most ids in a title; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Named:
    """Recordings and calls given one by one: those in a file, or those with a tag."""

    recordings: frozenset[int] = frozenset()
    calls: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.recordings) + len(self.calls)


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose calls, which ones, and of which period. Empty fields do not narrow the selection.

    `listed` is the content of a file, `tagged` the recordings with one of `tags`; None if not
    given. A status is a code such as `answered`. `since` is inclusive, `until` exclusive.
    """

    leads: tuple[int, ...] = ()
    orders: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    phones: tuple[str, ...] = ()
    users: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tagged: Named | None = None
    listed: Named | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it selects nothing in particular."""
        return self == Selection()

    @property
    def numbers(self) -> frozenset[str]:
        """The telephone numbers in the form in which they are compared."""
        return frozenset(map(bare_number, self.phones))

    @property
    def needs_trace(self) -> bool:
        """Whether the calls are selected by number only, so that their leads are not known."""
        is_named = self.leads or self.orders or self.named_calls is not None
        return bool(self.phones) and not is_named

    @property
    def is_searched(self) -> bool:
        """Whether it depends on data that only sidecars and the API's rows have."""
        return bool(self.phones or self.statuses)

    @property
    def named_calls(self) -> tuple[int, ...] | None:
        """The calls, if all that can match are given by id; None if calls have to be listed.

        Recordings are given by id only if they are archived, so they require no list of calls.
        """
        if self.calls:
            return self.calls
        if self.listed is not None:
            return tuple(sorted(self.listed.calls))
        return None if self.tagged is None else ()

    def kinds(self) -> Iterator[Kind]:
        """The kinds that the catalog can select; not numbers and statuses."""
        kinds = (
            Kind(leads=self.leads),
            Kind(orders=self.orders),
            Kind(users=self.users),
            Kind(calls=self.calls),
        )
        yield from (kind for kind in kinds if kind != Kind())
        for named in (self.tagged, self.listed):
            if named is not None:
                yield Kind(calls=named.calls, recordings=named.recordings)
        if self.since or self.until:
            yield Kind(since=self.since, until=self.until)

    def title(self, voice: Voice) -> str:
        """The selected calls in words: `Lead 789`, `Leads 789 and 790, call 5`."""
        say = voice.say
        members: dict[str, tuple[object, ...]] = {
            "leads": self.leads,
            "orders": self.orders,
            "calls": self.calls,
            "phones": self.phones,
            "users": self.users,
            "statuses": self.statuses,
            "tags": self.tags,
        }
        parts = [
            say(f"title.{member}", count=len(values), ids=_joined(values, say))
            for member, values in members.items()
            if values
        ]
        if self.listed is not None:
            parts.append(say("title.listed", count=len(self.listed)))
        for name, at in (("since", self.since), ("until", self.until)):
            if at is not None:
                parts.append(say(f"title.{name}", at=say_moment(at, voice.zone)))
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]

    def as_json(self) -> dict[str, Any]:
        """As in the custody record."""
        told: dict[str, Any] = {
            "leads": list(self.leads),
            "orders": list(self.orders),
            "calls": list(self.calls),
            "phones": list(self.phones),
            "users": list(self.users),
            "statuses": list(self.statuses),
            "tags": list(self.tags),
            "since": stamp_or_none(self.since),
            "until": stamp_or_none(self.until),
        }
        if self.listed is not None:
            told["listedRecordings"] = sorted(self.listed.recordings)
            told["listedCalls"] = sorted(self.listed.calls)
        return told


def read_list(lines: Iterable[str], name: str) -> Named:
    """The content of a list: one recording id per line, or `call:` and a call id.

    Empty lines and everything after `#` are ignored. Raises UsageError, which names the first line
    that is neither, or says that the list is empty.
    """
    recordings, calls = set(), set()
    for number, line in enumerate(lines, start=1):
        entry = line.partition("#")[0].strip().removeprefix("\ufeff")
        if not entry:
            continue
        try:
            if entry.lower().startswith("call:"):
                calls.add(parse_id(entry[5:].strip()))
            else:
                recordings.add(parse_id(entry))
        except ValueError:
            raise UsageError(
                f"{name}, line {number}: {entry[:40]!r} is neither a recording id nor call:ID",
                hint="write one per line, such as 900101 or call:123",
            ) from None
    if not recordings and not calls:
        raise UsageError(f"{name} contains no recordings or calls", hint="write one id per line")
    return Named(frozenset(recordings), frozenset(calls))


def bare_number(text: str) -> str:
    """The digits by which numbers are compared, in international format.

    `+7 900 123-45-67`, `007900…` and the Russian `8 900 …` are the same number. Raises UsageError
    if it is not a number.
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
    """The number among those wanted (as written by `bare_number`) that a `clientPhone` equals."""
    if not isinstance(text, str):
        return None
    try:
        bare = bare_number(text)
    except UsageError:
        return None
    return bare if bare in wanted else None


def _joined(things: tuple[object, ...], say: Messages) -> str:
    said = [str(one) for one in things]
    if len(said) > _SHOWN + 1:
        said = [*said[:_SHOWN], say("title.more", count=len(said) - _SHOWN)]
    *most, last = said
    return say("title.and", most=", ".join(most), last=last) if most else last
