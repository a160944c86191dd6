"""One connection and its responses, one at a time.

Responses are parsed by llhttp (through httptools), the parser of Node.js. It is configured to
tolerate what browsers tolerate: control characters in header values, lines that end in a bare LF,
blanks after the size of a chunk; a head that it still rejects is repaired once (`mending`). It
tolerates no ambiguity about where a body ends: more bytes than announced are as invalid as fewer.

Received bytes go to the parser immediately, and from there to the reader of the body. If the reader
is slow, nothing more is received until it has caught up.
"""

import asyncio
from typing import Final, cast

import httptools
import httpx

from archiver.http.faults import MoreThanAnnounced, NotHttp
from archiver.http.wire.mending import mended
from archiver.http.wire.messages import said

RECEIVE_BYTES: Final = 2**19
"""The most bytes of one receive call: a recording of two minutes arrives in one, so that it need
not be copied together."""
_SEND_BYTES: Final = 2**18
"""How much of a body is passed to the system at a time; what it accepts counts as progress."""

_LONGEST_HEAD: Final = 2**16
"""Bytes of status line and headers. Signed addresses in `Location` take a few KiB."""
_ENOUGH: Final = 2**20
"""Bytes that may wait for their reader before receiving is paused."""
_CHUNK_COSTS: Final = 64
"""Bytes that each waiting chunk counts in addition: a body may arrive in chunks of one byte."""


class Disconnected(httpx.RemoteProtocolError):
    """The connection was closed before any byte of the response."""


class Answer:
    """The response to one request: the head, then the body as it arrives.

    Filled by its connection and read by one task. `is_whole`: the body is complete, according to
    its framing. `is_last`: no other response follows on this connection.
    """

    def __init__(self, connection: "Connection") -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_whole = False
        self.is_last = True
        self._connection = connection
        self._parser = self._new_parser()
        self._head = b""
        self._refused: httptools.HttpParserError | None = None
        self._is_mended = False
        self._chunks: list[bytes] = []
        self._waiting_bytes = 0
        self._is_begun = False
        self._is_further = False
        self._barren_bytes = 0
        self._failure: Exception | None = None
        self._reader: asyncio.Future[None] | None = None

    async def head(self) -> None:
        """Wait for status and headers."""
        while not self.status:
            await self.news()

    async def read(self) -> bytes:
        """The next bytes of the body; none at its end."""
        while not self._chunks:
            if self.is_whole:
                return b""
            await self.news()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._waiting_bytes = 0
        self._connection.receive_more()
        return data

    @property
    def is_awaited(self) -> bool:
        """Whether a reader is waiting for more."""
        return self._reader is not None

    async def news(self) -> None:
        """Wait for a change; raises the error, if any."""
        if self._failure is not None:
            raise self._failure
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def wake(self) -> None:
        """Wake the waiting reader after a change."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # Called by the connection.

    def feed(self, data: memoryview) -> bool:
        """Parse received bytes; returns whether they completed the head or added to the body."""
        self._is_begun = True
        self._is_further = False
        self._barren_bytes += len(data)
        self._parse(data)
        if self._barren_bytes > _LONGEST_HEAD and not self.is_whole:
            self.fail(httpx.RemoteProtocolError("the response headers do not end"))
        if self._waiting_bytes >= _ENOUGH:
            self._connection.receive_no_more()
        self.wake()
        return self._is_further

    def _parse(self, data: memoryview | bytes) -> None:
        """Pass it to the parser; a rejected head is repaired, once it is complete."""
        refused = self._refused
        if refused is None:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                self.is_last = True
            except httptools.HttpParserError as error:
                refused = error
        if not self.status and not self._is_mended:
            self._head += data
            if refused is not None and self._head.startswith(b"HTTP/1."):
                self._refused = refused
                self._mend()
                return
        if refused is not None:
            self._give_up(refused)

    def _mend(self) -> None:
        """Parse the head again as browsers would read it, if it is complete."""
        data = mended(self._head)
        if data is not None:
            self._refused, self._is_mended, self._head = None, True, b""
            self._parser = self._new_parser()
            self._parse(data)

    def _give_up(self, refused: httptools.HttpParserError) -> None:
        self.is_last = True
        if self.is_whole:
            self.is_whole = False
            self.fail(MoreThanAnnounced("the response is longer than announced"))
        else:
            self.fail(NotHttp(f"the response is not HTTP: {refused}"))

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        return parser

    def end(self, lost: Exception | None) -> None:
        """The connection was closed: this ends a body without any other end, and truncates any
        other."""
        if self.is_whole or self._failure is not None:
            return
        if not self._is_begun:
            self.fail(Disconnected(said(lost) or "the connection was closed without a response"))
        elif lost is not None:
            self.fail(httpx.ReadError(said(lost) or "the connection was lost"))
        elif self.status and self._ends_with_connection():
            self.is_whole = True
            self.wake()
        else:
            self.fail(httpx.RemoteProtocolError("the response ended early"))

    def fail(self, failure: Exception) -> None:
        """Receiving is over; what has arrived can still be read."""
        self._failure = self._failure or failure
        self._connection.receive_no_more()
        self.wake()

    def let_go(self) -> None:
        """The exchange is over. The parser refers to this answer, and this answer to the parser:
        without this, only the garbage collector would find the two."""
        del self._parser

    def _ends_with_connection(self) -> bool:
        """Whether the framing does not define the end of the body (RFC 9112, section 6.3)."""
        fields = {name.lower(): value.lower() for name, value in self.headers}
        coding = fields.get(b"transfer-encoding")
        if coding is not None:
            return not coding.rstrip().endswith(b"chunked")
        return b"content-length" not in fields

    # Called by the parser, with the names that httptools expects.

    def on_message_begin(self) -> None:
        """The response, an interim one (1xx) before it, or an unexpected one after it.

        Interim responses are dropped. An unexpected one makes the connection inconsistent:
        ValueError ends the parsing.
        """
        if self.is_whole:
            raise ValueError("a response without a request")
        self.reason, self.headers = b"", []

    def on_status(self, reason: bytes) -> None:
        """The reason phrase, or part of it."""
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or what looks like one after a chunked body.

        The parser accepts `Content-Length : 5`, so the blank must not hide it here.
        """
        if not self.status:
            self.headers.append((name.rstrip(), value))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        status = self._parser.get_status_code()
        if status >= 200 or status == httpx.codes.SWITCHING_PROTOCOLS:
            self.status = status
            self._is_further = True

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        self._chunks.append(data)
        self._waiting_bytes += len(data) + _CHUNK_COSTS
        self._barren_bytes = 0
        self._is_further = True

    def on_message_complete(self) -> None:
        """The end of the body, or of an interim response."""
        if self.status:
            self.is_whole = True
            self.is_last = not self._parser.should_keep_alive()


