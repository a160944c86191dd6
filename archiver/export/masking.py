"""Masking: packages without summaries, telephone numbers or names of agents (pure).

Masks are applied to the facts of a call before anything is created from them, so tables, pages,
load file, file names and sidecars are all masked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from archiver.errors import UsageError


class Mask(StrEnum):
    """What can be masked."""

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
"""Members of the API's rows whose content is known."""

_NUMBER: Final = re.compile(r"\+?\d(?:[\s().\-\u2010-\u2015/]{0,2}\d){6,}")
"""Seven digits or more within a text, in any grouping."""


@dataclass(frozen=True, slots=True)
class Masks:
    """The kinds to mask, and the text that replaces them."""

    kinds: frozenset[Mask] = frozenset()
    word: str = "(masked)"

    def __bool__(self) -> bool:
        return bool(self.kinds)

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Masked facts of `entries`. Agents lose their names, so their ids are shown."""
        return {
            **facts,
            **self._replaced(facts, Mask.PHONES, "phone"),
            "summary": self.summary(facts.get("summary")),
            **({"agent": None, "callAgent": None} if Mask.NAMES in self.kinds else {}),
        }

    def summary(self, text: str | None) -> str | None:
        """A summary: masked completely, or without its telephone numbers."""
        if text is None:
            return None
        if Mask.SUMMARIES in self.kinds:
            return self.word
        return _NUMBER.sub(self.word, text) if Mask.PHONES in self.kinds else text

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A masked row of the API, without members of unknown content."""
        known = {name: said for name, said in row.items() if name in _KNOWN}
        return {
            **known,
            **self._replaced(known, Mask.PHONES, "clientPhone"),
            **self.member(known, "recordSummary"),
        }

    def member(self, fields: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The member with this name and its masked summary, if there is one."""
        text = fields.get(name)
        return {name: self.summary(text)} if isinstance(text, str) else {}

    def who(self, facts: Mapping[str, Any], user_id: int | None) -> str | None:
        """Who is named in the file name of the recording: the agent, else the number."""
        if Mask.NAMES in self.kinds and user_id is not None:
            return f"agent {user_id}"
        phone = None if Mask.PHONES in self.kinds else facts["phone"]
        return facts["agent"] or phone

    def phones(self, phones: tuple[str, ...]) -> tuple[str, ...]:
        """The requested telephone numbers, masked if necessary."""
        return (self.word,) if phones and Mask.PHONES in self.kinds else phones

    def _replaced(self, facts: Mapping[str, Any], kind: Mask, name: str) -> dict[str, Any]:
        is_masked = kind in self.kinds and facts.get(name)
        return {name: self.word} if is_masked else {}


NOTHING_MASKED: Final = Masks()


def read_masks(said: str) -> frozenset[Mask]:
    """The kinds in a comma-separated list. Raises UsageError for an unknown one."""
    words = [word.strip().lower() for word in said.split(",")]
    for word in words:
        if word not in set(Mask):
            raise UsageError(
                f"--mask does not support {word[:40]!r}",
                hint=f"use one or more of {', '.join(Mask)}, such as --mask phones,names",
            )
    return frozenset(map(Mask, words))
