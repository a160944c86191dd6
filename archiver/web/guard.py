"""Checks before every page: the host name, the origin of a change, and what may be loaded.

- A `Host` that is not ours is rejected (421): a foreign host name that resolves to this machine
  would otherwise let a foreign page read the desk (DNS rebinding). IP addresses are accepted, since
  they cannot be rebound.
- A request that gives two lengths of its body is rejected (400), and its connection closed.
- A request that changes something is rejected (403) if the browser says that it comes from another
  origin. The token in every form is the second protection; see `login`.
- Every response restricts what may be loaded: nothing but our own files. The one style that is not
  a file (the waveform's, inside its own shadow tree) has a nonce that is new each time.
"""

import ipaddress
import secrets
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE: Final = frozenset({"GET", "HEAD"})
_LOOPBACK: Final = frozenset({"localhost"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self';"
    " media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """The outermost layer of the application. `hosts` are the accepted host names.

    `origin` is the public one if a proxy uses a different name. A desk without log-in (`is_local`)
    serves this machine only, and no proxy.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str],
        origin: str | None = None,
        is_local: bool = False,
    ) -> None:
        self._app = app
        self._is_local = is_local
        self._hosts = _LOOPBACK | {host.lower() for host in hosts}
        self._origin = origin.lower() if origin else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        nonce = scope.setdefault("state", {})["nonce"] = secrets.token_urlsafe(15)
        policy = _POLICY.format(nonce=nonce)

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                own.update(_ALWAYS)
                own["content-security-policy"] = policy
                own.setdefault("cache-control", "no-store")
            await send(message)

        refusal: PlainTextResponse | None
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy in between may see another end of this request than we do, and another
            # request behind it: nothing more is read from this connection (RFC 9112, section 6.1).
            refusal = PlainTextResponse(
                "The request has conflicting lengths.", 400, {"connection": "close"}
            )
        else:
            refusal = self._refusal(scope["method"], headers)
        await (refusal or self._app)(scope, receive, sealed)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if self._is_local and any(name in headers for name in _FORWARDED):
            return PlainTextResponse(
                "This desk has no log-in and is available on its own machine only. Its "
                "administrator can add users with `archiver user`.",
                status_code=403,
            )
        if not self._is_ours(host):
            return PlainTextResponse(
                "The desk is not configured for this host name. Its administrator can set "
                "desk.public_url.",
                status_code=421,
            )
        if method not in _SAFE and not self._is_from_here(headers, host):
            return PlainTextResponse("This request came from another site.", status_code=403)
        return None

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        return name in self._hosts or _is_address(name, loopback=self._is_local)

    def _is_from_here(self, headers: Headers, host: str) -> bool:
        """Whether the browser does not object; other clients send no such header."""
        site = headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        return origin.lower() == self._origin or urlsplit(origin).netloc.lower() == host.lower()


def _name_of(host: str) -> str:
    """The name or address of a `Host` header, without its port; nothing if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return ""
        return (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str, *, loopback: bool) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not loopback
