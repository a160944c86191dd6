"""Where a recording may come from, and who is told the key."""

from pathlib import Path
from typing import Any

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import (
    Fault,
    NeedsKey,
    Redirect,
    RedirectChain,
)
from archiver.sandbox.world import World
from tests.support.world import Night, bench, reasons, told

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("crew")]

AUDIO = wav(40_000)
OTHER = wav(40_000, 7)


def world_at(address: str, **others: Any) -> World:
    return World().call(1).recording(11, file_url=address, audio=AUDIO, **others)


@pytest.mark.parametrize(
    "address",
    [
        "{path}",
        "files/11.wav",
        "/files/11/a b é ж %20.wav?x=1&x=2#part",
        "  {origin}{path}\n",
        "{origin}/files/11/%D0%B6%2F..%2F.wav",
        "{origin}{path}?sig=a%2Bb/c==;d",
    ],
)
async def test_odd_addresses_of_the_api_itself_are_understood(tmp_path: Path, address: str) -> None:
    async with bench(tmp_path, world_at(address), Fault(Route.FILE, NeedsKey())) as night:
        assert (await night.run()).exit_code == 0
        night.check_archive()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "address-invalid"),
        ("data:audio/wav;base64,UklGRg==", "address-invalid"),
        ("javascript:alert(1)", "address-invalid"),
        ("ftp://example.com/a.wav", "address-invalid"),
        ("https://", "address-invalid"),
        ("https://[::1", "address-invalid"),
        ("https://exa mple.com/a", "address-invalid"),
        ("https://a\ud800b.com/", "address-invalid"),
        ("https://h/" + "a" * 70_000, "address-invalid"),
        ("http://example.com/a.wav", "origin-not-allowed"),
        ("{other}{path}", "address-not-public"),
        ("https://127.0.0.1/a", "address-not-public"),
        ("https://10.1.2.3/a", "address-not-public"),
        ("https://169.254.169.254/latest/meta-data", "address-not-public"),
        ("https://[::ffff:192.168.0.1]/", "address-not-public"),
        ("https://[fd00::1]/a", "address-not-public"),
        ("https://localhost/a.wav", "address-not-public"),
        ("//192.168.1.1/a.wav", "address-not-public"),
    ],
)
async def test_an_address_that_may_not_be_fetched_is_refused_and_named(
    tmp_path: Path, address: str, reason: str
) -> None:
    async with bench(tmp_path, world_at(address)) as night:
        report = await night.run()
        assert report.exit_code == 3
        (problem,) = report.as_json()["problems"]
        assert problem["reason"] == reason
        assert problem["retryable"] is False
        assert night.sandbox.count(Route.FILE) == 0
        assert night.archive.recordings() == {}


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "{other}{path}", "https://127.0.0.1/x", "data:,x", "http://[::1]/", ""],
)
async def test_a_redirect_to_where_nothing_may_come_from_is_refused(
    tmp_path: Path, target: str
) -> None:
    redirect = Fault(Route.FILE, Redirect(target or "https://10.0.0.1/"))
    async with bench(tmp_path, world_at("{path}"), redirect) as night:
        report = await night.run()
        assert reasons(report)[11] in (
            "address-invalid",
            "address-not-public",
            "origin-not-allowed",
        )
        assert {one.at_other for one in night.sandbox.requests} == {False}


async def test_another_origin_that_is_allowed_never_sees_the_key(tmp_path: Path) -> None:
    async with bench(
        tmp_path,
        world_at("{path}", summary=None).recording(12, file_url="{other}{path}"),
        Fault(Route.FILE, RedirectChain(3, alternate=True), id=11),
    ) as night:
        night.settings["download"] = {"allow_origins": [night.sandbox.other]}
        assert (await night.run()).exit_code == 0
        night.check_archive()
        seen = [(one.at_other, one.key_sent) for one in night.sandbox.requests]
        assert (True, False) in seen and (False, True) in seen
        assert (True, True) not in seen


@pytest.mark.parametrize("hops", [5, 6])
async def test_a_few_redirects_are_followed_and_an_endless_chain_is_not(
    tmp_path: Path, hops: int
) -> None:
    async with bench(tmp_path, world_at("{path}"), Fault(Route.FILE, RedirectChain(hops))) as night:
        assert (await night.run()).exit_code == (0 if hops == 5 else 3)


async def test_addresses_in_the_sidecar_keep_no_secret(tmp_path: Path) -> None:
    async def kept(night: Night) -> str:
        assert (await night.run()).exit_code == 0
        return str(night.archive.sidecar(11)["record"]["fileUrl"])

    address = "http://user:CANARY@{host}{path}?sig=CANARY#CANARY"
    async with bench(tmp_path, world_at("{origin}{path}")) as night:
        host = night.sandbox.url.removeprefix("http://")
        night.world.change_recording(11, file_url=address.replace("{host}", host))
        assert await kept(night) == f"{night.sandbox.url}/files/11.wav"
        assert told(await night.run(recheck=True)) == {"archived": 1}
