"""Secrets appear nowhere: not on a terminal, not in an archive, not in a catalog, not in a report.

Each test plants canaries, lets everything go wrong that can, and searches every byte that was left.
"""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from archiver.sandbox.exchange import API, LISTINGS, Route
from archiver.sandbox.faults import (
    Body,
    Cut,
    Fault,
    Fields,
    FileUrl,
    HangUp,
    NotSuccess,
    Redirect,
    RedirectChain,
    Status,
    html,
)
from archiver.sandbox.world import World
from tests.cli.commands import Ended, awaited
from tests.support.command import RECENTLY, Command, command

KEY = "CANARY-api+key/with=odd&signs-0123456789"
SIGNATURE = "CANARYsignature7f3a"
USER = "CANARYuser"
PASSWORD = "CANARYp%40ssword"
AWS_KEY, AWS_SECRET, AWS_TOKEN = "CANARYAKIA0123456789", "CANARY/aws+secret/0123", "CANARYtoken=="
FRAGMENT = "CANARYfragment"

SIGNED = f"?X-Amz-Signature={SIGNATURE}&Expires=1#{FRAGMENT}"

SPELLINGS = {
    spelling
    for secret in (KEY, SIGNATURE, USER, PASSWORD, AWS_KEY, AWS_SECRET, AWS_TOKEN, FRAGMENT)
    for spelling in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
} | {"CANARY"}


def centre() -> World:
    """Recordings whose addresses fail in every way, each with all secrets that it can bear."""
    world = World().user(101).user(102, "Bearer", "Name")
    addresses = [
        "{origin}{path}" + SIGNED,
        "{path}" + SIGNED,
        "{other}{path}" + SIGNED,
        f"https://{USER}:{PASSWORD}@192.168.7.7/a.wav{SIGNED}",
        f"https://{USER}:{PASSWORD}@[::1/a.wav{SIGNED}",
        f"file://{USER}:{PASSWORD}@host/etc/passwd{SIGNED}",
        f"http://{USER}:{PASSWORD}@example.invalid/a b.wav{SIGNED}",
        f"//{USER}:{PASSWORD}@127.0.0.1:9/a.wav{SIGNED}",
        f"data:audio/wav;base64,{SIGNATURE}",
        f"https://exa mple.invalid/{SIGNED}",
        "\x00https://h/" + SIGNED,
    ]
    for number in range(1, 31):
        at = RECENTLY + timedelta(seconds=number)
        world.call(number, at=at).recording(
            100 + number, file_url=addresses[number % len(addresses)]
        )
    for number in range(31, 40):
        at = RECENTLY + timedelta(seconds=number)
        world.call(number, at=at).recording(100 + number, file_url="{origin}{path}" + SIGNED)
    return world


def addresses_elsewhere() -> dict[str, Any]:
    """Addresses in members that the documentation does not know."""
    return {
        "downloadUrl": f"https://{USER}:{PASSWORD}@h.example/a.wav{SIGNED}",
        "withSpace": f"https://{USER}:{PASSWORD}@h.example/a b.wav{SIGNED}",
        "nested": {"fileUrl": f"/files/1.wav{SIGNED}", "list": [f"//h/a{SIGNED}"]},
        "upper": f"HTTPS://{USER}:{PASSWORD}@h.example/a.wav{SIGNED}",
        "padded": f"  https://h.example/a.wav{SIGNED}\n",
    }


BROKEN = [
    Fault(Route.FILE, Status(403, message=f"no {SIGNATURE}"), id=131),
    Fault(Route.FILE, Redirect(f"https://{USER}:{PASSWORD}@10.0.0.1/x{SIGNED}"), id=132),
    Fault(Route.FILE, RedirectChain(9), id=133),
    Fault(Route.FILE, HangUp(), id=134),
    Fault(Route.FILE, html(), id=135),
    Fault(Route.FILE, Cut(100), id=136),
    Fault(Route.RECORDINGS, NotSuccess(f"key {KEY} is wrong, see http://x/?k={KEY}"), id=37),
    Fault(Route.RECORDINGS, Body(f"<p>{KEY}</p>".encode(), "text/html", 502), id=38),
    Fault(Route.RECORDINGS, Redirect(f"https://h.invalid/?apiKey={KEY}"), id=39),
    Fault(Route.USERS, Status(500, message=f"{KEY} {quote(KEY, safe='')}")),
    Fault(Route.STATUSES, Status(403, message=f"for {KEY}")),
]


