"""A response in pieces, of which some are made at the same time."""

from collections.abc import AsyncIterator

import anyio
import pytest
from starlette.types import Message

from archiver.errors import StorageUnreachable
from archiver.web.ahead import MadeAhead, Piece

pytestmark = pytest.mark.anyio


async def nothing() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


def made_of(*works: Piece) -> MadeAhead:
    async def pieces() -> AsyncIterator[Piece]:
        for work in works:
            yield work

    return MadeAhead(pieces(), media_type="text/plain", headers={})


async def test_pieces_are_made_at_the_same_time_and_sent_in_their_order() -> None:
    second_is_made = anyio.Event()
    sent = []

    async def first() -> bytes:
        await second_is_made.wait()  # for ever, if one were made after the other
        return b"first "

    async def second() -> bytes:
        second_is_made.set()
        return b"second "

    async def third() -> bytes:
        return b"third"

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    with anyio.fail_after(30):
        await made_of(first, second, third)({"type": "http"}, nothing, send)
    assert b"".join(sent) == b"first second third"


async def test_what_goes_wrong_with_a_piece_is_raised_as_it_is() -> None:
    sent = []

    async def first() -> bytes:
        return b"first"

    async def second() -> bytes:
        raise StorageUnreachable("the disk is gone")

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(StorageUnreachable), anyio.fail_after(30):
        await made_of(first, second).stream_response(send)
    assert not [one for one in sent if one.get("more_body") is False]
