"""No command writes anything into an archive under a clock that the archive contradicts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from archiver.sandbox.world import World
from tests.cli.commands import Ended, archiver
from tests.support.world import ManualClock, bench, tree

WHY = ("--reason", "asked for")
COMMANDS = {
    "hold add": ("hold", "add", "--lead", "789", *WHY),
    "hold lift": ("hold", "lift", "h0123456789", *WHY),
    "prune": ("prune", "--remove", "1", *WHY),
    "erase": ("erase", "--lead", "789", "--remove", "1", *WHY),
    "export": ("export", "--lead", "789", "--offline", "--to", "lead.zip"),
    "inspect": ("inspect",),
    "key sign": ("key", "sign"),
    "key rotate": ("key", "rotate", "--to", "next.pem", "--no-passphrase"),
}


def archived(folder: Path, days: float) -> Path:
    """The folder of an archive whose last run was so many days ago, by the clock of then."""

    async def ran() -> None:
        clock = ManualClock(datetime.now(UTC) - timedelta(days=days))
        async with bench(folder, World().call(1, lead=789).recording(11), clock=clock) as night:
            await night.run()

    anyio.run(ran)
    assert archiver("key", "new", "--to", "key.pem", "--no-passphrase", folder=folder).code == 0
    (folder / "archive.yaml").write_text(
        "liner: {url: 'http://127.0.0.1:9', api_key: unused}\nwindow: {since: 2026-11-01}\n"
        "retention: {keep: 1ms}\nevidence: {sign: key.pem}\ncatalog: {path: state/c.sqlite}\n"
    )
    return folder


def refused(folder: Path, *command: str) -> Ended:
    before = tree(folder / "archive")
    ended = archiver(*command, folder=folder)
    assert ended.code == 2, ended
    assert "the clock of this machine says" in ended.err
    assert "--today" in ended.err
    assert tree(folder / "archive") == before
    return ended


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_writes_nothing_when_the_ledger_is_later_or_long_silent(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = refused(archived(tmp_path / "old", 60), *command)
    assert "the newest event in the ledger is 60 days old" in ended.err
    ended = refused(archived(tmp_path / "new", -26_000), *command)
    assert "the newest event in the ledger is later" in ended.err


def test_a_person_may_vouch_for_the_clock_by_naming_the_day(tmp_path: Path) -> None:
    folder, command = archived(tmp_path, 60), COMMANDS["hold add"]
    today = datetime.now(UTC).date()
    refused(folder, *command, "--today", f"{today - timedelta(days=2)}")
    assert archiver(*command, "--today", f"{today}", folder=folder).code == 0
    assert archiver(*command, folder=folder).code == 0, "the ledger has a newer event now"


def test_a_repair_under_a_wrong_clock_changes_nothing_and_says_so(tmp_path: Path) -> None:
    folder = archived(tmp_path, -400)
    sidecar = folder / "archive/789/1/11.json"
    sidecar.unlink()
    before = tree(folder / "archive")
    ended = archiver("verify", "--repair", folder=folder)
    assert ended.code == 4
    assert "not repaired: nothing was written: the clock of this machine says" in ended.out
    assert tree(folder / "archive") == before
