"""Every call that the disk can refuse, refused in turn: an error with its word, and no damage."""

import errno
import os
import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace

from archiver.errors import ArchiverError
from tests.crash.child import NIGHTS_BEFORE, faults_on, one_night, world_on
from tests.crash.dead import damage
from tests.crash.medium import CALLS, Faults, OneByOne
from tests.support.world import QUICK, audio_of, bench

pytestmark = pytest.mark.anyio

NUMBERS = (
    *(errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.ESTALE),
    *(errno.EFBIG, errno.EINVAL, errno.ENAMETOOLONG, errno.EMFILE, errno.EPERM),
)
A_PLACE = 3
"""Errors that each call of a night is refused with: some 618 nights for its 206 calls."""


async def counted(base: Path, folder: Path, name: str) -> int:
    """How often the last night makes that call."""
    shutil.copytree(base, folder)
    faults = Faults(str(folder / "archive"), name, 0)
    await last_night(folder, faults)
    shutil.rmtree(folder)
    return faults.count


async def last_night(folder: Path, faults: Faults) -> int:
    """The exit code of the last night on a disk with faults."""
    night = NIGHTS_BEFORE
    pace = replace(QUICK, syncing=OneByOne)
    async with bench(folder, world_on(night), faults_on(night), pace=pace) as bed:
        bed.clock.advance(days=night)
        with pytest.MonkeyPatch.context() as patch:
            faults.install(patch)
            try:
                return (await bed.run()).exit_code
            except ArchiverError as error:
                assert str(error)
                return error.exit_code


async def refused_at(base: Path, folder: Path, faults: Faults) -> None:
    shutil.copytree(base, folder)
    code = await last_night(folder, faults)
    what = f"{faults.name} {faults.at} {errno.errorcode[faults.number]}"
    assert code in (0, 3, 5), what
    assert await damage(folder) == [], what
    night = await one_night(folder, NIGHTS_BEFORE + 1)
    night.archive.check()
    expected = audio_of(world_on(NIGHTS_BEFORE))
    night.archive.check_recordings({k: v for k, v in expected.items() if k != 61})
    assert await damage(folder) == [], what
    shutil.rmtree(folder)


async def matrix(
    tmp_path: Path, names: Sequence[str], places: int | None = None, a_place: int = 1
) -> int:
    """Try each call by one of the names, or some `places` of them, with `a_place` errors each."""
    base = tmp_path / "base"
    for number in range(NIGHTS_BEFORE):
        await one_night(base, number)
    tried = 0
    for name in names:
        count = await counted(base, tmp_path / "counted", name)
        most = places or count
        chosen = sorted({1 + count * one // most for one in range(most)})
        for place, turn in product(chosen, range(a_place)):
            number = NUMBERS[(place + 4 * turn) % len(NUMBERS)]
            folder = tmp_path / f"{name}-{place}-{turn}"
            lasting = (place + turn) % 3 == 2
            faults = Faults(str(folder / "archive"), name, number, at=place, lasting=lasting)
            await refused_at(base, folder, faults)
            tried += 1
    return tried


async def test_a_call_that_the_disk_refuses_is_an_error_and_no_damage(tmp_path: Path) -> None:
    assert await matrix(tmp_path, ("link", "write"), 2) == 4


async def test_a_revision_that_failed_and_lies_there_is_recorded_by_the_next_run(
    tmp_path: Path,
) -> None:
    base, folder = tmp_path / "base", tmp_path / "refused"
    for number in range(NIGHTS_BEFORE):
        await one_night(base, number)
    # The part file of the sidecar that has just taken the place of another one.
    faults = Faults(str(folder / "archive"), "unlink", errno.EINVAL, at=14)
    await refused_at(base, folder, faults)


@pytest.mark.nightly
@pytest.mark.parametrize("name", CALLS)
async def test_every_call_may_be_refused_with_several_errors(tmp_path: Path, name: str) -> None:
    assert await matrix(tmp_path, (name,), a_place=A_PLACE) >= A_PLACE


def test_a_place_is_inside_the_folder_or_not() -> None:
    faults = Faults("/nowhere/archive", "open", errno.EIO)
    assert faults._is_ours("/nowhere/archive/1/2/3.wav")
    assert not faults._is_ours(os.devnull)
