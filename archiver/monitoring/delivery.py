"""Delivery of a notice to the one configured address.

The address is a secret, so only its origin is ever shown. Redirects are not followed, and waiting
is short: a notice that cannot be delivered is reported where the run is watched, and the run ends
as it would have.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from archiver.errors import FetchError, NoticeUndelivered
from archiver.http.origins import Origin, OriginPolicy
from archiver.http.proxies import DIRECT, Proxies
from archiver.http.transport import USER_AGENT, GuardedTransport
from archiver.http.wire.tunnel import ProxyFailed
from archiver.secrets import Secret
from archiver.tasks.retry import RetryPolicy, retrying

_SECONDS: Final = 5.0


async def post(
    address: Secret,
    payload: Mapping[str, Any],
    *,
    proxies: Proxies = DIRECT,
    retry: RetryPolicy,
) -> None:
    """POST a JSON object. Raises NoticeUndelivered if it was not delivered."""
    await _send("POST", address, payload, proxies, retry)


async def ping(address: Secret, *, proxies: Proxies = DIRECT, retry: RetryPolicy) -> None:
    """GET the address, as a heartbeat. Raises NoticeUndelivered if it fails."""
    await _send("GET", address, None, proxies, retry)


def origin_of(address: Secret) -> str:
    """Scheme, host and port: all that may be shown of the address."""
    return Origin.of(httpx.URL(address.reveal())).address


async def _send(
    method: str,
    address: Secret,
    payload: Mapping[str, Any] | None,
    proxies: Proxies,
    retry: RetryPolicy,
) -> None:
    transport = GuardedTransport(OriginPolicy(address.reveal()), proxies=proxies)
    async with httpx.AsyncClient(
        transport=transport,
        timeout=_SECONDS,
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT},
    ) as client:
        await retrying(retry, lambda: _attempt(client, method, address, payload))


async def _attempt(
    client: httpx.AsyncClient, method: str, address: Secret, payload: Mapping[str, Any] | None
) -> None:
    shown = origin_of(address)
    try:
        async with client.stream(method, address.reveal(), json=payload) as response:
            status = response.status_code
    except ProxyFailed as error:
        raise _undelivered(str(error), again=not error.is_refusal, hint=error.hint) from None
    except httpx.TransportError as error:
        raise _undelivered(
            f"no response from {shown}: {_plain(error, shown)}", again=True
        ) from None
    except FetchError as error:
        raise _undelivered(str(error)) from None
    if 300 <= status < 400:
        raise _undelivered(f"{shown} responded with a redirect, which is not followed")
    if status >= 400:
        raise _undelivered(
            f"{shown} responded with status {status}", again=status == 429 or status >= 500
        )


def _plain(error: httpx.TransportError, shown: str) -> str:
    """The transport's own words, without the origin that it begins with."""
    return str(error).removeprefix(f"{shown}: ") or type(error).__name__


def _undelivered(
    message: str, *, again: bool = False, hint: str = "check the section notices of archive.yaml"
) -> NoticeUndelivered:
    error = NoticeUndelivered(message, hint=hint)
    error.retryable = again
    return error
