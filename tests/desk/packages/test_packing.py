"""Packing beside the desk: one process makes a package, and what is over is removed."""

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from archiver.config import Config
from archiver.desk.packages.orders import Order, Orders, Stage, Wish
from archiver.desk.packages.packing import PASSWORD_LOST, Packing
from archiver.errors import StorageRefused
from archiver.secrets import Secret
from tests.desk.parts import RITA, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

CONFIG = Config(liner=None)


READ = """
import json, os, pickle, sys
job = pickle.loads(sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(8), "big")))
"""
WRITE = f"""{READ}
job.path.write_bytes(b"zip")
print(json.dumps({{"bytes": 3, "manifestSha256": "00", "missing": 0}}))
"""
REFUSE = f"""{READ}
print(json.dumps({{"problem": "no space left"}}))
"""
SAY_PASSWORD = f"""{READ}
job.path.write_text(job.password.reveal())
print(json.dumps({{"bytes": 3, "manifestSha256": "00", "missing": 0}}))
"""
PASSWORD = "several unrelated words"
DIE = f"""{READ}
job.path.with_name(f".{{job.path.name}}.0123.part").write_bytes(b"half")
os._exit(9)
"""


def command(script: str) -> Sequence[str]:
    return (sys.executable, "-c", script)


async def ended(orders: Orders, package_id: int) -> Order:
    while True:
        order = await orders.find(RITA, package_id)
        if order.stage not in (Stage.WAITING, Stage.WORKING):
            return order
        await anyio.sleep(0.01)


@pytest.mark.parametrize(
    ("pack", "stage", "problem"),
    [
        (WRITE, Stage.READY, ""),
        (REFUSE, Stage.FAILED, "no space left"),
        (DIE, Stage.FAILED, "the process that created it ended unexpectedly"),
    ],
)
async def test_a_package_is_made_or_its_failure_is_told(
    tmp_path: Path, pack: str, stage: Stage, problem: str
) -> None:
    folder = tmp_path / "exports"
    async with desk_file(tmp_path) as file:
        orders = Orders(file, ManualClock())
        packing = Packing(orders, CONFIG, folder, tmp_path, command(pack))
        async with packing.at_work():
            package_id = await orders.ask(RITA, Wish((1,), "why"), "")
            await packing.look()
            order = await ended(orders, package_id)
            assert (order.stage, order.problem) == (stage, problem)
            assert packing.path(order).exists() == (stage is Stage.READY)
            assert folder.stat().st_mode & 0o077 == 0


async def test_a_password_reaches_the_process_through_its_input_and_no_file(tmp_path: Path) -> None:
    async with desk_file(tmp_path / "data") as file:
        orders = Orders(file, ManualClock())
        folder = tmp_path / "exports"
        packing = Packing(orders, CONFIG, folder, tmp_path, command(SAY_PASSWORD))
        async with packing.at_work():
            wish = Wish((1,), "why")
            package_id = await packing.ask(RITA, wish, "token", Secret(PASSWORD))
            order = await ended(orders, package_id)
            assert packing.path(order).read_text() == PASSWORD
            assert await packing.ask(RITA, wish, "token", Secret(PASSWORD)) == package_id
        kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
        assert kept
        assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


async def test_a_package_whose_password_a_restart_lost_is_not_made(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        orders = Orders(file, ManualClock())
        made = [tmp_path / "exports", tmp_path, command(WRITE)]
        former = Packing(orders, CONFIG, *made)  # type: ignore[arg-type]
        package_id = await former.ask(RITA, Wish((1,), "why"), "", Secret(PASSWORD))
        packing = Packing(orders, CONFIG, *made)  # type: ignore[arg-type]
        async with packing.at_work():
            order = await ended(orders, package_id)
            assert (order.stage, order.problem) == (Stage.FAILED, PASSWORD_LOST)
            assert not packing.path(order).exists()


async def test_what_no_package_needs_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name in (
        "export-9.zip",
        ".export-9.zip.0a1b.part",
        "export-8.zip.age",
        "mine.zip",
        "export-9.txt",
    ):
        (folder / name).write_bytes(b"")
    async with desk_file(tmp_path) as file:
        orders = Orders(file, ManualClock())
        packing = Packing(orders, CONFIG, folder, tmp_path, command(WRITE))
        async with packing.at_work():
            package_id = await orders.ask(RITA, Wish((1,), "why"), "")
            await packing.look()
            await ended(orders, package_id)
            left = {path.name for path in folder.iterdir()}
            assert left == {"mine.zip", "export-9.txt", f"export-{package_id}.zip"}


async def test_a_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with desk_file(tmp_path) as file:
        orders = Orders(file, ManualClock())
        packing = Packing(orders, CONFIG, tmp_path / "file/exports", tmp_path, command(WRITE))
        with pytest.raises(StorageRefused, match="for exports") as refused:
            async with packing.at_work():
                pass
        assert "desk.exports" in refused.value.hint
