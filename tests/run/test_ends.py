"""How a run ends when it may not begin, is stopped, or finds no room: codes, words, leftovers."""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from archiver.errors import StorageFull
from archiver.recordings.spool import Spool
from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Stall, Status
from archiver.sandbox.world import World
from tests.cli.commands import PATIENCE, Ended, awaited
from tests.support.command import RECENTLY, Command, command
from tests.support.nightly import some_by_day
from tests.support.world import audio_of, tree

ROOM = 6 * 1024 * 1024


def centre(calls: int = 6, size: int = 4096) -> World:
    world = World().user(101)
    for number in range(1, calls + 1):
        at = RECENTLY + timedelta(seconds=number)
        world.call(number, at=at).recording(audio=wav(size, number))
    return world


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Command]:
    with command(tmp_path, centre()) as found:
        yield found


def check_refusal(ended: Ended, code: int, *words: str) -> None:
    """One JSON object on stdout, two lines and the code on stderr, no traceback."""
    assert ended.code == code, ended
    error = ended.answer["error"]
    assert error["code"] == code
    assert error["message"] and error["hint"]
    for word in words:
        assert word in error["message"] + error["hint"]
    assert "Traceback" not in ended.err
    lines = ended.err.strip().splitlines()
    assert lines[-3:] == [
        f"error: {error['message']}",
        f"hint: {error['hint']}",
        f"exit code: {code}",
    ]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def lived(commands: Command) -> None:
    assert commands.run().code == 0


def of_another_archive(commands: Command) -> None:
    """The catalog that the configuration names belongs to another archive."""
    lived(commands)
    (catalog,) = (commands.folder / "state").rglob("*.sqlite")
    commands.settings["catalog"] = {"path": str(catalog)}
    other = commands.folder / "archive"
    other.rename(commands.folder / "first")
    write(
        other / "_archive/format.json",
        json.dumps({"format": "liner-archive/1", "archiveId": str(uuid.uuid4())}),
    )


REFUSALS: dict[str, tuple[Callable[[Command], object], int, str]] = {
    "a foreign folder": (
        lambda c: write(c.folder / "archive/letter.txt", "Dear all"), 2, "letter.txt",
    ),
    "another format": (
        lambda c: write(
            c.folder / "archive/_archive/format.json",
            json.dumps({"format": "liner-archive/9", "archiveId": "0" * 32}),
        ), 2, "liner-archive/9",
    ),
    "a broken format": (
        lambda c: write(c.folder / "archive/_archive/format.json", "{"), 2, "format.json",
    ),
    "a file in place of the folder": (lambda c: write(c.folder / "archive", "x"), 5, "archive"),
    "the catalog of another archive": (of_another_archive, 2, "catalog"),
    "no bucket": (
        lambda c: c.settings.update(
            storage={"url": "s3://nowhere/x", "s3": {"endpoint_url": "http://127.0.0.1:9"}}
        ), 5, "",
    ),
    "a wrong key": (lambda c: setattr(c, "environ", {"LINER_API_KEY": "wrong"}), 5, "key"),
    "a key too many in the configuration": (
        lambda c: c.settings.update(download={"workerz": 3}), 2, "workers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("prepare", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_run_that_cannot_begin_says_why_and_changes_nothing(
    commands: Command,
    prepare: tuple[Callable[[Command], object], int, str],
) -> None:
    arrange, code, word = prepare
    arrange(commands)
    archive = commands.folder / "archive"
    before = sorted(archive.rglob("*"))
    check_refusal(commands.run(), code, word)
    assert sorted(archive.rglob("*")) == before


@pytest.mark.parametrize("number", some_by_day([signal.SIGINT, signal.SIGTERM], 2))
def test_a_signal_ends_a_run_with_a_report_and_the_next_completes_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    world = centre(60)
    with command(tmp_path, world) as commands:
        commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000), after=20))
        process = commands.start("run", "--json")
        commands.sandbox.wait_for(Route.FILE, least=30, patience=PATIENCE)
        process.send_signal(number)
        ended = awaited(process)
        assert ended.code == 130
        assert ended.answer["interrupted"] is True
        assert ended.answer["complete"] is False
        commands.archive.check()
        (report,) = commands.archive.reports()
        assert report["runId"] == ended.answer["runId"]
        commands.sandbox.faults.clear()
        assert commands.run().code == 0
        commands.archive.check()
        commands.archive.check_recordings(audio_of(world))


@pytest.mark.parametrize("route", [Route.ORDERS, Route.CALLS, Route.RECORDINGS])
def test_a_signal_is_heard_wherever_the_api_stands_still(tmp_path: Path, route: Route) -> None:
    with command(tmp_path, centre()) as commands:
        commands.sandbox.faults.add(Fault(route, Stall(0)))
        process = commands.start("run", "--json")
        commands.sandbox.wait_for(route, patience=PATIENCE)
        process.send_signal(signal.SIGTERM)
        ended = awaited(process)
        assert ended.code == 130
        assert ended.answer
        assert "Traceback" not in ended.err


