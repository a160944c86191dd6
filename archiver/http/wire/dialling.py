"""Opening connections, only to addresses that a policy allows.

Every address that a host name resolves to is checked before anything is sent, and the connection
goes to exactly the address that was checked: a name that resolves differently the next time gains
nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, TypeAlias

import httpx
from aiohappyeyeballs import AddrInfoType, start_connection

from archiver.http.origins import Origin, address_refused
from archiver.http.proxies import DIRECT, Proxies, Proxy
from archiver.http.wire.connection import RECEIVE_BYTES, Connection
from archiver.http.wire.messages import said
from archiver.http.wire.tunnel import open_tunnel, unreachable

_HEAD_START: Final = 0.25
"""Seconds until the next address of a host is tried in parallel (RFC 8305, section 8)."""
_LONGEST: Final = 60.0
"""The default timeout of a connection, in seconds."""

Admits: TypeAlias = Callable[[str, int, str], bool]
"""Whether a connection to a host and port may go to the IP address that it resolved to."""


class TlsRefused(httpx.ConnectError):
    """The server responds, but TLS fails, or its certificate is not trusted, or the trusted
    certificates cannot be read: not worth a retry."""


class Dialler:
    """Opens the connections of one event loop. `trust` creates the TLS context when it is needed,
    and raises OSError if it cannot.

    A proxy is always allowed, since the configuration names it. The host name of an origin behind
    it is resolved by the proxy and not checked here.
    """

    def __init__(
        self,
        admits: Admits,
        trust: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
        proxies: Proxies = DIRECT,
    ) -> None:
        self._admits = admits
        self._trust = trust
        self._proxies = proxies
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._context: ssl.SSLContext | None = None

    async def dial(self, origin: Origin, *, within: float | None) -> Connection:
        """A new connection, including TLS, within that many seconds.

        Raises FetchError if the policy allows none of the addresses of the host; TlsRefused,
        httpx.ConnectTimeout and httpx.ConnectError.
        """
        try:
            async with asyncio.timeout(_LONGEST if within is None else within):
                return await self._connected(origin)
        except TimeoutError:
            raise httpx.ConnectTimeout("the connection or its TLS handshake timed out") from None
        except ssl.SSLError as error:
            raise TlsRefused(said(error)) from None
        except (OSError, UnicodeError) as error:  # a label of the name may be too long for IDNA
            raise httpx.ConnectError(
                said(error) or "no connection, or it was closed before the TLS handshake finished"
            ) from None

    async def _connected(self, origin: Origin) -> Connection:
        proxy = self._proxies.of(origin)
        plain = await (self._direct(origin) if proxy is None else self._through(proxy, origin))
        loop = asyncio.get_running_loop()
        connection = Connection(self._buffer)
        try:
            await loop.create_connection(
                lambda: connection,
                sock=plain,
                ssl=self._tls() if origin.scheme == "https" else None,
                server_hostname=origin.host.rstrip(".") if origin.scheme == "https" else None,
            )
        except BaseException:
            if connection.is_open:  # asyncio would say goodbye over it first, and wait for a reply
                connection.close()
            plain.close()
            raise
        return connection

    async def _direct(self, origin: Origin) -> socket.socket:
        found = await _resolved(origin.host, origin.port)
        admitted = [one for one in found if self._admits(origin.host, origin.port, str(one[4][0]))]
        if found and not admitted:
            raise address_refused(origin)
        return await start_connection(admitted, happy_eyeballs_delay=_HEAD_START, interleave=1)

    async def _through(self, proxy: Proxy, origin: Origin) -> socket.socket:
        try:
            found = await _resolved(proxy.host, proxy.port)
            plain = await start_connection(found, happy_eyeballs_delay=_HEAD_START, interleave=1)
        except (OSError, UnicodeError) as error:
            raise unreachable(proxy, said(error) or "no connection") from None
        try:
            if origin.scheme == "https":
                await open_tunnel(plain, proxy, origin)
        except BaseException:
            plain.close()
            raise
        return plain

    def _tls(self) -> ssl.SSLContext:
        """Created when it is first needed: reading the certificates takes 20 ms."""
        if self._context is None:
            try:
                self._context = self._trust()
            except OSError:  # ssl.SSLError is one
                raise TlsRefused(
                    "cannot read the trusted certificates; check SSL_CERT_FILE"
                ) from None
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context


async def _resolved(host: str, port: int) -> list[AddrInfoType]:
    # The same resolver on every event loop: each has its own.
    found = await asyncio.to_thread(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return list(found)
