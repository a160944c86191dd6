"""An answer is read as HTTP means it, however its bytes arrive, and nothing else gets through."""

import asyncio
import tracemalloc

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.http.faults import MoreThanAnnounced
from archiver.http.wire.connection import Answer, Connection, Disconnected

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def received(*parts: bytes, lost: Exception | None = None) -> tuple[int, bytes]:
    """Status and body of what arrives in these parts, before the connection is gone."""
    answer = Answer(Connection(memoryview(bytearray(1))))
    for part in parts:
        answer.feed(memoryview(part))
    answer.end(lost)
    await answer.head()
    body = b""
    while data := await answer.read():
        body += data
    return answer.status, body


def outcome(
    *parts: bytes, lost: Exception | None = None
) -> tuple[int, bytes] | type[httpx.TransportError]:
    """Status and body, or the kind of error."""
    try:
        return asyncio.run(received(*parts, lost=lost))
    except httpx.TransportError as error:
        return type(error)


def is_refused(found: object) -> bool:
    """Whether it is an error of the protocol, of any kind."""
    return isinstance(found, type) and issubclass(found, httpx.RemoteProtocolError)


WHOLE = [
    (HEAD + b"Content-Length: 5\r\n\r\nwhole", b"whole"),
    (HEAD + b"Content-Length: 0\r\n\r\n", b""),
    (CHUNKED + b"3\r\nwho\r\n2;a=b\r\nle\r\n0\r\n\r\n", b"whole"),
    (CHUNKED + b"5\r\nwhole\r\n0\r\nX-Behind: 1\r\n\r\n", b"whole"),
    (HEAD + b"\r\nwhole", b"whole"),
    (b"HTTP/1.0 200\r\n\r\nwhole", b"whole"),
    (HEAD + b"Transfer-Encoding: identity\r\n\r\nwhole", b"whole"),
    (
        b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\nwhole",
        b"whole",
    ),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + HEAD + b"Content-Length: 5\r\n\r\nwhole", b"whole"),
    (HEAD + b"X-Odd: a\x01b\nX-Empty:\nContent-Length: 5\n\nwhole", b"whole"),
    (HEAD + b"Content-Length: 5\r\n\r\nwhole\r\n", b"whole"),
    (HEAD + b"X-Folded: a\r\n b\r\nContent-Length: 5\r\n\r\nwhole", b"whole"),
    (HEAD + b"Connection: close\r\nContent-Length: 5\r\n\r\nwhole\r\n", b"whole"),
    (HEAD + b"Bad Name: a\r\nContent-Length: 5\r\n\r\nwhole", b"whole"),
    (HEAD + b"Content-Length: 5, 5\r\nno colon\r\nContent-Length: 5\r\n\r\nwhole", b"whole"),
    (
        b"HTTP/1.1 103 A B\r\nOdd Name: 1\r\n\r\n"
        + HEAD
        + "Длина: 5\nContent-Length: 5\r\n\r\nwhole".encode(),
        b"whole",
    ),
]


@pytest.mark.parametrize(("said", "body"), WHOLE)
def test_a_whole_answer_is_the_same_in_whatever_parts_it_arrives(said: bytes, body: bytes) -> None:
    assert outcome(said) == (200, body)
    assert outcome(*(said[n : n + 1] for n in range(len(said)))) == (200, body)
    for cut in range(1, len(said)):
        assert outcome(said[:cut], said[cut:]) == (200, body)


