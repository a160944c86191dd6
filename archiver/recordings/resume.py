"""What a response says about a body: whether it is one, its length, whether it continues another
(pure).

The rule is in `fetch`. Headers are a mapping with case-insensitive names.
"""

import email.utils
import re
from collections.abc import Mapping
from typing import Final

from archiver.errors import FetchError
from archiver.liner.protocol import parse_retry_after
from archiver.reasons import Reason

_VALIDATOR_AGE_SECONDS: Final = 60
"""A Last-Modified younger than this, by the server's own clock, is no strong validator (RFC 9110,
section 8.8.2.2)."""

_CONTENT_RANGE: Final = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")


def check_status(status: int, headers: Mapping[str, str]) -> None:
    """Raise the FetchError of every status but 200."""
    if status == 200:
        return
    if status in (404, 410):
        raise FetchError(Reason.SOURCE_MISSING, f"the source responded with status {status}")
    if status in (401, 403):
        raise FetchError(Reason.SOURCE_FORBIDDEN, f"the source responded with status {status}")
    wait = parse_retry_after(headers.get("retry-after"), headers.get("date"))
    if status == 429:
        raise FetchError(
            Reason.SOURCE_THROTTLED, "the source responded with status 429", retry_after=wait
        )
    raise FetchError(
        Reason.SOURCE_ERROR, f"the source responded with status {status}", retry_after=wait
    )


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether the framing names the end of the body: chunked, as the last coding of all."""
    coding = headers.get("transfer-encoding", "")
    return coding.rstrip().lower().endswith("chunked")


def length_of(headers: Mapping[str, str]) -> int | None:
    """The length that an answer promises; None where it promises none."""
    text = headers.get("content-length")
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def continues(
    headers: Mapping[str, str], *, received: int, total: int | None, validator: str | None
) -> bool:
    """Whether a 206 starts where we stopped, ends where the body does, and is of the same body."""
    span = _CONTENT_RANGE.match(headers.get("content-range", ""))
    if span is None:
        return False
    start, end, told = (int(group) for group in span.groups())
    return (
        start == received
        and told == total
        and end == told - 1
        and (headers.get("etag") or headers.get("last-modified")) == validator
    )


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """The validator of this body: a strong ETag, or a Last-Modified that was old enough."""
    tag = headers.get("etag")
    if tag is not None:
        return tag if tag.startswith('"') else None
    modified = headers.get("last-modified")
    if modified is None:
        return None
    try:
        sent = email.utils.parsedate_to_datetime(headers.get("date", ""))
        age = (sent - email.utils.parsedate_to_datetime(modified)).total_seconds()
    except (TypeError, ValueError):
        return None
    return modified if age >= _VALIDATOR_AGE_SECONDS else None
