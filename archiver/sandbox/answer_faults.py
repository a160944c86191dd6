"""Faults of the finished answer: refusals, wrong bodies, wrong framing, cut and stalled bodies."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate

from archiver.sandbox.cues import Answering
from archiver.sandbox.exchange import Answer, Ending, Framing, Request, refusal
from archiver.sandbox.routes import fill
from archiver.sandbox.wire import gzipped

ERROR_PAGE = b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body>Sorry</body></html>\n"


@dataclass(frozen=True)
class Status(Answering):
    """Refused with a status, in the API's envelope.

    `retry_after` is sent as seconds, or as a date that many seconds from now.
    """

    status: int
    retry_after: int | str | None = None
    as_date: bool = False
    message: str = "Refused by the sandbox."

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        refused = refusal(self.status, self.message)
        if self.retry_after is None:
            return refused
        value = str(self.retry_after)
        if self.as_date:
            value = formatdate(time.time() + int(self.retry_after), usegmt=True)
        return replace(refused, headers={**refused.headers, "Retry-After": value})


@dataclass(frozen=True)
class NotSuccess(Answering):
    """Status 200 and `success: false`."""

    message: str = "Not now."

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return refusal(200, self.message)


@dataclass(frozen=True)
class Body(Answering):
    """Another body under another type, with 200 unless it says otherwise."""

    content: bytes
    content_type: str | None = "application/json"
    status: int = 200

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        headers = {} if self.content_type is None else {"Content-Type": self.content_type}
        return Answer(self.status, headers, self.content)


def html(status: int = 200) -> Body:
    """An error page."""
    return Body(ERROR_PAGE, "text/html; charset=utf-8", status)


@dataclass(frozen=True)
class HugeJson(Answering):
    """A list that does not end before `size` bytes, valid JSON, made while it is sent."""

    size: int = 400 * 1024 * 1024

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, body=self._pieces, framing=Framing.CHUNKED)

    def _pieces(self) -> Iterator[bytes]:
        yield b'{"success":true,"message":"","data":{"list":['
        piece = b'{"id":1},' * 7000
        for _ in range(self.size // len(piece)):
            yield piece
        yield b'{"id":1}],"next":0,"total":1}}'


@dataclass(frozen=True)
class Headers(Answering):
    """Headers are something else; None takes one away. The body is as ever."""

    changes: Mapping[str, str | None] = field(default_factory=dict)

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, headers=answer.with_headers(self.changes))


def no_validator() -> Headers:
    """A file without anything to tell its versions apart."""
    return Headers({"ETag": None, "Last-Modified": None})


@dataclass(frozen=True)
class Framed(Answering):
    """The whole body, its end marked another way."""

    framing: Framing

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, framing=self.framing)


@dataclass(frozen=True)
class Cut(Answering):
    """The body ends after `after` bytes and the connection with it.

    With `Framing.LENGTH` or `CHUNKED` the cut can be seen, with `CLOSE` it cannot; `reset` ends
    the connection with a reset.
    """

    after: int
    framing: Framing = Framing.LENGTH
    reset: bool = False

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        ending = Ending.RESET if self.reset else Ending.CLOSE
        return replace(answer, stop_after=self.after, framing=self.framing, ending=ending)


@dataclass(frozen=True)
class Stall(Answering):
    """After `after` bytes of the body nothing more comes, and the connection stays open."""

    after: int
    framing: Framing = Framing.LENGTH

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, stop_after=self.after, framing=self.framing, ending=Ending.STALL)


@dataclass(frozen=True)
class Drip(Answering):
    """The body comes in pieces of `size` bytes with `pause` seconds between them."""

    size: int
    pause: float

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, drip=(self.size, self.pause))


@dataclass(frozen=True)
class Delay(Answering):
    """The answer begins after so many seconds."""

    seconds: float

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, delay=self.seconds)


@dataclass(frozen=True)
class Silence(Answering):
    """No answer at all, and the connection stays open."""

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, silent=True, ending=Ending.STALL)


@dataclass(frozen=True)
class HangUp(Answering):
    """No answer at all, and the connection closes or is reset."""

    reset: bool = False

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, silent=True, ending=Ending.RESET if self.reset else Ending.CLOSE)


@dataclass(frozen=True)
class FalseLength(Answering):
    """Content-Length differs by `by` bytes from what is sent, and then the connection closes."""

    by: int

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        declared = len(answer.content()) + self.by
        return replace(answer, declared=declared, ending=Ending.CLOSE)


@dataclass(frozen=True)
class Gzip(Answering):
    """The body is compressed, and says so, though nobody asked for it."""

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        headers = answer.with_headers({"Content-Encoding": "gzip"})
        return replace(answer, headers=headers, body=gzipped(answer.content()))


@dataclass(frozen=True)
class CutJson(Answering):
    """The body lacks its last `bytes_short` bytes, in a message that is whole."""

    bytes_short: int = 10

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        return replace(answer, body=answer.content()[: -self.bytes_short])


@dataclass(frozen=True)
class Redirect(Answering):
    """The answer is elsewhere: a template as in `FileUrl`, `{path}` being the path asked for."""

    template: str
    status: int = 302

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        location = fill(self.template.replace("{id}", str(request.id)), request, request.path)
        return Answer(self.status, {"Location": location})


@dataclass(frozen=True)
class RedirectChain(Answering):
    """`hops` redirects one after the other, then the true answer.

    With `alternate` each hop changes to the other of the two origins.
    """

    hops: int
    status: int = 302
    alternate: bool = False

    def answer(self, request: Request, answer: Answer) -> Answer:
        """See `Answering`."""
        done = int(request.params.get("hop", "0"))
        if done >= self.hops:
            return answer
        origin = request.other if self.alternate and done % 2 == 0 else request.origin
        query = "&".join(f"{k}={v}" for k, v in request.query if k != "hop")
        location = f"{origin}{request.path}?{query}{'&' if query else ''}hop={done + 1}"
        return Answer(self.status, {"Location": location})
