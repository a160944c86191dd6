"""What browsers put up with is put up with, whatever carries the requests; a doubt never is."""

from collections.abc import AsyncIterator

import httpx
import pytest

from archiver.http.transport import GuardedTransport
from tests.http.wire.asking import Anywhere, fetch
from tests.liner.fake import Asked, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def transport() -> AsyncIterator[GuardedTransport]:
    async with GuardedTransport(Anywhere()) as transport:
        yield transport


def answer(*lines: str, body: bytes = b"sound") -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


PUT_UP_WITH = {
    "a line without a colon": answer("served by nobody", "Content-Length: 5"),
    "a blank within a name": answer("X Served By: nobody", "Content-Length: 5"),
    "a blank behind a name": answer("X-Served-By : nobody", "Content-Length: 5"),
    "letters of UTF-8 in a name": answer("X-Служба: nobody", "Content-Length: 5"),
    "letters of UTF-8 in a value": answer("X-Served-By: служба", "Content-Length: 5"),
    "an empty name": answer(": nobody", "Content-Length: 5"),
    "one length twice": answer("Content-Length: 5", "X-A: 1", "Content-Length: 5"),
    "one length in a list": answer("Content-Length: 5, 5"),
    "one length in lists": answer("Content-Length: 5,5", "content-length: 5"),
    "an interim answer with such a line": (
        b"HTTP/1.1 103 Early Hints\r\nno colon\r\n\r\n" + answer("no colon", "Content-Length: 5")
    ),
    "chunks behind such a line": answer(
        "no colon", "Transfer-Encoding: chunked", body=b"5\r\nsound\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("kind", PUT_UP_WITH)
async def test_an_answer_that_browsers_put_up_with_arrives(
    transport: GuardedTransport, kind: str
) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(PUT_UP_WITH[kind])

    async with serving(route) as fake:
        for _ in range(2):
            response, body = await fetch(transport, fake.url)
            assert (response.status_code, body) == (200, b"sound")


@pytest.mark.parametrize(
    "said",
    [
        answer("Content-Length: 5", "Content-Length: 6", body=b"sound!"),
        answer("Content-Length: 6", "Content-Length: 5", body=b"sound!"),
        answer("Content-Length: 5, 6", body=b"sound!"),
        answer("no colon", "Content-Length: 5, 6", body=b"sound!"),
        answer("no colon", "Content-Length: five"),
        answer("no colon", "Content-Length: 5", "Transfer-Encoding: chunked"),
    ],
)
async def test_lengths_that_differ_are_refused(transport: GuardedTransport, said: bytes) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(said)
        asked.hang_up()

    async with serving(route) as fake:
        with pytest.raises(httpx.RemoteProtocolError):
            await fetch(transport, fake.url)
