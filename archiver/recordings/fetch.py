"""One recording, from its address to a verified body.

The rule, in prose; the code below follows it:

A body is valid only if it is proved complete. Content-Length and chunked framing prove the length
(the transport raises if they are violated). If the source gives neither, a complete body cannot be
told from a truncated one, except by the audio itself: if it is as long as the API says, that is
enough; if it is shorter or cannot be read, the recording is fetched again until two bodies are
identical.

A truncated or stalled body is resumed only if it is provably the same body: the first response had
a strong validator (ETag, or a Last-Modified that was old enough), and the response to `Range` with
`If-Range` is a 206 that starts where we stopped, with the same total and the same validator.
Otherwise the download starts again, also after a 416.

An address that is rejected, missing or serves a page (401, 403, 404, 410, HTML) may simply have
expired. That is not retried here: the caller requests a new address from the API once
(`Reason.may_be_expired`). Errors of the network and of the server are retried with increasing
delays; a delay that the server asks for is respected. A body that sends nothing for `stall`
seconds, or hardly anything, is abandoned.

Only the API's own origin ever receives the API key, and every redirect must pass the same policy. A
cookie that a response sets is sent back to that host only, and is forgotten at the end of the
chain.
"""

import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import anyio
import httpx
from msgspec import Struct, field
from msgspec.structs import replace

from archiver.errors import FetchError, StorageUnreachable
from archiver.http.address import Address
from archiver.http.codings import codings_of
from archiver.http.cookies import ChainCookies
from archiver.http.faults import MoreThanAnnounced, NotHttp
from archiver.http.origins import OriginPolicy
from archiver.http.transport import NO_BODY, USER_AGENT, stream_of
from archiver.http.wire.tunnel import ProxyFailed
from archiver.liner.models import Recording
from archiver.reasons import Reason
from archiver.recordings.audio import Format, falls_short, findings_of, identify
from archiver.recordings.lengths.facts import Facts
from archiver.recordings.resume import (
    check_status,
    continues,
    is_chunked,
    length_of,
    strong_validator,
)
from archiver.recordings.spool import Part
from archiver.secrets import Secret
from archiver.storage.base import Body
from archiver.tasks.retry import RetryPolicy, RetryScheduled, retrying

_TRICKLE_BYTES = 4 * 1024
"""Fewer bytes than this within the stall time count as a stall, too: even telephone-quality streams
bring 1 KiB/s."""

_MOST_HOPS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_CONNECT_SECONDS = 10.0

_AGREEING_FETCHES = 4
"""How many bodies of unproved length are fetched, at the most, until two agree."""


class Fetched(Struct, frozen=True):
    """A recording that is proved whole. Its body lives as long as the part that it came from."""

    body: Body
    format: Format
    facts: Facts
    findings: tuple[str, ...]


class _Download(Struct):
    """The state of one download: the part received, and what would prove a continuation."""

    part: Part
    address: Address
    total: int | None = None
    headers: httpx.Headers | None = None
    digests: set[str] = field(default_factory=set)

    async def start_over(self) -> None:
        await self.part.clear()
        self.total = self.headers = None

    @property
    def validator(self) -> str | None:
        """The validator in the first response, if it identifies the body."""
        return None if self.headers is None else strong_validator(self.headers)

    @property
    def can_resume(self) -> bool:
        return self.part.size > 0 and self.validator is not None and self.total is not None

    def is_continued_by(self, headers: httpx.Headers) -> bool:
        """Whether a 206 has exactly the missing part of the same body."""
        return continues(
            headers, received=self.part.size, total=self.total, validator=self.validator
        )


