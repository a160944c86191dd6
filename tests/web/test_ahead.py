"""A response in pieces: the next one is made while one is sent."""

from collections.abc import AsyncIterator

import anyio
import pytest
from starlette.types import Message

from archiver.errors import StorageUnreachable
from archiver.web.ahead import MadeAhead

pytestmark = pytest.mark.anyio


async def nothing() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


async def test_the_next_piece_is_made_while_one_is_sent_and_pieces_keep_their_order() -> None:
    made, sent = [], []
    second_is_made = anyio.Event()

    async def pieces() -> AsyncIterator[str]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second_is_made.set()
            yield f"{number};"

    async def send(message: Message) -> None:
        if message.get("body") == b"0;":
            await second_is_made.wait()  # for ever, if it were made only afterwards
            assert made == [0, 1]
        sent.append(message.get("body", b""))

    with anyio.fail_after(30):
        await MadeAhead(pieces())({"type": "http"}, nothing, send)
    assert b"".join(sent) == b"0;1;2;3;4;"


async def test_what_goes_wrong_with_a_piece_is_raised_as_it_is() -> None:
    sent = []

    async def pieces() -> AsyncIterator[str]:
        yield "first"
        raise StorageUnreachable("the disk is gone")

    async def send(message: Message) -> None:
        sent.append(message)

    response = MadeAhead(pieces())
    with pytest.raises(StorageUnreachable):
        await response.stream_response(send)
    assert not [one for one in sent if one.get("more_body") is False]
