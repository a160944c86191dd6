"""The values of archive.yaml (pure).

As in `measures`, a ValueError continues the name of the setting and never repeats the text.
"""

import difflib
import re
import zoneinfo
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from archiver.http.origins import parse_origin
from archiver.secrets import Secret
from archiver.text.measures import parse_duration, parse_size


def length(text: str) -> timedelta:
    """A duration above nothing."""
    length = parse_duration(text)
    if not length:
        raise ValueError("must be longer than 0")
    return length


def timeout(text: str) -> float:
    """Seconds of a duration, at most an hour."""
    length = parse_duration(text)
    if not timedelta() < length <= timedelta(hours=1):
        raise ValueError("must be longer than 0 and at most 1h")
    return length.total_seconds()


def rate(text: str) -> float:
    """A number above 0, at most 10,000."""
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) is None or not 0 < float(text) <= 10_000:
        raise ValueError("must be a number above 0 and at most 10000")
    return float(text)


def whole(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers within both bounds."""

    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) is None or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def or_auto(parse: Callable[[str], int]) -> Callable[[str], int | None]:
    """A parser of the same numbers, or of `auto`, which is None."""

    def parse_or_auto(text: str) -> int | None:
        if text == "auto":
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise ValueError(f"{error}, or auto") from None

    return parse_or_auto


def some_bytes(text: str) -> int:
    """A size above 0."""
    size = parse_size(text)
    if not size:
        raise ValueError("must be above 0")
    return size


def zone_name(text: str) -> ZoneInfo:
    """A time zone of the IANA database."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        near = difflib.get_close_matches(text, zoneinfo.available_timezones(), n=1)
        example = near[0] if near else "Europe/Berlin"
        raise ValueError(f"must be a time zone such as {example}") from None


def allowed_origin(text: str) -> str:
    """An entry of download.allow_origins, as `archiver.http.origins` admits it."""
    try:
        parse_origin(text)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{text!r} ")) from None
    return text.strip()


def word(pattern: str, what: str) -> Callable[[str], str]:
    """A parser of texts that match the pattern as a whole; `what` names them."""

    def parse(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"must be {what}")
        return text

    return parse


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """A parser of a closed set of words."""

    def parse(text: str) -> str:
        if text not in choices:
            near = difflib.get_close_matches(text.upper(), [c.upper() for c in choices], n=1)
            known = [c for c in choices if near and c.upper() == near[0]] or choices
            raise ValueError(f"must be {' or '.join(known)}")
        return text

    return parse


def yes_or_no(text: str) -> bool:
    """`yes` or `no`, as YAML spells them."""
    spelled = {"yes": True, "true": True, "no": False, "false": False}.get(text.lower())
    if spelled is None:
        raise ValueError("must be yes or no")
    return spelled


def api_key(text: str) -> Secret:
    """A token that an HTTP header can carry: visible ASCII, without spaces."""
    if not text:
        raise ValueError("is empty")
    if re.fullmatch(r"[!-~]{1,4096}", text) is None:
        raise ValueError("contains a space or a character that is not allowed in HTTP headers")
    return Secret(text)
