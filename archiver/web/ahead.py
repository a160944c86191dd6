"""Responses in pieces, of which the next is made while one is compressed and sent."""

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Send

from archiver.tasks.lanes import in_lanes


class MadeAhead(StreamingResponse):
    """A response whose pieces come from a generator, at most one of them ahead."""

    async def stream_response(self, send: Send) -> None:
        """Send the pieces in their order. The first error is raised as it is."""
        in_turn = anyio.Lock()  # first come, first served

        async def give(piece: str | bytes | memoryview) -> None:
            body = piece.encode(self.charset) if isinstance(piece, str) else piece
            async with in_turn:
                await send({"type": "http.response.body", "body": body, "more_body": True})

        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        await in_lanes(2, self.body_iterator, give)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