def test_a_second_run_is_refused_and_told_who_has_locked_the_archive(commands: Command) -> None:
    commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000)))
    first = commands.start("run", "--json")
    commands.sandbox.wait_for(Route.FILE, patience=PATIENCE)
    check_refusal(commands.run(), 6, str(first.pid))
    dry = commands.run("--dry-run")
    assert dry.code == 0
    first.send_signal(signal.SIGKILL)
    first.communicate()
    commands.sandbox.faults.clear()
    assert commands.run().code == 0
    commands.archive.check()


@pytest.mark.parametrize("between", [["doctor"], ["run", "--call", "1"], ["status"]], ids=str)
def test_a_command_in_between_does_not_forget_that_a_run_was_killed(
    commands: Command, between: list[str]
) -> None:
    """The next whole run has to look for what the killed one left."""
    commands.sandbox.faults.add(Fault(Route.FILE, Stall(1000), id=900_002))
    process = commands.start("run")
    commands.sandbox.wait_for(Route.FILE, least=6, patience=PATIENCE)
    process.kill()
    process.communicate()
    left = {one for one in commands.archive.objects() if "tmp/lock" in one}
    assert left
    commands.sandbox.faults.clear()
    orphan = commands.archive.root / "9/2/900002.wav"
    write(orphan, "")
    orphan.write_bytes(audio_of(centre())[900_002])
    commands.here(*between)
    assert commands.run().code == 0
    commands.archive.check()
    assert (commands.archive.recordings()[900_002]).lead == 9


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with little room; wants root and the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(place)]
    tried = subprocess.run(mount, capture_output=True, text=True, check=False)
    if tried.returncode:
        reason = f"no small disk can be mounted here: {tried.stderr.strip()}"
        print(reason, file=sys.stderr)
        pytest.skip(reason)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("is_new", [True, False])
def test_an_archive_that_may_not_be_written_is_refused(
    commands: Command, small_disk: Path, is_new: bool
) -> None:
    commands.settings["storage"] = {"url": str(small_disk / "archive")}
    if not is_new:
        lived(commands)
    before = tree(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    check_refusal(commands.run("--recheck"), 5)
    assert tree(small_disk) == before
    assert commands.run("--dry-run").code == 0


@pytest.mark.parametrize("size", [300_000, 2_500_000])
def test_a_full_disk_ends_the_run_cleanly_and_the_next_completes_it(
    tmp_path: Path, small_disk: Path, size: int
) -> None:
    """Bodies that wait in memory, and bodies that are spooled on the disk itself."""
    world = centre(30 if size < 1_000_000 else 5, size)
    with command(tmp_path, world) as commands:
        commands.settings["storage"] = {"url": str(small_disk / "archive")}
        archive = small_disk / "archive"
        check_refusal(commands.run(), 5, "space")
        (tmp_path / "archive").symlink_to(archive)
        assert commands.archive.strays() == []
        commands.archive.check_names(audio_of(world))
        grown = f"size={20 * ROOM}"
        subprocess.run(["mount", "-o", f"remount,{grown}", str(small_disk)], check=True)
        assert commands.run().code == 0
        commands.archive.check()
        commands.archive.check_recordings(audio_of(world))


def test_small_chunks_that_no_longer_fit_are_no_bug_of_ours(small_disk: Path) -> None:
    async def spool() -> None:
        async with Spool(small_disk, 1024).part() as part:
            for _ in range(2 * ROOM // 1000):
                await part.add(bytes(1000))
            await part.finish("audio/wav")

    with pytest.raises(StorageFull):
        anyio.run(spool)
    assert list(small_disk.iterdir()) == []


def test_no_room_for_the_catalog_ends_the_run_cleanly(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(ROOM - 40 * 4096))
    with command(tmp_path, centre(250, 3000)) as commands:
        commands.settings["catalog"] = {"path": str(small_disk / "catalog.sqlite")}
        check_refusal(commands.run(), 5, "catalog")
        (small_disk / "filler").unlink()
        assert commands.run().code == 0
        commands.archive.check()
        commands.archive.check_recordings(audio_of(centre(250, 3000)))


def test_something_open_ends_a_run_with_3_and_one_object(commands: Command) -> None:
    commands.sandbox.faults.add(Fault(Route.FILE, Status(404), id=900_001))
    ended = commands.run()
    assert ended.code == 3
    assert ended.answer["problems"][0]["reason"] == "source-missing"
    people = commands.here("run")
    assert people.code == 3
    assert "{" not in people.out
