"""Through a proxy: a tunnel to the origin for https, and its consent for everything else.

A proxy sees the host and the port of an https request and nothing more; TLS is negotiated with the
origin, through it.
"""

import asyncio
import re
import socket
from typing import Final

import httpx

from archiver.http.origins import Origin
from archiver.http.proxies import Proxy

_LONGEST_HEAD: Final = 2**14
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])[ \r]")
_FORBIDDEN: Final = frozenset({400, 403, 405, 451})
_WANTS_LOGIN: Final = frozenset({401, 407})
"""tinyproxy answers 401 to a wrong password (observation)."""


class ProxyFailed(httpx.ProxyError):
    """The proxy does not connect. `hint` is the next step; a refusal is not worth a retry."""

    hint = ""
    is_refusal = False


def failed(message: str, hint: str, *, is_refusal: bool = False) -> ProxyFailed:
    """The error with its next step."""
    error = ProxyFailed(message)
    error.hint, error.is_refusal = hint, is_refusal
    return error


def unreachable(proxy: Proxy, said: str) -> ProxyFailed:
    """The error for a proxy to which there is no connection."""
    return failed(f"the proxy cannot be reached ({said})", f"Check {proxy.named_by}.")


def wants_password(proxy: Proxy) -> ProxyFailed:
    """The error for a proxy that requires other credentials."""
    rejected = "the proxy rejected the user name or the password"
    missing = "the proxy requires a user name and a password"
    return failed(
        rejected if proxy.authorization else missing,
        f"Set {proxy.named_by} to http://user:password@{proxy}.",
        is_refusal=True,
    )


async def open_tunnel(plain: socket.socket, proxy: Proxy, origin: Origin) -> None:
    """Have the proxy at the other end connect to the origin. Raises ProxyFailed."""
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode("ascii")
    lines = [b"CONNECT %s HTTP/1.1" % target, b"Host: %s" % target, *credentials(proxy)]
    await loop.sock_sendall(plain, b"\r\n".join(lines) + b"\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        # The origin sends nothing before it is sent something: every byte here is the proxy's.
        data = await loop.sock_recv(plain, 4096)
        head += data
        if not data or len(head) > _LONGEST_HEAD:
            break
    status = _STATUS.match(head)
    if status is None or b"\r\n\r\n" not in head:
        hint = f"Check that {proxy.named_by} is the address of an HTTP proxy."
        raise failed("the response is not that of an HTTP proxy", hint, is_refusal=bool(head))
    _judge(int(status[1]), proxy, origin)
    if not head.endswith(b"\r\n\r\n"):
        hint = "Sign in with a browser, or ask the proxy's operator for an account for programs."
        raise failed("the proxy returned a page of its own", hint, is_refusal=True)


def credentials(proxy: Proxy) -> list[bytes]:
    """The header with the credentials for the proxy, if it has any."""
    given = proxy.authorization
    return [] if given is None else [b"Proxy-Authorization: %s" % given]


def _judge(status: int, proxy: Proxy, origin: Origin) -> None:
    if status < 300:
        return
    if status in _WANTS_LOGIN:
        raise wants_password(proxy)
    if status in _FORBIDDEN or status < 400:
        hint = f"Ask the proxy's operator to allow {origin}, or add {origin.host} to NO_PROXY."
        raise failed(f"the proxy refuses the connection ({status})", hint, is_refusal=True)
    hint = "Ask the proxy's operator whether the proxy can reach that host."
    raise failed(f"the proxy cannot connect to the host ({status})", hint)
