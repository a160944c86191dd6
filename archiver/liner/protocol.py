"""Requests to the Liner API and the interpretation of its responses (pure).

The API documentation specifies an envelope of `success`, `message` and `data`, and neither status
codes nor error bodies. So a response is good if the status is 2xx *and* the body is a JSON object
*and* `success` is true *and* `data` has the expected shape. Everything else is one of the request
errors, depending on the status and never on the text of `message`, whose language and wording are
not specified.
"""

import email.utils
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from msgspec import Struct

from archiver.errors import (
    AnswerMalformed,
    ArchiverError,
    RequestError,
    RequestForbidden,
    RequestNotFound,
    RequestRejected,
    RequestThrottled,
    RequestUnanswered,
    SourceRefused,
)
from archiver.liner.decoding import decode_json, scrubbed
from archiver.liner.fields import as_count, read_call
from archiver.liner.models import Row
from archiver.liner.scope import Scope, Window
from archiver.secrets import without_spellings

__all__ = [
    "PAGE_LIMIT",
    "Answer",
    "Page",
    "calls_query",
    "is_envelope",
    "parse_moment_header",
    "parse_retry_after",
    "read_call",
    "read_envelope",
    "read_item",
    "read_items",
    "read_page",
]

T = TypeVar("T")

PAGE_LIMIT: Final = 100
"""Rows per request: the documented maximum."""


class Answer(Struct, frozen=True):
    """One complete response; `subject` is what was requested, without the query."""

    subject: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Page(Struct, Generic[T], frozen=True):
    """One page of a list: its rows, the number of rows without a usable id, and its counters.

    `total` and `next` are None if missing or invalid.
    """

    rows: Sequence[T]
    malformed: int = 0
    total: int | None = None
    next: int | None = None

    @property
    def received(self) -> int:
        """The number of rows, usable or not."""
        return len(self.rows) + self.malformed

    @property
    def is_empty(self) -> bool:
        """Whether there are no rows."""
        return self.received == 0

    def is_last(self, offset: int) -> bool:
        """Whether a page requested at this offset reaches the total that the server counts.

        A total smaller than what was read is invalid and ends nothing.
        """
        return self.total is not None and offset + self.received == self.total

    def step(self, offset: int) -> int:
        """The distance to the next page; 0 after an empty page without `next`.

        `next` is used only if it advances, and by no more than the limit that was requested.
        """
        if self.next is not None and offset < self.next <= offset + PAGE_LIMIT:
            return self.next - offset
        return self.received


def calls_query(
    scopes: Sequence[Scope],
    window: Window,
    users: Sequence[int],
    statuses: Sequence[int],
) -> str:
    """The query of the call list, without offset and limit; brackets are percent-encoded."""
    since, until = window.on_the_wire()
    pairs = [("createdAt[0]", since), ("createdAt[1]", until)]
    pairs += [(f"{scope.kind}Ids[]", str(scope.id)) for scope in scopes]
    pairs += [("userIds[]", str(user)) for user in users]
    pairs += [("statusIds[]", str(status)) for status in statuses]
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def read_envelope(answer: Answer, secrets: Sequence[str] = ()) -> Any:
    """`data` of a good response; otherwise raises the error for its status and body.

    Raises SourceRefused, RequestForbidden, RequestNotFound, RequestRejected, RequestThrottled,
    RequestUnanswered, AnswerMalformed. `secrets` (see `spellings_of`) are removed from all of them
    and from the returned value.
    """
    body = without_spellings(answer.body, secrets)
    if not 200 <= answer.status < 300:
        raise _refusal(answer, _message_of(body, secrets))
    envelope = _parse(answer, body)
    if not isinstance(envelope, dict):
        raise _malformed(answer, "the response is not a JSON object")
    success = envelope.get("success")
    if success is not True and not (type(success) is int and success == 1):
        said = scrubbed(envelope.get("message"), secrets)
        raise _malformed(answer, f"the API reports a failure{_quoted(said)}")
    if "data" not in envelope:
        raise _malformed(answer, "the response has no data")
    return envelope["data"]


