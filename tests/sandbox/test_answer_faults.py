"""Faults of answers play as announced, down to the last byte of the socket."""

import gzip
import json
from email.utils import parsedate_to_datetime

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.cues import Answering
from archiver.sandbox.faults import (
    API,
    Body,
    Cut,
    CutJson,
    Delay,
    Drip,
    FalseLength,
    Fault,
    Framed,
    Framing,
    Gzip,
    HangUp,
    Headers,
    HugeJson,
    NotSuccess,
    OtherFile,
    Redirect,
    RedirectChain,
    Route,
    Silence,
    Stall,
    Status,
    changes_between_ranges,
    html,
    no_validator,
    strict_slash,
)
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from tests.sandbox.client import Seen, get

pytestmark = pytest.mark.anyio

AUDIO = wav(300_000, 7)
FILE = "/files/11.wav"
MOMENT = 0.1


def one_call() -> World:
    return World().call(1).recording(11, audio=AUDIO)


async def seen_with(effect: Answering, path: str = FILE, patience: float = 5.0) -> Seen:
    async with Sandbox(one_call(), faults=[Fault(None, effect)]) as sandbox:
        return await get(sandbox, path, patience=patience)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 414, 422, 429, 500, 503])
async def test_a_status_comes_in_the_envelope(status: int) -> None:
    seen = await seen_with(Status(status), "/v2/order/")
    assert seen.status == status
    assert json.loads(seen.body)["success"] is False
    assert "retry-after" not in seen.headers


async def test_a_wait_is_named_in_seconds_or_as_a_date() -> None:
    seconds = await seen_with(Status(429, retry_after=7), "/v2/order/")
    assert seconds.headers["retry-after"] == "7"
    date = await seen_with(Status(503, retry_after=60, as_date=True), "/v2/order/")
    wait = parsedate_to_datetime(date.headers["retry-after"]) - parsedate_to_datetime(
        date.headers["date"]
    )
    assert 59 <= wait.total_seconds() <= 61


async def test_no_success_comes_under_200() -> None:
    seen = await seen_with(NotSuccess("Later."), "/v2/order/")
    assert (seen.status, json.loads(seen.body)["message"]) == (200, "Later.")


async def test_a_page_of_html_comes_under_any_status() -> None:
    for status in (200, 502):
        seen = await seen_with(html(status))
        assert (seen.status, seen.body[:9]) == (status, b"<!DOCTYPE")
        assert seen.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("content", [b"", b"{", b'{"success":true}', b"[]"])
async def test_any_body_may_take_the_place_of_the_true_one(content: bytes) -> None:
    seen = await seen_with(Body(content))
    assert (seen.status, seen.body) == (200, content)
    assert seen.headers["content-length"] == str(len(content))


async def test_json_is_cut_in_a_message_that_is_whole() -> None:
    seen = await seen_with(CutJson(5), "/v2/order/")
    assert seen.headers["content-length"] == str(len(seen.body))
    with pytest.raises(json.JSONDecodeError):
        json.loads(seen.body)


async def test_a_huge_answer_is_valid_json_of_that_size() -> None:
    seen = await seen_with(HugeJson(1_000_000), "/v2/order/")
    chunks = unchunked(seen.body)
    assert 900_000 < len(chunks) < 1_100_000
    assert json.loads(chunks)["data"]["total"] == 1


def unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            assert rest == b"\r\n"
            return whole
        whole, body = whole + rest[:length], rest[length + 2 :]
    raise AssertionError("the last chunk is missing")


async def test_headers_are_changed_or_taken_away() -> None:
    seen = await seen_with(Headers({"content-type": "text/plain", "Date": "yesterday"}))
    assert (seen.headers["content-type"], seen.headers["date"]) == ("text/plain", "yesterday")
    assert seen.body == AUDIO.data
    bare = await seen_with(no_validator())
    assert not {"etag", "last-modified"} & set(bare.headers)


async def test_a_whole_body_may_come_without_length_or_in_chunks() -> None:
    closed = await seen_with(Framed(Framing.CLOSE))
    assert not {"content-length", "transfer-encoding"} & set(closed.headers)
    assert closed.body == AUDIO.data
    chunked = await seen_with(Framed(Framing.CHUNKED))
    assert chunked.headers["transfer-encoding"] == "chunked"
    assert unchunked(chunked.body) == AUDIO.data


async def test_a_cut_under_a_length_can_be_seen() -> None:
    seen = await seen_with(Cut(1000))
    assert (seen.headers["content-length"], seen.body) == ("300000", AUDIO.data[:1000])


async def test_a_cut_without_a_length_cannot() -> None:
    seen = await seen_with(Cut(1000, Framing.CLOSE))
    assert "content-length" not in seen.headers
    assert seen.body == AUDIO.data[:1000]


async def test_a_cut_in_chunks_lacks_the_last_chunk() -> None:
    seen = await seen_with(Cut(1000, Framing.CHUNKED))
    assert seen.body == b"3e8\r\n" + AUDIO.data[:1000] + b"\r\n"


