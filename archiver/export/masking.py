"""Masking by rule: a package without summaries, telephone numbers or names of agents (pure).

The rule is applied to what is known of a call before anything is made of it: tables, pages, load
file, file names and sidecars all follow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from archiver.errors import UsageError


class Mask(StrEnum):
    """What may be masked."""

    SUMMARIES = "summaries"
    PHONES = "phones"
    NAMES = "names"


_KNOWN: Final = frozenset(
    {
        *("id", "callId", "leadId", "userId", "orderId", "sipEndpointId", "direction"),
        *("finishInitiator", "statusId", "statusCode", "totalDurationSeconds", "isPredictive"),
        *("waitTimeDurationSeconds", "talkTimeDurationSeconds", "hasRecords", "createdAt"),
        *("isTransfer", "durationSeconds", "clientPhone", "recordSummary"),
    }
)
"""Members of the API's rows of which it is known what they say."""

_NUMBER: Final = re.compile(r"\+?\d(?:[\s().\-\u2010-\u2015/]{0,2}\d){6,}")
"""Seven digits or more within a text, however they are grouped."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Which kinds are masked, and the word that stands there instead."""

    kinds: frozenset[Mask] = frozenset()
    word: str = "(masked)"

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Facts of `entries`, masked. Agents lose their names, so that their ids are shown."""
        return {
            **facts,
            **self._replaced(facts, Mask.PHONES, "phone"),
            "summary": self.summary(facts.get("summary")),
            **({"agent": None, "callAgent": None} if Mask.NAMES in self.kinds else {}),
        }

    def summary(self, text: str | None) -> str | None:
        """A summary: masked whole, or the telephone numbers in it."""
        if text is None:
            return None
        if Mask.SUMMARIES in self.kinds:
            return self.word
        return _NUMBER.sub(self.word, text) if Mask.PHONES in self.kinds else text

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the API: masked, and without members that might say anything."""
        known = {name: said for name, said in row.items() if name in _KNOWN}
        return {
            **known,
            **self._replaced(known, Mask.PHONES, "clientPhone"),
            **self.member(known, "recordSummary"),
        }

    def member(self, fields: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The member of this name with a summary, where there is one."""
        text = fields.get(name)
        return {name: self.summary(text)} if isinstance(text, str) else {}

    def who(self, facts: Mapping[str, Any], user_id: int | None) -> str | None:
        """Whom the file name of a recording with these facts names: the agent, else the number."""
        if Mask.NAMES in self.kinds and user_id is not None:
            return f"agent {user_id}"
        phone = None if Mask.PHONES in self.kinds else facts["phone"]
        return facts["agent"] or phone

    def phones(self, phones: tuple[str, ...]) -> tuple[str, ...]:
        """Telephone numbers that were asked for."""
        return (self.word,) if phones and Mask.PHONES in self.kinds else phones

    def _replaced(self, facts: Mapping[str, Any], kind: Mask, name: str) -> dict[str, Any]:
        is_masked = kind in self.kinds and facts.get(name)
        return {name: self.word} if is_masked else {}


NOTHING_MASKED: Final = Masks()


def read_masks(said: str) -> frozenset[Mask]:
    """The kinds that a comma divides. UsageError for another word."""
    words = [word.strip().lower() for word in said.split(",")]
    for word in words:
        if word not in set(Mask):
            raise UsageError(
                f"--mask does not support {word[:40]!r}",
                hint=f"use one or more of {', '.join(Mask)}, such as --mask phones,names",
            )
    return frozenset(map(Mask, words))
