"""Through a proxy: a tunnel to the origin for https, its approval for everything else.

A proxy sees the host and the port of an https address and nothing more; TLS is agreed on with the
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
    """The proxy does not do its part. `hint` says what to do about it; after a refusal asking again
    changes nothing."""

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
    """The error for a proxy that does not know who asks."""
    whose = "another user and password" if proxy.authorization else "a user and a password"
    return failed(
        f"the proxy wants {whose}",
        f"Set {proxy.named_by} to http://user:password@{proxy}.",
        is_refusal=True,
    )


async def open_tunnel(plain: socket.socket, proxy: Proxy, origin: Origin) -> None:
    """Let the proxy at the other end connect on to the origin. Raises ProxyFailed."""
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode("ascii")
    lines = [b"CONNECT %s HTTP/1.1" % target, b"Host: %s" % target, *credentials(proxy)]
    await loop.sock_sendall(plain, b"\r\n".join(lines) + b"\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        # The origin says nothing before it is greeted: what comes is the proxy's, to the last byte.
        data = await loop.sock_recv(plain, 4096)
        head += data
        if not data or len(head) > _LONGEST_HEAD:
            break
    status = _STATUS.match(head)
    if status is None or b"\r\n\r\n" not in head:
        hint = f"Check that {proxy.named_by} names an HTTP proxy."
        raise failed("the proxy does not answer as one", hint, is_refusal=bool(head))
    _judge(int(status[1]), proxy, origin)
    if not head.endswith(b"\r\n\r\n"):
        hint = "Sign in at the proxy with a browser, or ask its people for an account for programs."
        raise failed("the proxy answers with a page of its own", hint, is_refusal=True)


def credentials(proxy: Proxy) -> list[bytes]:
    """The header that tells a proxy who asks, if it is to be told."""
    given = proxy.authorization
    return [] if given is None else [b"Proxy-Authorization: %s" % given]


def _judge(status: int, proxy: Proxy, origin: Origin) -> None:
    if status < 300:
        return
    if status in _WANTS_LOGIN:
        raise wants_password(proxy)
    if status in _FORBIDDEN or status < 400:
        hint = f"Ask the people of the proxy to allow {origin}, or name {origin.host} in NO_PROXY."
        raise failed(f"the proxy refuses the connection ({status})", hint, is_refusal=True)
    hint = "Ask the people of the proxy whether it may and can reach that host."
    raise failed(f"the proxy has no connection to it ({status})", hint)