def search(commands: Command, *ends: Ended) -> None:
    """No canary in what was said, nor in any file that the commands left (but the settings)."""
    for ended in ends:
        for spelling in SPELLINGS:
            assert spelling not in ended.out, ended.out
            assert spelling not in ended.err, ended.err
    for path in commands.folder.rglob("*"):
        if path.is_file() and path.name != "archive.yaml":
            data = path.read_bytes()
            found = [spelling for spelling in SPELLINGS if spelling.encode() in data]
            where = data.find(b"CANARY")
            assert not found, (path, data[max(0, where - 80) : where + 80])


AWS = {
    "AWS_ACCESS_KEY_ID": AWS_KEY,
    "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
    "AWS_SESSION_TOKEN": AWS_TOKEN,
    "AWS_EC2_METADATA_DISABLED": "true",
    "ANYIO_DEBUG": "1",
    "PYTHONASYNCIODEBUG": "1",
}


def test_a_run_in_which_everything_fails_tells_no_secret(tmp_path: Path) -> None:
    with command(tmp_path, centre(), key=KEY) as commands:
        commands.sandbox.faults.add(*BROKEN)
        commands.environ = AWS
        ends = [commands.run(*more) for more in ([], ["--recheck"])]
        assert {one.code for one in ends} == {3}
        assert ends[0].answer["recordings"]["archived"] > 0
        search(commands, *ends)


def test_a_sidecar_keeps_no_secret_of_an_address_wherever_it_stands(tmp_path: Path) -> None:
    world = World().call(1, at=RECENTLY, fields=addresses_elsewhere())
    world.recording(11, fields=addresses_elsewhere(), file_url="{path}" + SIGNED)
    with command(tmp_path, world, key=KEY) as commands:
        ended = commands.run()
        assert ended.code == 0
        search(commands, ended)
        commands.sandbox.faults.add(Fault(Route.RECORDINGS, Fields({"more": "news"})))
        ended = commands.run("--recheck")
        assert ended.answer["recordings"]["refreshed"] == 1
        search(commands, ended)


def test_an_api_that_echoes_the_key_gets_it_into_no_file(tmp_path: Path) -> None:
    world = World().user(101, KEY, KEY).call(1, at=RECENTLY, phone=KEY).recording(11, summary=KEY)
    with command(tmp_path, world, key=KEY) as commands:
        ended = commands.run()
        assert ended.code == 0
        search(commands, ended)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(API, Status(401, message=f"{KEY} is unknown")),
        Fault(API, Status(403, message=f"{KEY} may not")),
        Fault(Route.ORDERS, Body(f'{{"success":false,"message":"{KEY}"}}'.encode(), status=422)),
        Fault(Route.ORDERS, Redirect(f"https://{USER}:{PASSWORD}@h/?k={KEY}")),
    ],
)
def test_an_api_that_refuses_and_repeats_the_key_is_not_repeated(
    tmp_path: Path, fault: Fault
) -> None:
    with command(tmp_path, centre(), key=KEY) as commands:
        commands.sandbox.faults.add(fault)
        ended = commands.run()
        assert ended.code == 5
        search(commands, ended)


def test_a_storage_that_refuses_tells_no_key_of_its_own(tmp_path: Path) -> None:
    with command(tmp_path, centre(), key=KEY) as commands:
        commands.environ = AWS
        at_the_api = {"endpoint_url": commands.sandbox.url, "region": "us-east-1"}
        commands.settings["storage"] = {"url": "s3://bucket/x", "s3": at_the_api}
        ended = awaited(commands.start("run", "--json"))  # as a process: it minds the debugging
        assert ended.code == 5
        search(commands, ended)


def test_a_bug_of_ours_shows_a_traceback_without_secrets(tmp_path: Path) -> None:
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import archiver.recordings.deposit\n"
        "async def place(self, call, recording, names, fetched):\n"
        "    raise RuntimeError(f'{recording.row} {recording.file_url}')\n"
        "archiver.recordings.deposit.Shelf.place = place\n"
    )
    with command(tmp_path, centre(), key=KEY) as commands:
        commands.environ = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parent.parent.parent}"}
        ended = awaited(commands.start("run", "--json"))
        broken.unlink()
        assert ended.code == 1
        assert "RuntimeError" in ended.err
        assert ended.answer["error"]["code"] == 1
        search(commands, ended)


def test_the_key_goes_to_the_api_alone(tmp_path: Path) -> None:
    with command(tmp_path, centre(), key=KEY) as commands:
        commands.settings["download"] = {"allow_origins": [commands.sandbox.other]}
        commands.sandbox.faults.add(
            Fault(Route.FILE, RedirectChain(2, alternate=True), id=132),
            Fault(LISTINGS, FileUrl("{other}{path}"), row=135),
        )
        commands.run()
        assert any(one.at_other for one in commands.sandbox.requests)
        assert not any(one.at_other and one.key_sent for one in commands.sandbox.requests)