async def test_a_connection_closes_or_is_reset() -> None:
    closed, reset = await seen_with(HangUp()), await seen_with(HangUp(reset=True))
    assert (closed.status, closed.was_reset) == (0, False)
    assert (reset.status, reset.was_reset) == (0, True)
    assert (await seen_with(Cut(1000, reset=True))).was_reset


async def test_a_body_stalls_and_the_connection_stays_open() -> None:
    seen = await seen_with(Stall(1000), patience=MOMENT)
    assert (seen.stalled, seen.body) == (True, AUDIO.data[:1000])


async def test_there_is_no_answer_at_all() -> None:
    seen = await seen_with(Silence(), patience=MOMENT)
    assert (seen.stalled, seen.status) == (True, 0)


async def test_a_body_drips_and_an_answer_is_late() -> None:
    assert (await seen_with(Drip(100_000, 0.001))).body == AUDIO.data
    begun = await seen_with(Drip(1000, 60), patience=MOMENT)
    assert (begun.stalled, begun.body) == (True, AUDIO.data[:1000])
    assert (await seen_with(Delay(60), patience=MOMENT)).status == 0
    assert (await seen_with(Delay(0.001))).body == AUDIO.data


@pytest.mark.parametrize("by", [10, -10])
async def test_a_length_is_false(by: int) -> None:
    seen = await seen_with(FalseLength(by))
    assert seen.headers["content-length"] == str(300_000 + by)
    assert seen.body == AUDIO.data


async def test_a_body_is_compressed_unasked() -> None:
    seen = await seen_with(Gzip())
    assert seen.headers["content-encoding"] == "gzip"
    assert seen.headers["content-length"] == str(len(seen.body))
    assert gzip.decompress(seen.body) == AUDIO.data


@pytest.mark.parametrize(
    ("template", "location"),
    [
        ("http://10.0.0.1{path}", "http://10.0.0.1/files/11.wav"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("/files/{id}.wav?again", "/files/11.wav?again"),
    ],
)
async def test_an_answer_is_elsewhere(template: str, location: str) -> None:
    seen = await seen_with(Redirect(template, 307))
    assert (seen.status, seen.headers["location"]) == (307, location)


async def test_a_chain_of_redirects_ends_in_the_file() -> None:
    chain = Fault(Route.FILE, RedirectChain(2, alternate=True))
    async with Sandbox(one_call(), faults=[chain]) as sandbox:
        first = (await get(sandbox, FILE + "?a=b")).headers["location"]
        second = (await get(sandbox, first)).headers["location"]
        assert first == f"{sandbox.other}{FILE}?a=b&hop=1"
        assert second == f"{sandbox.url}{FILE}?a=b&hop=2"
        assert (await get(sandbox, second)).body == AUDIO.data


async def test_a_detail_without_slash_is_redirected() -> None:
    async with Sandbox(one_call(), faults=[strict_slash(Route.CALL)]) as sandbox:
        seen = await get(sandbox, "/v2/call/detail/1")
        assert seen.headers["location"] == f"{sandbox.url}/v2/call/detail/1/"
        assert (await get(sandbox, seen.headers["location"])).status == 200


async def test_a_file_changes_between_two_ranges() -> None:
    other = OtherFile(wav(200_000, 8))
    async with Sandbox(one_call(), faults=[changes_between_ranges(11, other)]) as sandbox:
        cut = await get(sandbox, FILE)
        rest = {"Range": "bytes=1000-", "If-Range": cut.headers["etag"]}
        whole = await get(sandbox, FILE, headers=rest)
        assert (len(cut.body), cut.headers["content-length"]) == (1000, "300000")
        assert (whole.status, whole.body) == (200, other.audio.data)
        assert (await get(sandbox, FILE, headers={"Range": "bytes=1000-"})).status == 206


async def test_faults_keep_to_their_cue_and_add_up() -> None:
    faults = [
        Fault(API, Status(500), after=1, times=2),
        Fault(Route.FILE, Cut(10), id=11, times=1),
        Fault(Route.FILE, Gzip(), id=99),
        Fault(Route.FILE, Headers({"ETag": None}), where=lambda request: request.path == FILE),
    ]
    async with Sandbox(one_call(), faults=faults) as sandbox:
        statuses = [(await get(sandbox, "/v2/order/")).status for _ in range(4)]
        assert statuses == [200, 500, 500, 200]
        first, second = await get(sandbox, FILE), await get(sandbox, FILE)
        assert (len(first.body), len(second.body)) == (10, 300_000)
        assert "etag" not in first.headers
        assert "etag" in (await get(sandbox, "/files/11.mp3")).headers
        sandbox.faults.add(Fault(None, Status(418)))
        assert (await get(sandbox, FILE)).status == 418
        sandbox.faults.clear()
        assert (await get(sandbox, FILE)).headers["etag"] == AUDIO.tag
