"""What is served behind an address: proved, healed, or refused, and never half archived."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from archiver.archive.pace import Pace
from archiver.sandbox.audio import Audio, wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import (
    Body,
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
    Silence,
    Stall,
    Status,
    WrongStart,
    changes_between_ranges,
    html,
    no_validator,
)
from archiver.sandbox.world import World
from tests.run.test_addresses import AUDIO, OTHER, world_at
from tests.support.world import QUICK, bench, reasons

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("local_crew")]


def stalls_after(seconds: float) -> Pace:
    return replace(QUICK, stall=seconds)


WRONG: list[tuple[str, Any, set[str]]] = [
    ("html", html(), {"not-audio"}),
    ("json", Body(b'{"success":false,"message":"gone"}', "audio/wav"), {"not-audio"}),
    ("empty", Body(b"", "audio/wav"), {"empty"}),
    ("text", Body(b"Not found\n", "audio/mpeg"), {"not-audio"}),
    ("picture", Body(b"\x89PNG\r\n\x1a\n" + bytes(99), "audio/wav"), {"not-audio"}),
    ("gzip", Gzip(), {"encoded", "not-audio"}),
    ("cut", Cut(20_000), {"cut-short"}),
    ("cut chunked", Cut(20_000, Framing.CHUNKED), {"cut-short"}),
    ("reset", Cut(20_000, reset=True), {"cut-short"}),
    ("too long", FalseLength(5), {"cut-short"}),
    ("hang up", HangUp(), {"unreachable"}),
    ("stall", Stall(9000), {"stalled"}),
    ("stall chunked", Stall(9000, Framing.CHUNKED), {"stalled"}),
    ("drip", Drip(1, 0.02), {"stalled"}),
    ("silence", Silence(), {"stalled"}),
    ("no content", Status(204), {"source-error", "unreachable"}),
    ("partial", Status(206), {"cut-short", "source-error", "not-audio"}),
    ("500", Status(500), {"source-error"}),
    ("503", Status(503, retry_after=0), {"source-error"}),
    ("429", Status(429, retry_after=0), {"source-throttled"}),
    ("429 date", Status(429, retry_after=0, as_date=True), {"source-throttled"}),
    ("429 for days", Status(429, retry_after=999_999), {"source-throttled"}),
]


@pytest.mark.parametrize(
    ("effect", "expected"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG]
)
async def test_a_wrong_answer_is_never_archived_and_the_right_one_is_once_it_comes(
    tmp_path: Path, effect: Any, expected: set[str]
) -> None:
    fault = Fault(Route.FILE, effect)
    # Without a validator nothing can be resumed.
    faults = Fault(Route.FILE, no_validator()), fault
    async with bench(tmp_path, world_at("{path}"), faults, pace=stalls_after(0.06)) as night:
        report = await night.run()
        assert reasons(report)[11] in expected
        assert night.archive.recordings() == {}
        night.archive.check()
        night.sandbox.faults.clear()
        assert (await night.run()).exit_code == 0
        night.check_archive()


HEALED: dict[str, Iterable[Fault]] = {
    "cut twice, then resumed": (Fault(Route.FILE, Cut(9000), times=2),),
    "cut, resumed from a wrong byte": (
        Fault(Route.FILE, Cut(9000), times=1),
        Fault(Route.FILE, WrongStart(5), times=1, after=1),
    ),
    "cut, range ignored": (
        Fault(Route.FILE, Cut(9000), times=1),
        Fault(Route.FILE, IgnoresRange()),
    ),
    "cut, no validator": (Fault(Route.FILE, no_validator()), Fault(Route.FILE, Cut(9000), times=1)),
    "weak validator": (
        Fault(Route.FILE, Headers({"ETag": 'W/"x"', "Last-Modified": None})),
        Fault(Route.FILE, Cut(9000), times=1),
    ),
    "stalled once": (Fault(Route.FILE, Stall(20_000), times=1),),
    "throttled once": (Fault(Route.FILE, Status(429, retry_after=0), times=1),),
    "page once": (Fault(Route.FILE, html(), times=1),),
    "chunked": (Fault(Route.FILE, Framed(Framing.CHUNKED)),),
    "until the end": (Fault(Route.FILE, Framed(Framing.CLOSE)),),
    "no type": (Fault(Route.FILE, Headers({"Content-Type": None})),),
    "called a stream": (Fault(Route.FILE, Headers({"Content-Type": "application/octet-stream"})),),
    "called a page": (Fault(Route.FILE, Headers({"Content-Type": "text/html"})),),
    "length unprovable, cut once": (
        Fault(Route.FILE, Framed(Framing.CLOSE)),
        Fault(Route.FILE, Cut(20_000, Framing.CLOSE), times=1),
    ),
    "length unprovable, cut twice unlike": (
        Fault(Route.FILE, Cut(20_000, Framing.CLOSE), times=1),
        Fault(Route.FILE, Cut(10_000, Framing.CLOSE), times=1, after=1),
        Fault(Route.FILE, Framed(Framing.CLOSE), after=2),
    ),
}


@pytest.mark.parametrize("faults", HEALED.values(), ids=HEALED.keys())
async def test_a_passing_fault_costs_no_byte(tmp_path: Path, faults: Iterable[Fault]) -> None:
    async with bench(tmp_path, world_at("{path}"), faults, pace=stalls_after(0.15)) as night:
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_file_that_changes_between_ranges_is_one_of_both_and_no_mixture(
    tmp_path: Path,
) -> None:
    async with bench(
        tmp_path, world_at("{path}"), changes_between_ranges(11, OtherFile(OTHER))
    ) as night:
        assert (await night.run()).exit_code == 0
        night.archive.check()
        assert night.archive.recordings()[11].audio == OTHER.data


async def test_a_length_that_nothing_proves_needs_two_bodies_that_agree(tmp_path: Path) -> None:
    world = world_at("{path}", duration=90)
    async with bench(tmp_path, world, Fault(Route.FILE, Framed(Framing.CLOSE))) as night:
        assert (await night.run()).exit_code == 0
        assert night.files(11) == 2
        findings = night.archive.sidecar(11)["audio"]["findings"]
        assert set(findings) == {"duration-mismatch", "length-unproved"}
        night.check_archive()


async def test_bodies_of_unproved_length_that_never_agree_are_not_believed(tmp_path: Path) -> None:
    faults = [
        Fault(Route.FILE, OtherFile(wav(9000 + count, count)), after=count, times=1)
        for count in range(40)
    ]
    close = Fault(Route.FILE, Framed(Framing.CLOSE))
    async with bench(tmp_path, world_at("{path}", duration=90), faults, close) as night:
        report = await night.run()
        assert reasons(report) == {11: "unstable"}
        assert night.archive.recordings() == {}


async def test_what_looks_odd_is_a_finding_and_changes_no_exit_code(tmp_path: Path) -> None:
    noise = Audio(bytes(range(128, 256)) * 99, "audio/x-unknown", "dat")
    world = World().call(1).recording(11, audio=AUDIO, duration=600)
    world.recording(12, audio=noise, duration=5).recording(13, audio=AUDIO, duration=0)
    async with bench(tmp_path, world) as night:
        assert (await night.run()).exit_code == 0
        found = {n: night.archive.sidecar(n)["audio"]["findings"] for n in (11, 12, 13)}
        assert found[11] == ["duration-mismatch"]
        assert found[12] == ["unreadable"]
        assert found[13] == ["duration-mismatch"]
        night.check_archive()


async def test_a_recording_that_is_too_large_is_refused_and_reported(tmp_path: Path) -> None:
    settings = {"download": {"max_bytes": 39_999}}
    for framing in (Framing.LENGTH, Framing.CHUNKED):
        async with bench(
            tmp_path, world_at("{path}"), Fault(Route.FILE, Framed(framing)), settings=settings
        ) as night:
            report = await night.run()
            assert reasons(report) == {11: "too-large"}
            assert night.archive.recordings() == {}
            night.archive.check()
