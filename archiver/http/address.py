"""The address of a recording, parsed.

Nearly all addresses are plain: absolute, of an origin that many others have, and with nothing in
them that has to be encoded. httpx would examine each of their characters, in 0.1 ms; here a regular
expression does, and only the origin is parsed, once.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import httpx
from msgspec import Struct

from archiver.errors import FetchError
from archiver.reasons import Reason

_LONGEST: Final = 65_536
"""Characters of a URL, as in httpx."""

_PLAIN: Final = re.compile(
    r"(?P<origin>https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)"
    r"(?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]++|%[0-9A-Fa-f]{2})*+)"
    r"(?P<query>\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]++|%[0-9A-Fa-f]{2})*+)?"
)
"""What may be in a path and in a query: RFC 3986, section 3.3 and 3.4."""
_DOTS: Final = "/."
"""In a path: a segment that may have to be removed."""


class Address(Struct, frozen=True):
    """Where a recording is. Without a `target`, `url` is all of it; with one, `url` is only its
    origin, and the target is what follows, as it is sent. `path` is decoded."""

    text: str
    url: httpx.URL
    path: str
    target: bytes | None = None

    @classmethod
    def parse(cls, text: str, base: httpx.URL) -> "Address":
        """The address, relative to `base`. Raises FetchError (ADDRESS_INVALID)."""
        text = text.strip()
        plain = _PLAIN.fullmatch(text) if len(text) <= _LONGEST else None
        if plain is not None and _DOTS not in plain["path"]:
            target = text[plain.start("path") :].encode("ascii")
            return cls(text, _origin(plain["origin"]), unquote(plain["path"]), target)
        url = _joined(base, text)
        return cls(text, url, url.path)

    def join(self, location: str) -> "Address":
        """The address to which this one is redirected. Raises FetchError (ADDRESS_INVALID)."""
        return Address.parse(location, self.url if self.target is None else httpx.URL(self.text))


@lru_cache(maxsize=64)
def _origin(text: str) -> httpx.URL:
    return _joined(httpx.URL(), text)


def _joined(base: httpx.URL, text: str) -> httpx.URL:
    try:
        # An absolute address needs no base: joining costs 0.1 ms (measured).
        if text[:8].lower().startswith(("http://", "https://")):
            return httpx.URL(text)
        return base.join(text)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise FetchError(Reason.ADDRESS_INVALID, "the address is not a valid URL") from error
