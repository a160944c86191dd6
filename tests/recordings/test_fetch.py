"""One recording on its way home, from sources that misbehave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from archiver.archive.pace import STALL_SECONDS
from archiver.errors import FetchError
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.models import Recording
from archiver.reasons import Reason
from archiver.recordings.fetch import Fetched, Fetcher
from archiver.recordings.spool import Spool
from archiver.sandbox.audio import Audio, wav
from archiver.sandbox.faults import (
    Cut,
    Drip,
    FalseLength,
    Fault,
    Framed,
    Framing,
    Gzip,
    HangUp,
    Headers,
    IgnoresRange,
    OtherFile,
    Redirect,
    RedirectChain,
    Route,
    Silence,
    Stall,
    Status,
    WrongStart,
    changes_between_ranges,
    html,
    no_validator,
)
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from archiver.secrets import Secret
from archiver.tasks.retry import RetryPolicy

pytestmark = pytest.mark.anyio

AUDIO = wav(400_000)  # 25 s


@dataclass
class Source:
    """A sandbox with one recording, number 11, and a fetcher that talks to it."""

    sandbox: Sandbox
    fetcher: Fetcher
    folder: Path
    waits: list[float] = field(default_factory=list)

    async def fetch(self, in_memory: int = 10_000, **changes: object) -> tuple[Fetched, bytes]:
        told = Recording(
            11, duration_seconds=round(AUDIO.seconds), file_url=f"{self.sandbox.url}/files/11.wav"
        )
        recording = replace(told, **changes)

        async with Spool(self.folder, in_memory).part() as part:
            fetched = await self.fetcher.fetch(recording, part)
            body = fetched.body.source
            return fetched, body if isinstance(body, bytes) else body.read_bytes()

    async def reason(self, **changes: object) -> Reason:
        with pytest.raises(FetchError) as caught:
            await self.fetch(10_000, **changes)
        assert list(self.folder.iterdir()) == []
        return caught.value.reason

    @property
    def ranges(self) -> list[str | None]:
        return [one.range for one in self.sandbox.requests if one.route is Route.FILE]


@asynccontextmanager
async def source(
    folder: Path,
    *faults: Fault,
    audio: Audio = AUDIO,
    allow: tuple[str, ...] = (),
    most: int = 10**9,
    stall: float = STALL_SECONDS,
) -> AsyncIterator[Source]:
    world = World().call(1, talk=25).recording(11, audio=audio)
    async with Sandbox(world, faults=faults) as sandbox:
        other_port = httpx.URL(sandbox.other).port
        policy = OriginPolicy(sandbox.url, [one.format(other_port=other_port) for one in allow])
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async with GuardedTransport(policy) as transport:
            fetcher = Fetcher(
                transport,
                policy,
                api_url=sandbox.url,
                api_key=Secret(sandbox.key),
                max_bytes=most,
                retry=RetryPolicy(attempts=3),
                stall=stall,
                sleep=sleep,
            )
            yield Source(sandbox, fetcher, folder, waits)


def on_file(*effects: object, times: int | None = None) -> list[Fault]:
    return [Fault(Route.FILE, effect, id=11, times=times) for effect in effects]  # type: ignore[arg-type]


async def test_a_healthy_recording_arrives_bit_by_bit_the_same(tmp_path: Path) -> None:
    async with source(tmp_path) as one:
        fetched, body = await one.fetch()
    assert body == AUDIO.data
    assert (fetched.body.size, fetched.format.extension) == (len(AUDIO.data), "wav")
    assert fetched.findings == ()
    assert list(tmp_path.iterdir()) == []


async def test_a_small_recording_never_touches_the_disk(tmp_path: Path) -> None:
    async with source(tmp_path) as one:
        fetched, body = await one.fetch(in_memory=10**6)
    assert isinstance(fetched.body.source, bytes)
    assert body == AUDIO.data


@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CHUNKED])
async def test_a_cut_body_is_fetched_until_it_is_whole(tmp_path: Path, framing: Framing) -> None:
    async with source(tmp_path, *on_file(Cut(150_000, framing), times=1)) as one:
        fetched, body = await one.fetch()
        assert body == AUDIO.data
    assert fetched.findings == ()
    assert len(one.waits) == 1


async def test_a_cut_body_goes_on_where_it_stopped_when_that_is_provably_the_same(
    tmp_path: Path,
) -> None:
    async with source(tmp_path, *on_file(Cut(150_000), times=1)) as one:
        _, body = await one.fetch()
        assert one.ranges == [None, "bytes=150000-"]
    assert body == AUDIO.data


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(Route.FILE, no_validator()), *on_file(Cut(150_000), times=1)],
        [Fault(Route.FILE, IgnoresRange()), *on_file(Cut(150_000), times=1)],
        [Fault(Route.FILE, Headers({"ETag": 'W/"weak"'})), *on_file(Cut(150_000), times=1)],
    ],
    ids=["no validator", "range ignored", "weak validator"],
)
async def test_a_cut_body_starts_over_when_nothing_proves_the_rest(
    tmp_path: Path, faults: list[Fault]
) -> None:
    async with source(tmp_path, *faults) as one:
        _, body = await one.fetch()
    assert body == AUDIO.data


async def test_a_206_that_starts_elsewhere_is_not_believed(tmp_path: Path) -> None:
    faults = [*on_file(Cut(150_000), times=1), Fault(Route.FILE, WrongStart(7), after=1, times=1)]
    async with source(tmp_path, *faults) as one:
        _, body = await one.fetch()
    assert body == AUDIO.data


async def test_a_file_that_changes_between_two_ranges_is_fetched_anew(tmp_path: Path) -> None:
    other = wav(400_000, stamp=7)
    faults = [*on_file(Cut(150_000), times=1), *changes_between_ranges(11, OtherFile(other))]
    async with source(tmp_path, *faults) as one:
        _, body = await one.fetch()
    assert body == other.data


async def test_a_body_that_stays_cut_fails_and_leaves_nothing(tmp_path: Path) -> None:
    async with source(tmp_path, *on_file(Cut(1000), no_validator())) as one:
        assert await one.reason() is Reason.CUT_SHORT
        assert len(one.waits) == 2


async def test_a_false_length_is_a_cut_body(tmp_path: Path) -> None:
    async with source(tmp_path, *on_file(FalseLength(500))) as one:
        assert await one.reason() is Reason.CUT_SHORT


async def test_a_body_without_proof_of_length_is_kept_when_its_audio_is_long_enough(
    tmp_path: Path,
) -> None:
    async with source(tmp_path, *on_file(Framed(Framing.CLOSE))) as one:
        fetched, body = await one.fetch()
        assert len(one.ranges) == 1
    assert (body, fetched.findings) == (AUDIO.data, ())


async def test_a_cut_that_nobody_announced_is_seen_by_the_audio_and_fetched_again(
    tmp_path: Path,
) -> None:
    faults = [*on_file(Cut(100_000, Framing.CLOSE), times=1), *on_file(Framed(Framing.CLOSE))]
    async with source(tmp_path, *faults) as one:
        fetched, body = await one.fetch()
        assert len(one.ranges) == 2
    assert (body, fetched.findings) == (AUDIO.data, ())


async def test_short_audio_of_unproved_length_is_kept_with_findings_when_two_fetches_agree(
    tmp_path: Path,
) -> None:
    async with source(tmp_path, *on_file(Framed(Framing.CLOSE))) as one:
        fetched, body = await one.fetch(duration_seconds=300)
        assert len(one.ranges) == 2
    assert body == AUDIO.data
    assert fetched.findings == ("duration-mismatch", "length-unproved")


async def test_bodies_of_unproved_length_that_never_agree_are_refused(tmp_path: Path) -> None:
    faults = [
        Fault(Route.FILE, Cut(20_000 + 1000 * n, Framing.CLOSE), id=11, after=n, times=1)
        for n in range(20)
    ]
    async with source(tmp_path, *faults) as one:
        assert await one.reason() is Reason.UNSTABLE


@pytest.mark.parametrize("effect", [Stall(5000), Silence()], ids=["mid-body", "no answer"])
async def test_a_source_that_stops_sending_is_given_up_and_tried_again(
    tmp_path: Path, effect: object
) -> None:
    async with source(tmp_path, *on_file(effect, times=1), stall=0.15) as one:
        _, body = await one.fetch()
    assert body == AUDIO.data


async def test_a_source_that_only_trickles_is_a_stalled_one(tmp_path: Path) -> None:
    async with source(tmp_path, *on_file(Drip(100, 0.02), no_validator()), stall=0.2) as one:
        assert await one.reason() is Reason.STALLED


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_refused_address_may_have_expired_and_is_not_tried_again(
    tmp_path: Path, status: int
) -> None:
    async with source(tmp_path, *on_file(Status(status), times=1)) as one:
        assert (await one.reason()).may_be_expired
        assert one.waits == []


@pytest.mark.parametrize(
    ("effect", "reason", "fetches"),
    [
        (Status(404), Reason.SOURCE_MISSING, 1),
        (Status(410), Reason.SOURCE_MISSING, 1),
        (Status(403), Reason.SOURCE_FORBIDDEN, 1),
        (Status(500), Reason.SOURCE_ERROR, 3),
        (Status(202), Reason.SOURCE_ERROR, 3),
        (html(200), Reason.NOT_AUDIO, 1),
        (HangUp(), Reason.UNREACHABLE, 3),
        (Gzip(), Reason.ENCODED, 1),
        (Redirect("{origin}{path}"), Reason.TOO_MANY_REDIRECTS, 6),
    ],
)
async def test_a_source_that_stays_wrong_fails_with_its_reason(
    tmp_path: Path, effect: object, reason: Reason, fetches: int
) -> None:
    async with source(tmp_path, *on_file(effect)) as one:
        assert await one.reason() is reason
        assert len(one.ranges) == fetches


async def test_an_empty_body_is_refused(tmp_path: Path) -> None:
    async with source(tmp_path, audio=Audio(b"", "audio/mpeg", "mp3", 0)) as one:
        assert await one.reason() is Reason.EMPTY


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_source_that_names_a_wait_is_obeyed(tmp_path: Path, as_date: bool) -> None:
    slow = Status(429, retry_after=9, as_date=as_date)
    async with source(tmp_path, *on_file(slow, times=1)) as one:
        await one.fetch()
    assert [round(wait) for wait in one.waits] in ([9], [8])


async def test_a_recording_larger_than_allowed_is_refused_before_and_while_it_arrives(
    tmp_path: Path,
) -> None:
    async with source(tmp_path, most=100_000) as one:
        assert await one.reason() is Reason.TOO_LARGE
    async with source(tmp_path, *on_file(Framed(Framing.CHUNKED)), most=100_000) as one:
        assert await one.reason() is Reason.TOO_LARGE


async def test_a_relative_address_is_one_of_the_api(tmp_path: Path) -> None:
    async with source(tmp_path) as one:
        _, body = await one.fetch(file_url="/files/11.wav")
    assert body == AUDIO.data


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", Reason.ADDRESS_INVALID),
        ("data:audio/wav;base64,AAAA", Reason.ADDRESS_INVALID),
        ("ftp://example.com/1.mp3", Reason.ADDRESS_INVALID),
        ("http://example.com/1.mp3", Reason.ORIGIN_NOT_ALLOWED),
        ("https://10.0.0.1/1.mp3", Reason.ADDRESS_NOT_PUBLIC),
        ("https://[::1]/1.mp3", Reason.ADDRESS_NOT_PUBLIC),
        ("https://localhost/1.mp3", Reason.ADDRESS_NOT_PUBLIC),
        ("https://2130706433/1.mp3", Reason.ADDRESS_INVALID),
        ("https://", Reason.ADDRESS_INVALID),
        (None, Reason.NO_ADDRESS),
    ],
)
async def test_an_address_that_leads_elsewhere_is_never_asked(
    tmp_path: Path, address: str | None, reason: Reason
) -> None:
    async with source(tmp_path) as one:
        assert await one.reason(file_url=address) is reason
        assert one.sandbox.count() == 0


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file:///etc/passwd", Reason.ADDRESS_INVALID),
        ("http://10.0.0.1{path}", Reason.ADDRESS_NOT_PUBLIC),
        ("https://169.254.169.254/latest", Reason.ADDRESS_NOT_PUBLIC),
    ],
)
async def test_a_redirect_is_held_to_the_same_policy(
    tmp_path: Path, target: str, reason: Reason
) -> None:
    async with source(tmp_path, *on_file(Redirect(target))) as one:
        assert await one.reason() is reason


async def test_a_redirect_to_an_origin_that_is_not_named_is_refused(tmp_path: Path) -> None:
    allow = ("https://files.example.com",)
    async with source(tmp_path, *on_file(Redirect("{other}{path}")), allow=allow) as one:
        assert await one.reason() is Reason.ORIGIN_NOT_ALLOWED
        assert not any(seen.at_other for seen in one.sandbox.requests)


async def test_redirects_are_followed_and_the_key_stays_with_the_api(tmp_path: Path) -> None:
    anywhere_here = ("http://127.0.0.1:{other_port}",)
    chain = Fault(Route.FILE, RedirectChain(3, alternate=True), id=11)
    async with source(tmp_path, chain, allow=anywhere_here) as one:
        _, body = await one.fetch()
        sent = {(seen.at_other, seen.key_sent) for seen in one.sandbox.requests}
    assert body == AUDIO.data
    assert sent == {(True, False), (False, True)}
