"""Several processes find in a folder what one finds, whatever becomes of them; none is left."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archiver.verify.children import PAYS_FROM, Effort, cores
from archiver.verify.compare import Checked
from archiver.verify.verify import Verified, Wanted, Watcher, verify
from benchmarks.archives import write_archive
from tests.cli.commands import started
from tests.support.processes import children, told_of, until
from tests.verify.archives import AT_ONCE, Case, names
from tests.verify.media import Folder
from tests.verify.tampering import AUDIO, OTHER_AUDIO, OTHER_SIDECAR, REVISION, SIDECAR, flipped

HERE = Effort(processes=1, objects=3)
BY_CHILDREN = Effort(processes=2, pays_from=0, objects=1)


def readers_of(parent: int | None = None) -> set[int]:
    """The children of the process that check stretches."""
    return {one for one in children(parent) if b"archiver.verify.child" in told_of(one, "cmdline")}


async def checked(
    case: Case, effort: Effort, on_read: Callable[[], None] | None = None
) -> Verified:
    def read(objects: int, size: int) -> None:
        if on_read is not None:
            on_read()

    return await verify(
        case.config,
        Wanted(),
        state_folder=case.state,
        watcher=Watcher(on_read=read),
        patience=AT_ONCE,
        effort=effort,
    )


def counts(checked: Checked) -> tuple[int, int, int]:
    return checked.listed, checked.read, checked.bytes


def tamper(case: Case) -> None:
    """Damage of every kind that a file system can have."""
    medium, root = Folder(case.root), case.root
    medium.write(AUDIO, flipped(medium.read(AUDIO), 300))
    medium.write(SIDECAR, b"{}")
    medium.remove(OTHER_AUDIO)
    (root / OTHER_AUDIO).symlink_to(root / AUDIO)
    medium.remove(OTHER_SIDECAR)
    os.mkfifo(root / OTHER_SIDECAR)
    medium.remove(REVISION)
    shutil.rmtree(root / "0")
    (root / "0").write_bytes(b"a file instead of a folder")
    (root / "0.x").mkdir()
    (root / "0.x/stray").write_bytes(b"")
    (root / os.fsdecode(b"no text \xff")).write_bytes(b"")
    (root / "zzz").mkdir()
    os.mkfifo(root / "zzz/last")


@pytest.mark.anyio
async def test_children_find_in_an_archive_what_one_process_finds(case: Case) -> None:
    seen: set[int] = set()
    whole = await checked(case, BY_CHILDREN, lambda: seen.update(readers_of()))
    assert len(seen) == 2
    assert whole.found.findings == []
    assert counts(whole.found.checked) == counts((await checked(case, HERE)).found.checked)
    tamper(case)
    here, there = await checked(case, HERE), await checked(case, BY_CHILDREN)
    assert there.found.findings == here.found.findings
    assert counts(there.found.checked) == counts(here.found.checked)
    assert names(there.found.findings) >= {
        ("wrong-digest", AUDIO),
        ("sidecar-unreadable", SIDECAR),
        ("unreadable", OTHER_AUDIO),
        ("missing", OTHER_SIDECAR),
        ("missing", REVISION),
        ("missing", "0/3/31.wav"),
        ("unexpected", "0"),
        ("unexpected", "0.x/stray"),
        ("unexpected", os.fsdecode(b"no text \xff")),
        ("unexpected", "zzz/last"),
    }
    assert readers_of() == set()


@pytest.mark.anyio
@pytest.mark.parametrize("number", [1, 2])
async def test_what_a_killed_child_should_have_read_is_read_by_others(
    case: Case, number: int
) -> None:
    medium = Folder(case.root)
    medium.write(AUDIO, flipped(medium.read(AUDIO), 300))
    killed: list[int] = []

    def kill() -> None:
        for one in [] if killed else sorted(readers_of())[:number]:
            os.kill(one, signal.SIGKILL)
            killed.append(one)

    verified = await checked(case, BY_CHILDREN, kill)
    assert len(killed) == number
    assert verified.found.is_whole
    assert names(verified.found.findings) == {("wrong-digest", AUDIO)}
    expected = await checked(case, HERE)
    assert counts(verified.found.checked) == counts(expected.found.checked)


@pytest.mark.anyio
async def test_an_archive_is_read_by_this_process_where_no_other_can_be_started(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    verified = await checked(case, BY_CHILDREN)
    assert verified.found.findings == []
    assert verified.found.checked.read > 0


def test_children_are_started_only_where_they_pay() -> None:
    effort = Effort(processes=3)
    assert effort.children(PAYS_FROM - 1) == 0
    assert effort.children(PAYS_FROM) == 3
    assert Effort(processes=1).children(PAYS_FROM) == 0


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive for which processes pay, one object of which takes hours to read."""
    folder = tmp_path_factory.mktemp("large")
    write_archive(folder / "archive", PAYS_FROM // 2, size=32)
    (folder / "archive.yaml").write_text("window: {since: 2026-01-01}\n")
    audio = next((folder / "archive").glob("1/*/*.mp3"))
    os.truncate(audio, 2**40)
    return folder


@pytest.fixture
def reading(large: Path) -> "Iterator[tuple[subprocess.Popen[str], set[int]]]":
    """A verification of it, and its children at work."""
    process = started("verify", "--json", folder=large)
    until(lambda: len(readers_of(process.pid)) > 1 or process.poll() is not None)
    found = readers_of(process.pid)
    yield process, found
    process.kill()
    process.communicate()
    until(lambda: not any(told_of(one, "cmdline") for one in found))


@pytest.mark.nightly
@pytest.mark.skipif(cores() < 2, reason="one core reads alone")
def test_no_child_outlives_a_verification_that_is_killed(
    reading: "tuple[subprocess.Popen[str], set[int]]",
) -> None:
    process, found = reading
    assert found
    process.kill()
    process.communicate()
    until(lambda: not any(told_of(one, "cmdline") for one in found))
