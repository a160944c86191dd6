"""RFC 3161 time stamps of the head, requested from their authority.

The imprint is the SHA-256 of the newest segment, which is the head.
"""

from typing import Final

import anyio
import httpx

from archiver.errors import FetchError, StampUnavailable
from archiver.evidence.time_stamps import GRANTED, decoded
from archiver.extras import extra
from archiver.http.origins import OriginPolicy
from archiver.http.proxies import DIRECT, Proxies
from archiver.http.transport import USER_AGENT, GuardedTransport
from archiver.http.wire.tunnel import ProxyFailed

SECONDS: Final = 15.0
"""Seconds to wait for a time stamp: the end of a run, or an export, waits for it."""

_MOST_BYTES: Final = 256 * 1024
_ASKED: Final = "application/timestamp-query"
_ANSWERED: Final = "application/timestamp-reply"


async def fetch_stamp(
    url: str, stamped: bytes, *, proxies: Proxies = DIRECT, within: float = SECONDS
) -> bytes:
    """The authority's response for these bytes (a segment), with imprint and nonce checked.

    Requested through the matching proxy, and complete `within` so many seconds. Raises
    StampUnavailable; a later head is stamped instead.
    """
    with extra("evidence"):
        from rfc3161_client import TimestampRequestBuilder
        from rfc3161_client.base import HashAlgorithm
    asked = TimestampRequestBuilder().data(stamped).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        with anyio.fail_after(within):
            data = await _exchange(url, asked.as_bytes(), proxies)
    except TimeoutError:
        raise _unavailable(url, f"no complete response within {within:g} s") from None
    try:
        answer = decoded(data)
    except ValueError as error:
        raise _unavailable(url, str(error)) from None
    if answer.status != GRANTED:
        said = "; ".join(answer.status_string)[:200]
        raise _unavailable(url, f"request rejected, status {answer.status} {said}".rstrip())
    info = answer.tst_info
    if info.nonce != asked.nonce or info.message_imprint.message != asked.message_imprint.message:
        raise _unavailable(url, "the time stamp is for other data")
    return data


async def _exchange(url: str, query: bytes, proxies: Proxies) -> bytes:
    headers = {"User-Agent": USER_AGENT, "Content-Type": _ASKED, "Accept": _ANSWERED}
    transport = GuardedTransport(OriginPolicy(url), proxies=proxies)
    try:
        async with (
            httpx.AsyncClient(
                transport=transport,
                timeout=SECONDS,
                follow_redirects=False,
                trust_env=False,
                headers=headers,
            ) as client,
            client.stream("POST", url, content=query) as response,
        ):
            if response.status_code != 200:
                raise _unavailable(url, f"status {response.status_code}")
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != _ANSWERED:
                raise _unavailable(url, f"it returned {kind[:60] or 'no type'}, not a time stamp")
            return await _bounded(url, response)
    except ProxyFailed as error:
        raise _unavailable(url, str(error), hint=error.hint) from None
    except FetchError as error:
        raise _unavailable(url, str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unavailable(url, f"no response ({type(error).__name__})") from None


async def _bounded(url: str, response: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _MOST_BYTES:
            raise _unavailable(url, "the response is too large for a time stamp")
        parts.append(part)
    return b"".join(parts)


def _unavailable(
    url: str, why: str, *, hint: str = "check evidence.timestamp_url"
) -> StampUnavailable:
    host = httpx.URL(url).host
    return StampUnavailable(
        f"no time stamp from {host}: {why}",
        hint=hint,
    )
