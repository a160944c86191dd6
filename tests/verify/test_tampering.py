"""Every kind of tampering is found under its own name, on a disk and on S3."""

import errno
import os
from pathlib import Path
from secrets import token_hex
from threading import Event, Lock
from typing import Any

import pytest
from msgspec.structs import replace

from archiver.archive.reindex import reindex
from archiver.archive.status import look
from archiver.config import StorageConfig
from archiver.errors import ArchiveDamaged
from archiver.ledger.lines import decode
from archiver.verify.findings import ChainBroken, Finding, Missing, Unexpected
from archiver.verify.inventory import Expected, Inventory
from archiver.verify.verify import Wanted, verify
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.nightly import some_by_day
from tests.verify.archives import AT_ONCE, Case, names
from tests.verify.media import Bucket, Folder
from tests.verify.nonsense import NONSENSE
from tests.verify.tampering import (
    AUDIO,
    TAMPERINGS,
    Tampering,
    append_lines_that_are_no_events,
    change_a_report,
    remove_a_segment_in_the_middle,
)

pytestmark = pytest.mark.anyio

BESIDES = (ChainBroken, Missing, Unexpected)
"""What a broken ledger may entail: objects that no segment names any more, links that are gone."""


def check(found: list[Finding], named: set[tuple[str, str]]) -> None:
    assert named <= names(found)
    assert len(names(found)) == len(found), "something is told twice"
    breaks_ledger = any(kind in ("chain-broken", "tail-cut", "two-archives") for kind, _ in named)
    others = [one for one in found if (one.name, one.key) not in named]
    assert not others or (breaks_ledger and all(isinstance(one, BESIDES) for one in others))
    assert all(one.next and one.expected and one.found for one in found)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda one: one.__name__)
async def test_it_is_found_on_a_disk(case: Case, tampering: Tampering) -> None:
    named = tampering(Folder(case.root))
    verified = await case.verify()
    check(verified.found.findings, named)
    assert verified.found.is_whole


@pytest.mark.usefixtures("aws_environment", "shared_clients")
@pytest.mark.parametrize("tampering", some_by_day(TAMPERINGS, 4), ids=lambda one: one.__name__)
async def test_it_is_found_on_s3(pristine: Case, moto: S3Server, tampering: Tampering) -> None:
    medium = Bucket(RawBucket(moto, token_hex(4), "verified"))
    folder = Folder(pristine.root)
    for key in folder.listing():
        medium.write(key, folder.read(key))
    named = tampering(medium)
    url = f"s3://{medium.raw.name}/{medium.raw.prefix}"
    config = replace(pristine.config, storage=StorageConfig(url, moto.config))
    verified = await verify(config, Wanted(), state_folder=pristine.state, patience=AT_ONCE)
    check(verified.found.findings, named)


async def test_a_broken_chain_does_not_stop_the_check_of_everything_else(case: Case) -> None:
    medium = Folder(case.root)
    broken = remove_a_segment_in_the_middle(medium)
    changed = change_a_report(medium)
    found = await case.findings()
    assert broken | changed <= names(found)
    orphans = [one for one in found if isinstance(one, Unexpected)]
    assert orphans
    assert all("restore the ledger first" in one.next for one in orphans)


async def test_whoever_builds_on_a_ledger_that_tells_nonsense_refuses_it(case: Case) -> None:
    ((_, forged),) = append_lines_that_are_no_events(Folder(case.root))
    for build in (look, reindex):
        with pytest.raises(ArchiveDamaged, match=f"{forged}: line 2 is not a ledger event"):
            await build(case.config, state_folder=case.state)


async def test_each_line_that_is_no_event_is_named(case: Case) -> None:
    append_lines_that_are_no_events(Folder(case.root))
    (found,) = await case.findings()
    assert found.found == f"none on line 2, 3, 4, 5, 6 and {len(NONSENSE) - 5} more"


@pytest.mark.parametrize("line", NONSENSE, ids=range(len(NONSENSE)))
async def test_a_line_that_is_no_event_is_one_for_nobody(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(line)


async def test_what_is_no_file_is_called_what_it_is(case: Case) -> None:
    (case.root / "50002").rename(case.folder / "elsewhere")
    (case.root / "50002").symlink_to(case.folder / "elsewhere")
    os.mkfifo(case.root / "50001/pipe")
    found = {one.key: one.found for one in await case.findings()}
    assert found == {
        "50002": "50002: a symbolic link, not a file",
        "50001/pipe": "not a regular file",
    }


async def test_a_link_or_a_folder_in_the_place_of_a_recording_is_found(case: Case) -> None:
    link, folder = case.root / AUDIO, case.root / "50002/2/21.wav"
    link.rename(case.folder / "elsewhere.wav")
    link.symlink_to(case.folder / "elsewhere.wav")
    folder.unlink()
    folder.mkdir()
    (folder / "inside").write_bytes(b"x")
    assert names(await case.findings()) == {
        ("unreadable", AUDIO),
        ("missing", "50002/2/21.wav"),
        ("unexpected", "50002/2/21.wav/inside"),
    }


@pytest.mark.parametrize("times", [1, 1000], ids=["once", "always"])
async def test_a_folder_that_cannot_be_listed_does_not_end_the_verification(
    case: Case, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    (case.root / "50001/1/hidden.txt").write_bytes(b"x")
    Folder(case.root).remove("50002/2/21.wav")
    failing = fails_to_list(monkeypatch, case.root / "50001/1", times)
    verified = await case.verify()
    assert verified.found.is_whole
    hidden = ("not-allowed", "50001/1/") if failing else ("unexpected", "50001/1/hidden.txt")
    assert names(verified.found.findings) == {("missing", "50002/2/21.wav"), hidden}


def fails_to_list(patch: pytest.MonkeyPatch, folder: Path, times: int) -> list[int]:
    """The disk fails so many times to list the folder; the failures that are left."""
    scandir, left = os.scandir, [0] * times

    def failing(path: Any) -> Any:
        if left and not isinstance(path, int) and os.fsdecode(path).rstrip("/") == str(folder):
            left.pop()
            raise OSError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    patch.setattr(os, "scandir", failing)
    return left


async def test_many_suspects_are_asked_for_one_at_a_time(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, together = Lock(), []
    find = Inventory.find

    def watched(inventory: Inventory, key: str) -> Expected | None:
        together.append(not asking.acquire(blocking=False))
        try:
            Event().wait(0.01)  # long enough for another to come in, if one may
            return find(inventory, key)
        finally:
            if not together[-1]:
                asking.release()

    monkeypatch.setattr(Inventory, "find", watched)
    for path in case.root.glob("500*/*/*"):
        path.unlink()
    assert {one.name for one in await case.findings()} == {"missing"}
    assert len(together) >= 6
    assert not any(together)


async def test_file_names_that_no_archive_has_are_found(case: Case) -> None:
    (case.root / "a\nb").write_bytes(b"")
    Path(f"{case.root}/\udcff\udcfe").write_bytes(b"")
    assert {one.name for one in await case.findings()} == {"unexpected"}


async def test_a_read_only_archive_is_verified(case: Case) -> None:
    for path in [case.root, *case.root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        before = sorted(case.folder.rglob("*"))
        assert await case.findings(head=case.head) == []
        assert sorted(case.folder.rglob("*")) == before
    finally:
        for path in [case.root, *case.root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
