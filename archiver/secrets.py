"""Secrets: text that prints as `[redacted]`, and all spellings in which it might be leaked (pure).

A URL can contain secrets, too: its query, its fragment, and a user name and password before its
host.
"""

import base64
import json
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, quote_plus

REDACTED: Final = "[redacted]"

_SHORTEST: Final = 4
"""A shorter text occurs in innocent words so often that hiding it would hide the output."""
_SHORTEST_IN_DATA: Final = 12
"""A shorter one may be part of an innocent word of data, which must stay as it is."""
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^\s/?#@\"']*@)?(?P<rest>[^\s?#\"'<>]*)(?P<query>[?#][^\s\"'<>]*)?",
    re.IGNORECASE,
)
_RELATIVE: Final = re.compile(r"(/[^\s?#\"'<>]*)\?[^\s\"'<>]*=[^\s\"'<>]*")
"""A path with a query, as rows have it for addresses on the API's own host."""


class Secret:
    """A text that prints as `[redacted]`; `reveal()` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))


def spellings_of(secret: str) -> tuple[str, ...]:
    """How a secret may be written: plain, percent-encoded, in base64 or escaped; longest first."""
    data = secret.encode("utf-8", "surrogatepass")
    encoded = {
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
    }
    quoted = {quote(data, safe=""), quote(data), quote_plus(data)}
    escaped = {json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    plain = ({secret} | encoded | quoted | escaped) - {""}
    slashed = {one.replace("/", "\\/") for one in plain}  # as some writers of JSON escape it
    return tuple(sorted(plain | slashed, key=len, reverse=True))


def without_spellings(data: bytes, spellings: Sequence[str]) -> bytes:
    """The data with every such spelling replaced that is no part of an innocent word."""
    for one in spellings:
        if len(one) >= _SHORTEST_IN_DATA and (spelled := one.encode()) in data:
            data = data.replace(spelled, REDACTED.encode())
    return data


class Scrubber:
    """Removes secrets from texts: those that were registered, and those in URLs."""

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *secrets: str | None) -> None:
        """Remove these from now on, in every spelling."""
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                self._spellings.update(spellings_of(secret))
        longest_first = sorted(self._spellings, key=len, reverse=True)
        if longest_first:
            self._pattern = re.compile("|".join(map(_in_either_case, longest_first)))

    def scrub(self, text: str) -> str:
        """The text with `[redacted]` in place of secrets and of the query of an address."""
        if self._pattern is not None:
            text = self._pattern.sub(REDACTED, text)
        if "://" in text:
            text = _ADDRESS.sub(_without_query, text)
        if "?" in text:
            text = _RELATIVE.sub(r"\1", text)
        return text


def _in_either_case(spelling: str) -> str:
    """A pattern of the spelling, with either case of the letters in its percent-escapes."""
    return re.sub("%[0-9A-F]{2}", lambda match: f"(?i:{match[0]})", re.escape(spelling))


def _without_query(match: re.Match[str]) -> str:
    query = f"{match['query'][0]}{REDACTED}" if match["query"] else ""
    return f"{match['scheme']}{match['rest']}{query}"
