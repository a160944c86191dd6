"""A prune or an erasure that dies after any of its steps is completed: no loss that the ledger does
not tell of, no object that nobody knows, and nothing fetched again."""

import multiprocessing
import shutil
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from archiver.errors import UsageError
from archiver.sandbox.exchange import Route
from archiver.verify.verify import Wanted, verify
from tests.crash.child import DIED
from tests.retention.acts import (
    NAME,
    PHONE,
    SUMMARY,
    check_rebuilt,
    erasable,
    erased,
    held,
    holding,
    lifted,
    planned,
    pruned,
)
from tests.retention.crash_child import ACTS, die
from tests.support.witness import Witness
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.retention.crash_child"])
    return context


def died(
    processes: ForkServerContext, folder: Path, name: str, last: int | None, note: Path
) -> int | None:
    process = processes.Process(target=die, args=(folder, name, last, note))
    process.start()
    process.join(60)
    return process.exitcode


async def prepare(folder: Path, name: str) -> None:
    """Two nights; for an erasure with a lifted hold that names the person."""
    async with bench(folder, ACTS[name][0]()) as night:
        await night.nights(2)
        if name == "erase":
            await lifted(night, await held(night, leads=(789,), reason=f"{NAME} {PHONE}"))


def explained(witness: Witness) -> None:
    """Whatever is missing was announced, and whatever lies there is told of."""
    announced = {one for event in witness.events("removing") for one in event["recordIds"]}
    erasing = {event["leadId"] for event in witness.events("erasing")}
    objects = witness.objects()
    for event in witness.events("stored"):
        sidecar = event["key"].rpartition(".")[0] + ".json"
        if event["recordId"] not in announced:
            assert {event["key"], sidecar} <= set(objects)
    for event in witness.events("removed"):
        assert event["key"] not in objects
    for event in witness.events("erased"):
        assert event["leadId"] in erasing
    witness.segments()


async def found_by_verify(night: Night) -> list[str]:
    """What `verify` has to say, also in the middle of a removal."""
    verified = await verify(night.config(), Wanted(), state_folder=night.state)
    return [
        f"{one.name} {one.key}"
        for one in verified.found.findings
        if not one.key.startswith("_archive/tmp/")
    ]


async def completed(night: Night, name: str, by: str) -> None:
    if by == "run":
        assert (await night.run()).exit_code in (0, 3)
        return
    # A removal whose announcement was written and not claimed is seen by the owner of the lock
    # alone: it is finished first, and then the number that was shown before is too high.
    with suppress(UsageError):
        if name == "prune":
            await pruned(night, len((await planned(night)).record_ids))
        else:
            await erased(night, len((await erasable(night)).archived))


async def dies_at(
    tmp_path: Path, processes: ForkServerContext, name: str, stride: int, first: int
) -> None:
    base, note = tmp_path / "base", tmp_path / "note"
    await prepare(base, name)
    shutil.copytree(base, tmp_path / "whole")
    assert died(processes, tmp_path / "whole", name, None, note) == 0
    expected = set(Witness(tmp_path / "whole/archive").recordings())
    for last in range(first, int(note.read_text()) + 1, stride):
        folder = tmp_path / str(last)
        shutil.copytree(base, folder)
        assert died(processes, folder, name, last, note) == DIED, f"step {last}"
        explained(Witness(folder / "archive"))
        if last % 3 == 0:
            shutil.rmtree(folder / "state")
        async with bench(folder, ACTS[name][0]()) as night:
            night.clock.advance(days=ACTS[name][2])
            assert await found_by_verify(night) == []
            await completed(night, name, "run" if last % 2 else "itself")
            explained(night.archive)
            assert await found_by_verify(night) == []
            if not night.archive.objects().keys() & {"789/1/11.wav", "5/1/11.wav"}:
                await check_end(night, name, expected)
            else:  # it died before it announced anything: nothing was changed
                assert list(night.archive.events("removing")) == []
        shutil.rmtree(folder)


async def check_end(night: Night, name: str, expected: set[int]) -> None:
    witness = night.archive
    assert set(witness.recordings()) == expected
    pending = {one for event in witness.events("removing") for one in event["recordIds"]}
    assert pending == {event["recordId"] for event in witness.events("removed")}
    night.sandbox.forget()
    night.clock.advance(days=1)
    await night.run(since=night.clock.now.replace(month=11, day=1))
    assert night.sandbox.count(Route.FILE) == 0
    if name == "erase":
        assert holding(night, NAME, PHONE, SUMMARY) == []
        assert not any("789/" in key for key in witness.objects())
    await night.run()
    assert night.sandbox.count(Route.FILE) == 0
    assert [key for key in witness.objects() if "/tmp/" in key] == []
    await check_rebuilt(night)


@pytest.mark.parametrize("name", ["prune", "erase"])
async def test_it_may_die_at_a_sample_of_its_steps(
    tmp_path: Path, processes: ForkServerContext, name: str
) -> None:
    await dies_at(tmp_path, processes, name, stride=25, first=4)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["prune", "erase"])
async def test_it_may_die_after_any_of_its_steps(
    tmp_path: Path, processes: ForkServerContext, name: str
) -> None:
    await dies_at(tmp_path, processes, name, stride=1, first=1)
