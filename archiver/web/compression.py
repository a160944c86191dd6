"""Compression of responses, if the browser accepts it: pages, scripts, figures, tables.

Audio is never compressed: it is compressed already, and requested in ranges. A page has no secret
that is the same in every response (see `Visitor.csrf`), so its length reveals nothing to an
attacker (BREACH).
"""

import zlib
from typing import Final

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KINDS: Final = (
    "text/html", "text/css", "text/csv", "text/javascript", "application/javascript",
    "application/json", "image/svg+xml",
)  # fmt: skip
_LEAST: Final = 1024
_LEVEL: Final = 4
_GZIP: Final = 16 + zlib.MAX_WBITS
_AT_ONCE: Final = 64 * 1024
"""Larger responses are compressed in a thread, so that others need not wait."""


class Compressed:
    """An application whose texts are sent as gzip to clients that accept it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and compress on the way."""
        accepted = (
            Headers(scope=scope).get("accept-encoding", "") if scope["type"] == "http" else ""
        )
        if "gzip" not in accepted or scope["method"] != "GET":
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _Squeezing(send).send)


class _Squeezing:
    """One response. Its start waits for the first part of its body, which shows its length."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._work = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._is_squeezed = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, is_more = message.get("body", b""), message.get("more_body", False)
        if self._start:
            await self._begin(body, is_whole=not is_more)
        if self._is_squeezed:
            body = await self._squeezed(body, is_last=not is_more)
        await self._send({"type": "http.response.body", "body": body, "more_body": is_more})

    async def _begin(self, body: bytes, *, is_whole: bool) -> None:
        headers = MutableHeaders(raw=self._start["headers"])
        kind = headers.get("content-type", "").partition(";")[0]
        is_worth = not is_whole or len(body) >= _LEAST
        self._is_squeezed = (
            kind in _KINDS
            and is_worth
            and self._start["status"] == 200
            and "content-encoding" not in headers
            and "content-range" not in headers
        )
        if kind in _KINDS:
            headers.add_vary_header("accept-encoding")
        if self._is_squeezed:
            headers["content-encoding"] = "gzip"
            del headers["content-length"]
        start, self._start = self._start, {}
        await self._send(start)

    async def _squeezed(self, body: bytes, *, is_last: bool) -> bytes:
        if len(body) <= _AT_ONCE:
            return self._squeeze(body, is_last)
        return await anyio.to_thread.run_sync(self._squeeze, body, is_last)

    def _squeeze(self, body: bytes, is_last: bool) -> bytes:
        squeezed = self._work.compress(body)
        return squeezed + self._work.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)
