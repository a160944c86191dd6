"""Cookies within one chain of redirects.

Some stores set a cookie with a redirect and reject clients that do not send it. It is kept until
the end of the chain and is sent to the scheme, host and port that set it only.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

import httpx

_MOST: Final = 20
"""Cookies of one host."""
_LONGEST: Final = 4096
_PAIR: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+=[!-+\-.-:<-~]*")
"""A name and a value that are valid in a header, without blank, comma and semicolon (RFC 6265)."""

_Origin: TypeAlias = tuple[str, bytes, int | None]


class ChainCookies:
    """The cookies of one chain; create one for each."""

    def __init__(self) -> None:
        self._set: dict[_Origin, dict[str, str]] = {}

    def take(self, headers: Mapping[str, str], url: httpx.URL) -> None:
        """Store the cookies set by a response from that address; invalid or excessive ones are
        ignored."""
        for header in httpx.Headers(headers).get_list("set-cookie"):
            pair = header.partition(";")[0].strip()
            of_host = self._set.setdefault(_origin(url), {})
            if len(pair) <= _LONGEST and len(of_host) < _MOST and _PAIR.fullmatch(pair):
                of_host[pair.partition("=")[0]] = pair

    def header_for(self, url: httpx.URL) -> str | None:
        """The `Cookie` of a request to that address."""
        return "; ".join(self._set.get(_origin(url), {}).values()) or None


def _origin(url: httpx.URL) -> _Origin:
    return url.scheme, url.raw_host.lower(), url.port
