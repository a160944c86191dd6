"""Sources that answer oddly: the recording comes where nothing is in doubt, and the reason is true
where something is."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from archiver.archive.pace import STALL_SECONDS
from archiver.errors import FetchError
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.models import Recording
from archiver.reasons import Reason
from archiver.recordings.audio import identify
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
from archiver.sandbox.audio import wav
from archiver.secrets import Secret
from archiver.tasks.retry import RetryPolicy
from tests.liner.fake import Asked, Route, serving

pytestmark = pytest.mark.anyio

SOUND = wav(8044).data

Fetch = Callable[[str], Awaitable[bytes]]


@asynccontextmanager
async def fetching(folder: Path, api: str, *allow: str) -> AsyncIterator[Fetch]:
    """Fetches an address, for an API at `api`."""
    policy = OriginPolicy(api, allow)

    async def no_wait(seconds: float) -> None:
        await anyio.lowlevel.checkpoint()

    async with GuardedTransport(policy) as transport:
        fetcher = Fetcher(
            transport,
            policy,
            api_url=api,
            api_key=Secret("the key of the API"),
            max_bytes=10**6,
            retry=RetryPolicy(attempts=2),
            stall=STALL_SECONDS,
            sleep=no_wait,
        )

        async def fetch(url: str) -> bytes:
            recording = Recording(11, duration_seconds=1, file_url=url)

            async with Spool(folder, 10**6).part() as part:
                body = (await fetcher.fetch(recording, part)).body.source
                assert isinstance(body, bytes)
                return body

        yield fetch


async def fetched(folder: Path, route: Route) -> bytes:
    async with serving(route) as fake, fetching(folder, fake.url) as fetch:
        return await fetch(f"{fake.url}/11.wav")


def replying(body: bytes, *headers: tuple[str, str]) -> Route:
    async def route(asked: Asked) -> None:
        await asked.reply(body, headers=headers)

    return route


@pytest.mark.parametrize(
    "coding",
    ["identity", "aws-chunked", "utf-8", "UTF-8", "iso-8859-1", "none", "binary", "", "8bit",
     "aws-chunked, identity"],
)  # fmt: skip
async def test_a_content_encoding_that_codes_nothing_leaves_the_bytes(
    tmp_path: Path, coding: str
) -> None:
    assert await fetched(tmp_path, replying(SOUND, ("Content-Encoding", coding))) == SOUND


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "BR", "zstd", "deflate", "utf-8, gzip"])
async def test_a_content_encoding_that_codes_is_refused(tmp_path: Path, coding: str) -> None:
    with pytest.raises(FetchError) as caught:
        await fetched(tmp_path, replying(gzip.compress(SOUND), ("Content-Encoding", coding)))
    assert caught.value.reason is Reason.ENCODED


async def test_what_is_not_http_is_called_so(tmp_path: Path) -> None:
    async def route(asked: Asked) -> None:
        await asked.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        asked.hang_up()

    with pytest.raises(FetchError, match="the response is not HTTP") as caught:
        await fetched(tmp_path, route)
    assert caught.value.reason is Reason.NOT_HTTP


async def test_more_than_was_announced_is_called_more(tmp_path: Path) -> None:
    async def route(asked: Asked) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(SOUND) - 9}\r\n\r\n"
        await asked.say(head.encode() + SOUND)
        asked.hang_up()

    with pytest.raises(FetchError, match="more bytes than") as caught:
        await fetched(tmp_path, route)
    assert caught.value.reason is Reason.TOO_MUCH


def asking_cookies_back(where: str = "/gate") -> Route:
    """Sets cookies with a redirect, and serves whoever brings them."""

    async def route(asked: Asked) -> None:
        if asked.header("cookie") == "seen=a%20b; token=1=2":
            await asked.reply(SOUND)
            return
        cookies = (
            ("Set-Cookie", "seen=a%20b; Path=/; HttpOnly"),
            ("Set-Cookie", "token=1=2; Domain=example.com"),
            ("Set-Cookie", "bad\tname=x"),
            ("Set-Cookie", "bad=v\x01alue"),
        )
        await asked.reply(b"", 302, (("Location", where), *cookies))

    return route


async def test_a_cookie_goes_back_within_one_chain_of_redirects_and_ends_with_it(
    tmp_path: Path,
) -> None:
    async with serving(asking_cookies_back()) as fake, fetching(tmp_path, fake.url) as fetch:
        for _ in range(2):
            assert await fetch(f"{fake.url}/11.wav") == SOUND
        assert [asked.header("cookie") is None for asked in fake.asked] == [True, False] * 2


async def test_a_cookie_goes_to_no_other_host(tmp_path: Path) -> None:
    async with (
        serving(replying(SOUND)) as other,
        serving(asking_cookies_back(f"{other.url}/11.wav")) as fake,
        fetching(tmp_path, fake.url, other.url) as fetch,
    ):
        assert await fetch(f"{fake.url}/11.wav") == SOUND
        assert other.asked[0].header("cookie") is None


LOUD = bytes((at * 37 + at // 7) % 256 for at in range(1024))
SOUNDS = {
    "loud": LOUD,
    "quiet A-law": bytes((0x55, 0xD5, 0x54, 0xD4, 0x57, 0xD6)) * 170,
    "quiet mu-law": bytes((0xFF, 0x7F, 0xFE, 0x7E, 0xFD, 0x21)) * 170,
    "silence of 16 bits": bytes(1024),
    "quiet 16 bits": bytes((0, 0, 1, 0, 0xFF, 0xFF, 2, 0)) * 128,
}


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8", "text/html"])
@pytest.mark.parametrize("sound", SOUNDS)
def test_sound_under_a_text_type_whose_bytes_are_no_text_is_sound(sound: str, kind: str) -> None:
    found = identify(SOUNDS[sound], kind, "/11.alaw")
    assert (found.extension, found.content_type) == ("alaw", "application/octet-stream")


@pytest.mark.parametrize(
    "page",
    [
        "Ссылка устарела".encode("cp1251"),
        "<html>Lien périmé</html>".encode("latin-1"),
        "<html>устарела</html>".encode("utf-16"),
        "期限切れ".encode("shift_jis"),
        "期限切れのリンクです。もう一度お試しください".encode("shift_jis") * 12,
        b"<html>\xd1\xf1\xfb\xeb\xea\xe0</html>" * 30,
    ],
)
def test_a_page_in_any_charset_stays_a_page(page: bytes) -> None:
    with pytest.raises(FetchError) as caught:
        identify(page, "text/html; charset=whatever", "/11.wav")
    assert caught.value.reason is Reason.NOT_AUDIO
