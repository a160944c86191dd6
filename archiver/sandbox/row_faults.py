"""Faults in the data of an answer that calls itself a success."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from archiver.sandbox.cues import Shaping, rows_of
from archiver.sandbox.exchange import Request, Row
from archiver.sandbox.model import ABSENT
from archiver.sandbox.routes import fill

LEAN = ("userId", "leadId", "recordSummary")
"""What a recording lacks in the other wording of the Call Record List page."""
AS_IN_EXAMPLE = ("orderId", "statusId", "hasRecords")
"""What a call lacks in the example of the Call List page."""


class LastNext(Enum):
    """How the last page spells `next`; a healthy one says offset + limit."""

    NULL = "null"
    ZERO = "0"
    ABSENT = "absent"
    SAME = "the offset of this page"
    TOTAL = "the total"
    BEYOND = "far beyond the total"
    TEXT = "offset + limit as a string"


@dataclass(frozen=True)
class LastPage(Shaping):
    """The last page, and any beyond it, spells `next` another way."""

    spelling: LastNext

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        offset = request.offset()
        if offset + len(data["list"]) < data["total"]:
            return data
        spelled: dict[LastNext, object] = {
            LastNext.NULL: None,
            LastNext.ZERO: 0,
            LastNext.SAME: offset,
            LastNext.TOTAL: data["total"],
            LastNext.BEYOND: data["total"] + 1_000_000,
            LastNext.TEXT: str(data["next"]),
        }
        data["next"] = spelled.get(self.spelling)
        if self.spelling is LastNext.ABSENT:
            del data["next"]
        return data


@dataclass(frozen=True)
class Member(Shaping):
    """`total`, `next` or `list` is something else on every page; ABSENT takes it away.

    A function gets the true value.
    """

    name: str
    value: object

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        data[self.name] = self.value(data[self.name]) if callable(self.value) else self.value
        return {k: v for k, v in data.items() if v is not ABSENT}


@dataclass(frozen=True)
class ShortPage(Shaping):
    """A page holds only its first `keep` rows though more follow; `next` is as ever."""

    keep: int = 0

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        return {**data, "list": data["list"][: self.keep]}


@dataclass(frozen=True)
class Fields(Shaping):
    """Members of rows are something else; ABSENT takes one away, a function gets the row.

    `only` is the id of the one row that changes.
    """

    changes: Mapping[str, object]
    only: int | None = None

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        for row in rows_of(data):
            if self.only is not None and row.get("id") != self.only:
                continue
            for name, value in self.changes.items():
                row[name] = value(row) if callable(value) else value
                if row[name] is ABSENT:
                    del row[name]
        return data


def without(*names: str) -> Fields:
    """Rows lack these members."""
    return Fields(dict.fromkeys(names, ABSENT))


@dataclass(frozen=True)
class FileUrl(Shaping):
    """Recordings name another address.

    The template may hold `{origin}`, `{other}`, `{id}`, `{path}` (the true path) and `{query}`
    (its query, `?` included). None is null.
    """

    template: str | None
    only: int | None = None

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        for row in rows_of(data):
            if self.only is None or row.get("id") == self.only:
                row["fileUrl"] = self._address(request, row)
        return data

    def _address(self, request: Request, row: Row) -> str | None:
        if self.template is None:
            return None
        parts = urlsplit(row.get("fileUrl") or "")
        query = f"?{parts.query}" if parts.query else ""
        template = self.template.replace("{id}", str(row["id"])).replace("{query}", query)
        return fill(template, request, parts.path)


@dataclass(frozen=True)
class AsText(Shaping):
    """Ids and numbers are strings, `true` and `false` are 1 and 0."""

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        return _texts(data)


def _texts(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return {k: _texts(v) for k, v in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True)
class Reordered(Shaping):
    """The rows of a page come in another order."""

    key: Callable[[Row], Any]

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        rows_of(data).sort(key=self.key)
        return data


@dataclass(frozen=True)
class Data(Shaping):
    """The whole of `data` is something else: null, a list, a number."""

    value: object

    def shape(self, request: Request, data: Any) -> Any:
        """See `Shaping`."""
        return self.value