def is_envelope(answer: Answer) -> bool:
    """Whether the body is the specified envelope, whatever it reports."""
    try:
        envelope = decode_json(answer.body)
    except ValueError:
        return False
    return isinstance(envelope, dict) and "success" in envelope


def read_page(subject: str, data: Any, read_row: Callable[[Row], T | None]) -> Page[T]:
    """`data` of the paged lists: an object with list, next and total. AnswerMalformed otherwise."""
    rows = data.get("list") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise AnswerMalformed(f"{subject}: the response has no list", status=200)
    good = _read_rows(rows, read_row)
    return Page(
        rows=good,
        malformed=len(rows) - len(good),
        total=as_count(data.get("total")),
        next=as_count(data.get("next")),
    )


def read_items(subject: str, data: Any, read_row: Callable[[Row], T | None]) -> list[T]:
    """`data` of the lists without pages: a bare array. Rows without a usable id are left out."""
    if not isinstance(data, list):
        raise AnswerMalformed(f"{subject}: the response is not an array", status=200)
    return _read_rows(data, read_row)


def read_item(subject: str, data: Any, read_row: Callable[[Row], T | None]) -> T:
    """`data` of the detail methods: one object with a usable id."""
    item = read_row(data) if isinstance(data, dict) else None
    if item is None:
        raise AnswerMalformed(f"{subject}: the response is not an object with an id", status=200)
    return item


def parse_retry_after(value: str | None, date: str | None) -> float | None:
    """`Retry-After` in seconds, at least 0: a number, or a date relative to `Date` (or to now)."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", text, re.ASCII):
        return float(text)
    until = parse_moment_header(text)
    if until is None:
        return None
    now = parse_moment_header(date) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def parse_moment_header(text: str | None) -> datetime | None:
    """An HTTP date, in UTC."""
    if not text:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _read_rows(rows: Sequence[Any], read_row: Callable[[Row], T | None]) -> list[T]:
    read = (read_row(row) for row in rows if isinstance(row, dict))
    return [row for row in read if row is not None]


def _parse(answer: Answer, body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError as error:
        raise _malformed(answer, f"the response {error}") from None


def _message_of(body: bytes, secrets: Sequence[str]) -> str:
    """The message in the body of a rejection, if it is the envelope; pages of a gateway have
    none."""
    try:
        envelope = decode_json(body)
    except ValueError:
        return ""
    return scrubbed(envelope.get("message"), secrets) if isinstance(envelope, dict) else ""


def _malformed(answer: Answer, what: str) -> AnswerMalformed:
    wait = parse_retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
    return AnswerMalformed(
        f"{answer.subject}: {what}", status=answer.status, retry_after=wait, hint=_HINT_MALFORMED
    )


_HINT_MALFORMED: Final = (
    "Check that liner.url is the host of the API, and that no proxy is in between."
)


def _quoted(said: str) -> str:
    return f": {said}" if said else ""


def _refusal(answer: Answer, said: str) -> ArchiverError:
    """The error for a status other than 2xx (the API documents none of them)."""
    status = answer.status
    text = f"{answer.subject}: HTTP {status}{_quoted(said)}"
    wait = parse_retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
    if status == 401:
        return SourceRefused(
            f"the API rejected the key: {text}", hint="Check liner.api_key, or create a new key."
        )
    if 300 <= status < 400:
        return RequestRejected(
            f"{text}: redirected away from liner.url", status=status, hint=_HINT_MALFORMED
        )
    kind = _MEANINGS.get(status, RequestUnanswered if status >= 500 else RequestRejected)
    return kind(text, status=status, retry_after=wait, hint=_HINTS.get(status, ""))


_MEANINGS: Final[Mapping[int, type[RequestError]]] = {
    403: RequestForbidden,
    404: RequestNotFound,
    410: RequestNotFound,
    408: RequestUnanswered,
    425: RequestUnanswered,
    429: RequestThrottled,
}
_HINTS: Final = {
    403: "The API key has no permission to read this.",
    404: _HINT_MALFORMED,
    429: "Reduce liner.requests_per_second.",
}
