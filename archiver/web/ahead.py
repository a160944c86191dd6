"""Responses in pieces: some are made at the same time, while one is compressed and sent."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.responses import StreamingResponse
from starlette.types import Send

from archiver.tasks.lanes import in_order

Piece: TypeAlias = Callable[[], Awaitable[bytes]]
"""Makes a piece of a response."""

_LANES: Final = 4
"""Two pieces can be made while one is sent, and one may wait in between: so a page that is served
meanwhile does not delay the next piece."""


class MadeAhead(StreamingResponse):
    """A response of these pieces, in their order, of which at most `_LANES` exist at a time."""

    def __init__(
        self, pieces: AsyncIterator[Piece], *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__((), media_type=media_type, headers=headers)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        """Send the pieces. The first error is raised as it is."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})

        async def make(piece: Piece) -> bytes:
            return await piece()

        async def give(_: Piece, body: bytes) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": True})

        await in_order(_LANES, self._pieces, make, give)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
