"""One request to the Liner API and its response: rate limit, timeout, size, redirects, retries.

Requests go directly to an `httpx.AsyncBaseTransport`, without an `httpx.AsyncClient`: its cookies,
redirects, proxies and passwords from the environment are all unwanted here (the key must be sent to
the API's own origin and nowhere else), and would cost at least 0.05 ms per request, for every call
of a backfill.

A response is read completely, up to 32 MiB, before it is parsed; occurrences of our API key in it
are removed first, so the key cannot get into a sidecar.

If the API is down, the run stops instead of failing a million calls one by one: after many
consecutive requests that got no valid response despite retries, one more is made as a probe; if
that fails too, the source is unreachable. Calls that always fail can therefore not stop a run while
the API works.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import anyio
import httpx

from archiver.clock import Clock, system_clock
from archiver.config import LinerConfig
from archiver.errors import (
    AnswerMalformed,
    ArchiverError,
    ConfigError,
    RequestError,
    RequestRejected,
    RequestThrottled,
    RequestUnanswered,
    SourceUnreachable,
    SourceUntrusted,
)
from archiver.http.cookies import ChainCookies
from archiver.http.origins import Origin
from archiver.http.transport import NO_BODY, USER_AGENT, stream_of
from archiver.http.wire.dialling import TlsRefused
from archiver.http.wire.tunnel import ProxyFailed
from archiver.liner.decoding import MOST_BYTES, inflated, scrubbed
from archiver.liner.protocol import Answer, is_envelope, parse_moment_header, read_envelope
from archiver.liner.rate_limit import Budget
from archiver.secrets import spellings_of
from archiver.tasks.retry import RetryPolicy, RetryScheduled, retrying

T = TypeVar("T")

_MOST_HOPS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_SILENCE: Final = 3
"""Consecutive failed requests, each after its retries, before the API as a whole is probed."""
_PROBE: Final = ("/v2/order/", "offset=0&limit=1")
_CONNECT_SECONDS: Final = 5.0
"""For a connection with its TLS handshake; a host that takes longer is down, or does not support
TLS."""
_HINT_UNANSWERED: Final = (
    "Check that liner.url is the host and port of the API, and check the network."
)
_HINT_UNTRUSTED: Final = (
    "Check that liner.url is the host and port of the API; with a private certificate "
    "authority, or behind a proxy that inspects TLS, set SSL_CERT_FILE to its certificate."
)


class Exchange:
    """Makes requests to the API of one configuration through one transport. Safe for concurrent
    use.

    `requests` counts every request sent (including retries and redirects), `throttled` those that
    the API answered with 429.
    """

    def __init__(
        self,
        config: LinerConfig,
        transport: httpx.AsyncBaseTransport,
        *,
        retry: RetryPolicy,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        rng: Callable[[], float] = random.random,
        clock: Clock = system_clock,
        on_retry: Callable[[RetryScheduled], None] | None = None,
    ) -> None:
        self.requests = 0
        self.throttled = 0
        self._transport = transport
        self._api = httpx.URL(config.url.rstrip("/"))
        self._headers = _headers(config.api_key.reveal())
        self._secrets = spellings_of(config.api_key.reveal())
        self._timeout = config.timeout
        connect = min(self._timeout, _CONNECT_SECONDS)
        self._limits = {"connect": connect, "read": self._timeout}
        self._budget = Budget(config.requests_per_second, sleep=sleep)
        self._retry = retry
        self._sleep = sleep
        self._rng = rng
        self._clock = clock
        self._on_retry = on_retry
        self._sensible = 0
        self._silent = 0
        self._date: tuple[str, datetime] | None = None

    async def get(
        self, path: str, query: str, read: Callable[[str, Any], T], *, about: str = ""
    ) -> T:
        """The result of `read` for the subject and `data` of a good response.

        `read` raises AnswerMalformed for the wrong shape; `about` names the requested object in
        errors. Raises a RequestError after the retries that its kind allows; SourceRefused if the
        API rejects the key; SourceUntrusted if it has never responded and has no trusted TLS;
        SourceUnreachable if it has not responded properly for long.
        """
        before = self._sensible
        try:
            return await retrying(
                self._retry,
                lambda: self._attempt(path, query, read, about),
                sleep=self._sleep,
                rng=self._rng,
                on_retry=self._on_retry,
            )
        except (RequestUnanswered, RequestThrottled, AnswerMalformed):
            if self._sensible == before:
                await self._doubt()
            raise

    @property
    def clock_offset(self) -> timedelta | None:
        """How far the API's clock is ahead of ours, according to its last `Date`, to the second."""
        if self._date is None:
            return None
        told = parse_moment_header(self._date[0])
        return None if told is None else told - self._date[1]

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()

    async def _attempt(self, path: str, query: str, read: Callable[[str, Any], T], about: str) -> T:
        subject = f"GET {path} ({about})" if about else f"GET {path}"
        answer = await self._follow(subject, f"{path}?{query}" if query else path)
        try:
            value = read(subject, read_envelope(answer, self._secrets))
        except ArchiverError as error:
            self._judge(answer, error)
            raise
        self._sensible += 1
        self._silent = 0
        return value

    def _judge(self, answer: Answer, error: ArchiverError) -> None:
        """Respect a request to slow down, and note whether the response shows that the API
        works."""
        if isinstance(error, RequestThrottled) or error.retry_after is not None:
            self.throttled += 1
            wait = self._retry.first_wait if error.retry_after is None else error.retry_after
            self._budget.pause(min(wait, self._retry.longest_retry_after))
        elif isinstance(error, RequestUnanswered):
            return
        elif not isinstance(error, AnswerMalformed) or is_envelope(answer):
            self._sensible += 1
            self._silent = 0

    async def _doubt(self) -> None:
        self._silent += 1
        if self._silent < _SILENCE:
            return
        self._silent, before = 0, self._sensible
        try:
            await self._attempt(*_PROBE, lambda _, data: data, "")
        except RequestError as error:
            if self._sensible == before:
                raise SourceUnreachable(
                    f"the API no longer returns valid responses: {error}",
                    hint="Try again later; the next run continues from here.",
                ) from error

    async def _follow(self, subject: str, target: str) -> Answer:
        """The response, after redirects within the API's own origin."""
        url, aim = self._api, self._api.raw_path.rstrip(b"/") + target.encode("ascii")
        cookies = ChainCookies()
        for _ in range(_MOST_HOPS + 1):
            await self._budget.take()
            self.requests += 1
            answer = await self._ask(subject, url, aim, cookies.header_for(url))
            if answer.status not in _REDIRECTS:
                return answer
            location = answer.headers.get("location")
            if location is None:
                return answer
            try:
                url = url.copy_with(raw_path=aim).join(location)
            except (httpx.InvalidURL, ValueError, TypeError):
                return answer
            if Origin.of(url) != Origin.of(self._api):
                return answer
            cookies.take(answer.headers, self._api)
            aim = url.raw_path
        raise RequestRejected(f"{subject}: redirected too many times", status=answer.status)

    async def _ask(self, subject: str, url: httpx.URL, aim: bytes, cookie: str | None) -> Answer:
        # With a separate target, httpx need not parse a new URL each time.
        request = httpx.Request(
            "GET",
            url,
            headers=self._headers if cookie is None else {**self._headers, "Cookie": cookie},
            stream=NO_BODY,
            extensions={"timeout": self._limits, "target": aim},
        )
        try:
            # Not anyio's: that one takes twice as long, for every request.
            async with asyncio.timeout(self._timeout):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _read(subject, response)
                finally:
                    await stream_of(response).aclose()
        except TimeoutError:
            raise RequestUnanswered(
                f"{subject}: no complete response from {self._api} within {self._timeout:g} s",
                hint=_HINT_UNANSWERED,
            ) from None
        except httpx.HTTPError as error:
            said = scrubbed(str(error), self._secrets) or type(error).__name__
            hint = error.hint if isinstance(error, ProxyFailed) else _HINT_UNANSWERED
            # On the first request it is a matter of configuration; later, a temporary fault.
            if isinstance(error, TlsRefused) and not self._sensible:
                raise SourceUntrusted(said, hint=_HINT_UNTRUSTED) from error
            if isinstance(error, ProxyFailed) and error.is_refusal and not self._sensible:
                raise SourceUnreachable(said, hint=hint) from error
            raise RequestUnanswered(f"{subject}: {said}", hint=hint) from error
        headers = response.headers
        date = headers.get("date")
        if date is not None:
            self._date = (date, self._clock())
        return Answer(subject, response.status_code, headers, body)