class Connection(asyncio.BufferedProtocol):
    """An open connection, with one exchange at a time.

    `buffer` is the receive buffer: the event loop fills it and passes it on in one step, so all
    connections of a loop can share one.
    """

    def __init__(self, buffer: memoryview) -> None:
        self.is_open = False
        self.idle_since = 0.0
        self._buffer = buffer
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._answer: Answer | None = None
        self._heard_at = 0.0
        self._patience = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._is_full = False
        self._is_sent = True

    async def ask(self, request: bytes, body: bytes = b"", *, patience: float | None) -> Answer:
        """Send the request, head and body; returns the response as soon as its head has arrived.

        `patience` is the longest wait in seconds for the head, and then for each next part of the
        body (None: unlimited); bytes that complete neither do not extend it. It counts from the
        last part of the request that the system accepted. Raises httpx.ReadTimeout after it;
        Disconnected, httpx.RemoteProtocolError or httpx.ReadError if the response breaks off.
        Reading the body raises the same.
        """
        self._answer = answer = Answer(self)
        if self.is_open:
            self._be_patient_for(patience)
            if len(body) <= _SEND_BYTES:
                self._transport.writelines((request, body))  # in one system call
            else:
                self._transport.write(request)
                await self._send(memoryview(body), answer)
        else:
            answer.end(None)
        await answer.head()
        return answer

    async def _send(self, body: memoryview, answer: Answer) -> None:
        """Send a body piece by piece; stops if the response arrives before its end."""
        self._is_sent = False
        for start in range(0, len(body), _SEND_BYTES):
            while self._is_full and not answer.status:
                await answer.news()
            if answer.status:
                return
            self._transport.write(body[start : start + _SEND_BYTES])
        self._is_sent = True

    def put_aside(self) -> bool:
        """Whether the connection can be used for another exchange; it is closed if not.

        It cannot if the response arrived before the whole request was sent: the next request would
        wait behind it.
        """
        answer, self._answer = self._answer, None
        is_over = answer is not None and answer.is_whole and not answer.is_last
        if answer is not None:
            answer.let_go()
        is_sent = self._is_sent and not self._transport.get_write_buffer_size()
        if self.is_open and is_over and is_sent:
            self.idle_since = self._loop.time()
            self.receive_more()
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close it immediately: the rest of an unwanted body may be endless."""
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()

    def receive_more(self) -> None:
        """Resume receiving, if it was paused."""
        if self._is_paused and self.is_open:
            self._is_paused = False
            self._heard_at = self._loop.time()
            self._transport.resume_reading()

    def receive_no_more(self) -> None:
        """Pause receiving, so that data stays in the system's buffers and finally slows down the
        server."""
        if not self._is_paused and self.is_open:
            self._is_paused = True
            self._transport.pause_reading()

    def _be_patient_for(self, seconds: float | None) -> None:
        self._heard_at = self._loop.time()
        self._patience = float("inf") if seconds is None else seconds
        due = self._heard_at + self._patience
        if self._timer is not None and self._timer.when() > due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None and seconds is not None:
            self._timer = self._loop.call_at(due, self._listen)

    def _listen(self) -> None:
        """Give up on a response that has been overdue for too long.

        One timer serves many exchanges: it is not restarted for each packet, but checks, when it
        fires, how long nothing has arrived.
        """
        self._timer = None
        if self._answer is None or self._patience == float("inf"):
            return
        now = self._loop.time()
        since = self._heard_at if self._answer.is_awaited else now
        if now - since >= self._patience:
            self._answer.fail(httpx.ReadTimeout("the response timed out"))
        else:
            self._timer = self._loop.call_at(since + self._patience, self._listen)

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def get_buffer(self, sizehint: int) -> memoryview:
        """The receive buffer."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Something was received."""
        if self._answer is None:  # no request is pending
            self.close()
        elif self._answer.feed(self._buffer[:nbytes]):
            self._heard_at = self._loop.time()

    def pause_writing(self) -> None:
        """The system accepts no more data for now."""
        self._is_full = True

    def resume_writing(self) -> None:
        """The system has sent what was buffered."""
        self._is_full = False
        self._heard_at = self._loop.time()
        if self._answer is not None:
            self._answer.wake()

    def eof_received(self) -> None:
        """End of stream: closes the connection."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self.is_open = False
        if self._answer is not None:
            self._answer.end(exc)
