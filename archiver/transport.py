"""The wire: httpx requests in, httpx responses and errors out, aiohttp in between.

Why not httpx's own transport: measured here, it costs 1.3 ms of CPU a request where aiohttp costs
0.16 ms, and two small requests are made for every call. The adapter is small because it leaves
everything out that an archive must not have: no cookies, no proxies or passwords from the
environment, no redirects (whoever asked decides about each hop), no decompression (an archive
keeps what was served) and no change to an address (a signature covers every byte of it).

Guarded means: no connection is made that the `OriginPolicy` does not admit, neither to an address
in a URL nor to what a name resolves to.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from types import TracebackType
from typing import Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from archiver.origins import OriginPolicy, address_refused

_READ_BUFFER: Final = 2**18
"""Bytes of a body held per connection; smaller ones cost large downloads more wake-ups."""
_LONGEST_HEADER: Final = 2**15
"""Signed addresses in `Location` outgrow aiohttp's 8 KiB."""
_KEEPALIVE: Final = 15.0
"""Seconds an idle connection is kept: shorter than what common servers and load balancers wait."""
_RESOLVE_SECONDS: Final = 20.0
"""How long a name may take to resolve; aiohttp bounds the connection only."""
_KNOWN_ORIGINS: Final = 1024


class TlsRefused(httpx.ConnectError):
    """Somebody answers there, and no TLS can be agreed on, or this machine does not trust the
    certificate: asking again changes nothing."""


_MEANINGS: Final[tuple[tuple[type[BaseException], type[httpx.TransportError]], ...]] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerFingerprintMismatch, httpx.ConnectError),
    (aiohttp.ClientSSLError, TlsRefused),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (asyncio.TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (HttpProcessingError, httpx.RemoteProtocolError),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.ClientError, httpx.LocalProtocolError),
    (OSError, httpx.ReadError),
    (ValueError, httpx.LocalProtocolError),
)
"""What aiohttp, asyncio and the system raise, and what httpx calls it; the first match holds."""
_IN_WORDS: Final[dict[type[httpx.TransportError], str]] = {
    httpx.ConnectTimeout: "no connection, or no TLS on it, in time",
    httpx.ConnectError: "no connection, or it was cut before there was TLS on it",
    TlsRefused: "no TLS can be agreed on",
    httpx.ReadTimeout: "no answer in time",
    httpx.RemoteProtocolError: "the answer broke off, or is not HTTP",
    httpx.UnsupportedProtocol: "neither http nor https",
    httpx.ReadError: "the connection broke",
    httpx.LocalProtocolError: "the request cannot be sent",
}
"""What is said where the system has no words of its own."""
_FOREIGN: Final = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Carries requests of httpx to the origins that a policy admits.

    At most `limit` connections are open at a time; a request beyond that waits for one, as long as
    its pool time-out allows. Time-outs come from `request.extensions["timeout"]`: `connect`,
    `read` (the longest silence) and `pool`, in seconds.

    Errors: httpx.TransportError, TlsRefused among them, and nothing else of a library; FetchError
    when the policy does not admit the address. Headers go out and come back as they are, duplicates
    included. Closing a response that was not read to its end closes its connection at once.
    """

    def __init__(self, policy: OriginPolicy, *, limit: int = 100) -> None:
        self._policy = policy
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._admitted: set[tuple[str, bytes, int | None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response as soon as its headers are there; its body is read from the stream."""
        url = request.url
        self._admit(url)
        session = self._session or self._open_session()
        # The request target as it is; a password in the address is for the caller to send.
        target = f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}"
        body = await request.aread()
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        try:
            response = await session.request(
                request.method,
                URL(target, encoded=True),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                timeout=_timeouts(request.extensions.get("timeout")),
            )
        except _FOREIGN as error:
            raise _translated(error, request) from None
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=_Body(response, request),
            request=request,
            extensions={"reason_phrase": (response.reason or "").encode("latin-1", "replace")},
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def __aenter__(self) -> "GuardedTransport":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    def _admit(self, url: httpx.URL) -> None:
        origin = (url.scheme, url.raw_host, url.port)
        if origin in self._admitted:
            return
        self._policy.check(url)
        if len(self._admitted) >= _KNOWN_ORIGINS:
            self._admitted.clear()
        self._admitted.add(origin)

    def _open_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._limit,
            resolver=_GuardedResolver(self._policy),
            ssl=httpx.create_ssl_context(),
            keepalive_timeout=_KEEPALIVE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            read_bufsize=_READ_BUFFER,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        return self._session


class _Body(httpx.AsyncByteStream):
    """The bytes of a response as they arrive, undecoded."""

    __slots__ = ("_request", "_response")

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except _FOREIGN as error:
            raise _translated(error, self._request) from None

    async def aclose(self) -> None:
        # A connection whose response was read to its end is back in the pool already; any other
        # is cut off here: draining an unwanted body may take for ever.
        self._response.close()


class _NothingAdmittedError(OSError):
    """A name resolves to nothing that the policy admits."""


class _GuardedResolver(AbstractResolver):
    """The system's resolver, minus the addresses that the policy does not admit."""

    def __init__(self, policy: OriginPolicy) -> None:
        self._policy = policy
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            found = await self._resolver.resolve(host, port, family)
        admitted = [one for one in found if self._policy.admits_address(host, port, one["host"])]
        if found and not admitted:
            raise _NothingAdmittedError
        return admitted

    async def close(self) -> None:
        await self._resolver.close()


def _translated(error: BaseException, request: httpx.Request) -> Exception:
    """The same meaning in httpx's words; aiohttp's own words may repeat a whole signed address."""
    url = request.url
    shown = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
    cause = getattr(error, "certificate_error", getattr(error, "os_error", error))
    if isinstance(cause, _NothingAdmittedError):
        return address_refused(shown)
    meaning = next(meaning for kind, meaning in _MEANINGS if isinstance(error, kind))
    return meaning(f"{shown}: {_said(cause) or _IN_WORDS[meaning]}", request=request)


def _said(cause: BaseException) -> str | None:
    """The system's own words, which repeat nothing of a request; None when it has none."""
    if isinstance(cause, socket.gaierror):
        return f"the name has no address ({cause.strerror})"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):  # its number is OpenSSL's, and none of the system's
        return None
    number = getattr(cause, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else None


def _timeouts(asked: object) -> aiohttp.ClientTimeout:
    """httpx's time-outs as aiohttp's; `connect` there counts the wait for a free connection too."""
    if not isinstance(asked, dict):
        return _NO_TIMEOUT
    return _timeout(asked.get("connect"), asked.get("read"), asked.get("pool"))


_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)


@lru_cache(maxsize=64)
def _timeout(
    connect: float | None, read: float | None, pool: float | None
) -> aiohttp.ClientTimeout:
    both = None if connect is None or pool is None else connect + pool
    return aiohttp.ClientTimeout(total=None, connect=both, sock_connect=connect, sock_read=read)