async def _read(subject: str, response: httpx.Response) -> bytes:
    """The body; rejected before it is read if it is announced as too large, else while it grows."""
    status = response.status_code
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > MOST_BYTES:
        raise _too_large(subject, status)
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream_of(response):
        size += len(chunk)
        if size > MOST_BYTES:
            raise _too_large(subject, status)
        chunks.append(chunk)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    coding = response.headers.get("content-encoding")
    if coding is None:
        return body
    try:
        return inflated(body, coding)
    except ValueError as error:
        raise AnswerMalformed(f"{subject}: the response is {error}", status=status) from None


def _too_large(subject: str, status: int) -> AnswerMalformed:
    """Created where it is raised: in a variable it would keep its traceback, which keeps the
    variable, and with them everything that was read, until the garbage collector finds the
    cycle."""
    return AnswerMalformed(f"{subject}: the response is larger than 32 MiB", status=status)


def _headers(key: str) -> httpx.Headers:
    """The documented headers, and three more that identify the client and the accepted types."""
    if not key.isascii() or not key.isprintable() or not key.strip():
        raise ConfigError(
            "liner.api_key is empty or contains characters that are not allowed in HTTP headers",
            hint="Copy the key again, without quotes, spaces or line breaks.",
        )
    return httpx.Headers(
        {
            "X-Api-Key": key,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
        }
    )
