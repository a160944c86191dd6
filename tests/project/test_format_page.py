"""docs/FORMAT.md keeps its word: its commands check an archive, and find what was touched."""

import re
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from tests.support.nightly import some_by_day
from tests.support.world import bench
from tests.verify.archives import make

PAGE = Path(__file__).parent.parent.parent / "docs" / "FORMAT.md"

needs_jq = pytest.mark.skipif(
    shutil.which("jq") is None, reason="the commands of docs/FORMAT.md need jq, which is not here"
)


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with revisions and several segments."""
    return anyio.run(make, tmp_path_factory.mktemp("format")).root


def commands() -> str:
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block is not None
    return block[1]


def check(archive: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", commands()], cwd=archive, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@needs_jq
def test_the_commands_find_nothing_wrong_with_a_whole_archive(archived: Path) -> None:
    assert check(archived) == ""


@needs_jq
@pytest.mark.parametrize(
    "place",
    some_by_day(["50001/1/11.wav", "50001/1/11.json", "_archive/ledger/*", "_archive/runs/*"], 4),
)
def test_the_commands_find_one_changed_byte(archived: Path, tmp_path: Path, place: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(archived, copy)
    touched = min(copy.glob(place))
    content = bytearray(touched.read_bytes())
    content[len(content) // 2] ^= 1
    touched.chmod(0o644)
    touched.write_bytes(content)
    assert touched.name.partition("-")[0] in check(copy)


def test_the_page_names_every_kind_of_event_and_its_members() -> None:
    from archiver.ledger.lines import _KINDS, _NAMES

    page = PAGE.read_text("utf-8")
    for what, kind in _KINDS.items():
        row = re.search(rf"^\| `{what}` \|.*$", page, re.MULTILINE)
        assert row is not None, what
        told = row[0].rsplit("`", 2)[1].split()
        assert told == [written for _, written, _ in _NAMES[kind]]


@needs_jq
def test_the_commands_tell_ids_apart_that_are_one_as_floating_point(tmp_path: Path) -> None:
    """jq 1.6 reads numbers as floating point: above 2^53 two ids may become one."""
    large = 2**53
    world = World().call(large).call(large + 1)
    for number in range(4):
        world.recording(large + number, call=large + number % 2, audio=wav(600, number))

    async def archive() -> None:
        async with bench(tmp_path, world) as night:
            assert (await night.run()).exit_code == 0

    anyio.run(archive)
    assert check(tmp_path / "archive") == ""