@pytest.mark.parametrize(
    "said",
    [said for said, _ in WHOLE if b"Content-Length: 5\r\n\r\nwhole" in said or b"chunked" in said],
)
def test_an_answer_that_names_its_end_is_never_whole_before_it(said: bytes) -> None:
    end = said.index(b"whole") + 5 if b"whole" in said and b"chunked" not in said else len(said)
    assert outcome() is Disconnected
    for cut in range(1, end):
        assert outcome(said[:cut]) is httpx.RemoteProtocolError


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"ICY 200 OK\r\n\r\naudio",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nwhole!",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 5, 6\r\n\r\nwhole!",
        HEAD + b"No colon\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nwhole!",
        HEAD + b"Content-Length: -5\r\n\r\nwhole",
        HEAD + b"Content-Length: 5 5\r\n\r\nwhole",
        HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nwhole",
        CHUNKED + b"zz\r\nwhole\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nwhole\r\n0\r\n\r\n",
        CHUNKED + b"f" * 17 + b"\r\n",
        HEAD + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        HEAD + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" * 3_000,
        CHUNKED + b"5\r\nwhole\r\n0\r\n" + b"X-Behind: y\r\n" * 20_000,
    ],
    ids=lambda said: repr(said[-40:]),
)
def test_what_is_in_doubt_or_without_end_is_a_protocol_error(said: bytes) -> None:
    assert is_refused(outcome(said))
    halves = said[: len(said) // 2], said[len(said) // 2 :]
    assert is_refused(outcome(*halves))


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Content-Length: 5\r\n\r\nwhole and more",
        HEAD + b"Content-Length: 5\r\n\r\nwhole" + HEAD + b"Content-Length: 6\r\n\r\npoison",
        HEAD + b"Connection: close\r\nContent-Length: 5\r\n\r\nwhole and more",
        CHUNKED + b"5\r\nwhole\r\n0\r\n\r\nand more",
        b"HTTP/1.1 204 None\r\n\r\nsomething",
    ],
)
def test_more_than_was_announced_makes_as_bad_an_answer_as_less(said: bytes) -> None:
    assert outcome(said) is MoreThanAnnounced
    assert outcome(*(said[n : n + 1] for n in range(len(said)))) is MoreThanAnnounced


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Content-Length : 5\r\n\r\nhalf",
        HEAD + b"Content-Length:\r\n 5\r\n\r\nhalf",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n5\r\nwhole\r\n",
        HEAD + b"Transfer-Encoding:\r\n CHUNKED \r\n\r\n5\r\nwhole\r\n",
    ],
)
def test_a_framing_that_is_oddly_written_is_heeded_all_the_same(said: bytes) -> None:
    assert outcome(said) is httpx.RemoteProtocolError


def test_the_words_behind_the_status_arrive_in_whatever_parts() -> None:
    async def reason() -> bytes:
        answer = Answer(Connection(memoryview(bytearray(1))))
        for one in b"HTTP/1.1 100 Go On\r\n\r\nHTTP/1.1 404 Not Here\r\n":
            answer.feed(memoryview(bytes([one])))
        return answer.reason

    assert asyncio.run(reason()) == b"Not Here"


def test_a_connection_that_breaks_ends_no_body() -> None:
    reset = ConnectionResetError(104, "Connection reset by peer")
    assert outcome(HEAD + b"\r\nhalf", lost=reset) is httpx.ReadError
    assert outcome(HEAD + b"Content-Length: 9\r\n\r\nhalf", lost=reset) is httpx.ReadError
    assert outcome(HEAD + b"Content-Length: 4\r\n\r\nhalf", lost=reset) == (200, b"half")
    assert outcome(lost=reset) is Disconnected


def test_a_change_of_protocols_is_an_answer_without_a_body() -> None:
    said = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0"
    assert outcome(said) == (101, b"")


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_no_bytes_whatever_bring_anything_but_an_answer_or_an_error_of_httpx(
    parts: list[bytes], begins_well: bool
) -> None:
    found = outcome(HEAD if begins_well else b"", *parts)
    assert isinstance(found, tuple) or issubclass(found, httpx.TransportError)


def test_a_body_in_chunks_of_one_byte_takes_little_memory() -> None:
    async def waiting() -> int:
        connection = Connection(memoryview(bytearray(1)))
        stopped = asyncio.Event()
        connection.receive_no_more = stopped.set  # type: ignore[method-assign]
        answer = Answer(connection)
        answer.feed(memoryview(CHUNKED))
        fed = 0
        while not stopped.is_set():
            answer.feed(memoryview(b"1\r\nx\r\n" * 100))
            fed += 100
        assert await answer.read() == b"x" * fed
        return fed

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        fed = asyncio.run(waiting())
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert fed > 5_000
    assert peak < 2 * 2**20