class Fetcher:
    """Fetches recordings through one transport, under one policy of origins."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        policy: OriginPolicy,
        *,
        api_url: str,
        api_key: Secret,
        max_bytes: int,
        retry: RetryPolicy,
        stall: float,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        on_bytes: Callable[[int], None] = lambda count: None,
        on_retry: Callable[[RetryScheduled], None] | None = None,
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._api_url = httpx.URL(api_url)
        # No content coding: the bytes of the recording are wanted as they are.
        self._headers_to_others = httpx.Headers(
            {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        )
        self._headers_to_api = self._headers_to_others.copy()
        if key := api_key.reveal():
            self._headers_to_api["X-Api-Key"] = key
        self._limits = {"timeout": {"connect": _CONNECT_SECONDS, "read": stall, "pool": None}}
        self._max_bytes = max_bytes
        self._retry = retry
        self._stall = stall
        self._sleep = sleep
        self._on_bytes = on_bytes
        self._on_retry = on_retry

    async def fetch(self, recording: Recording, part: Part) -> Fetched:
        """The recording, proved whole, in `part`.

        Raises FetchError with the reason of the last attempt, and the errors of `Part.add`.
        """
        download = _Download(part, self._address(recording))

        async def attempt() -> Fetched:
            try:
                return await self._attempt(download, recording)
            except StorageUnreachable:
                await download.start_over()  # which bytes are on the disk is unknown
                raise

        def announce(scheduled: RetryScheduled) -> None:
            if self._on_retry is not None:
                self._on_retry(replace(scheduled, record_id=recording.id))

        return await retrying(self._retry, attempt, sleep=self._sleep, on_retry=announce)

    async def _attempt(self, download: _Download, recording: Recording) -> Fetched:
        """Fetch until the body is proved: once, or until two bodies of unproved length agree."""
        for _ in range(_AGREEING_FETCHES):
            proved, kind = await self._receive(download)
            body, facts = await download.part.finish(kind.content_type)
            agreed = body.sha256 in download.digests
            if proved or agreed or not falls_short(facts, recording.duration_seconds):
                odd = findings_of(kind, facts, recording.duration_seconds)
                if not proved and agreed:
                    odd.append("length-unproved")
                return Fetched(body, kind, facts, tuple(odd))
            download.digests.add(body.sha256)
            await download.start_over()
        raise FetchError(Reason.UNSTABLE, "each download of the recording returned different bytes")

    async def _receive(self, download: _Download) -> tuple[bool, Format]:
        """Receive the body, or its rest, into the part; whether its length was proved."""
        response = await self._open(download)
        try:
            proved = await self._accept(response, download)
            await self._read(response, download)
        finally:
            await stream_of(response).aclose()
        part = download.part
        if download.total is not None and part.size != download.total:
            raise FetchError(Reason.CUT_SHORT, f"received {part.size} of {download.total} bytes")
        kind = identify(part.head, response.headers.get("content-type"), download.address.path)
        return proved, kind

    async def _open(self, download: _Download) -> httpx.Response:
        """Follow redirects, each hop under the policy, to an answer that is no redirect."""
        address, cookies = download.address, ChainCookies()
        for _ in range(_MOST_HOPS + 1):
            url, target = address.url, address.target
            self._policy.check(url)
            request = httpx.Request(
                "GET",
                url,
                headers=self._headers(url, download, cookies.header_for(url)),
                stream=NO_BODY,
                extensions=self._limits if target is None else {**self._limits, "target": target},
            )
            response = await self._send(request)
            if response.status_code not in _REDIRECTS:
                return response
            location = response.headers.get("location")
            if location is None:
                return response
            await response.aclose()
            cookies.take(response.headers, url)
            address = address.join(location)
        raise FetchError(Reason.TOO_MANY_REDIRECTS, f"more than {_MOST_HOPS} redirects")

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._transport.handle_async_request(request)
        except httpx.ReadTimeout as error:
            raise FetchError(Reason.STALLED, "no response from the source") from error
        except NotHttp as error:
            raise FetchError(Reason.NOT_HTTP, f"the response is not HTTP: {error}") from error
        except httpx.HTTPError as error:
            hint = error.hint if isinstance(error, ProxyFailed) else ""
            raise FetchError(
                Reason.UNREACHABLE, f"cannot be reached: {error}", hint=hint
            ) from error

    def _headers(self, url: httpx.URL, download: _Download, cookie: str | None) -> httpx.Headers:
        plain = self._headers_to_api if self._policy.is_api(url) else self._headers_to_others
        if not url.userinfo and not download.can_resume and cookie is None:
            return plain
        headers = plain.copy()
        if cookie is not None:
            headers["Cookie"] = cookie
        if url.userinfo:
            headers["Authorization"] = "Basic " + b64encode(
                f"{unquote(url.username)}:{unquote(url.password)}".encode()
            ).decode("ascii")
        if download.can_resume:
            headers["Range"] = f"bytes={download.part.size}-"
            headers["If-Range"] = download.validator or ""
        return headers

    async def _accept(self, response: httpx.Response, download: _Download) -> bool:
        """Judge status and headers; start over unless the answer provably continues the part."""
        status, headers = response.status_code, response.headers
        if status == 206 and download.can_resume and download.is_continued_by(headers):
            return True
        started = download.part.size > 0
        await download.start_over()
        if status in (206, 416) and started:
            raise FetchError(Reason.CUT_SHORT, "the source cannot resume the download")
        check_status(status, headers)
        if codings := codings_of(headers.get("content-encoding")):
            raise FetchError(Reason.ENCODED, f"the source returned a body encoded as {codings[0]}")
        download.total = length_of(headers)
        download.headers = headers
        if download.total is not None and download.total > self._max_bytes:
            raise self._too_large(download.total)
        return download.total is not None or is_chunked(headers)

    async def _read(self, response: httpx.Response, download: _Download) -> None:
        part = download.part
        since, mark = time.monotonic(), part.size
        try:
            async for chunk in stream_of(response):
                await part.add(chunk)
                self._on_bytes(len(chunk))
                if part.size > self._max_bytes:
                    raise self._too_large(part.size)
                now = time.monotonic()
                if now - since >= self._stall:
                    if part.size - mark < _TRICKLE_BYTES:
                        raise FetchError(Reason.STALLED, f"stalled after {part.size} bytes")
                    since, mark = now, part.size
        except httpx.ReadTimeout as error:
            raise FetchError(Reason.STALLED, f"stalled after {part.size} bytes") from error
        except MoreThanAnnounced as error:
            raise FetchError(
                Reason.TOO_MUCH, "the source sent more bytes than announced"
            ) from error
        except httpx.HTTPError as error:
            raise FetchError(Reason.CUT_SHORT, f"ended early after {part.size} bytes") from error

    def _too_large(self, size: int) -> FetchError:
        return FetchError(
            Reason.TOO_LARGE,
            f"{size} bytes or more; download.max_bytes is {self._max_bytes}",
            hint="increase download.max_bytes if recordings can be this large",
        )

    def _address(self, recording: Recording) -> Address:
        if recording.file_url is None:
            raise FetchError(Reason.NO_ADDRESS, "the recording has no address yet")
        return Address.parse(recording.file_url, self._api_url)
