"""What a killed run did not record is no damage: `verify` says so at once, and a run records it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.unrecorded import Left
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from archiver.verify.verify import Verified, Wanted, verify
from tests.support.puts import put_by
from tests.support.world import Night, bench
from tests.verify.archives import AT_ONCE

pytestmark = pytest.mark.anyio

LONG_AGO = 30
"""Days after which no plain run looks at a call any more."""

REVISION, KEPT = "50001/1/11.json", "_archive/revisions/50001/1/11.1.json"


class Died(BaseException):
    """The end of a process, as far as one test can tell."""


async def dies(night: Night, suffix: str, *, before: bool = False, **wanted: Any) -> None:
    """A run that ends right after, or before, the put of a key that ends so."""
    put: Callable[..., Awaitable[Any]] = LocalStorage.put

    async def dying(storage: LocalStorage, key: str, *others: Any, **named: Any) -> Any:
        if before and key.endswith(suffix):
            raise Died
        result = await put(storage, key, *others, **named)
        if key.endswith(suffix):
            raise Died
        return result

    with pytest.MonkeyPatch.context() as patch:
        put_by(patch, dying)
        with pytest.raises((Died, BaseExceptionGroup)):
            await night.run(**wanted)


async def verified(night: Night, **wanted: Any) -> Verified:
    return await verify(
        night.config(),
        Wanted(**wanted),
        state_folder=night.state,
        patience=AT_ONCE,
        pace=night.pace,
    )


async def left(night: Night) -> set[tuple[str, Left]]:
    """What `verify` says was left behind; fails when it calls anything damaged."""
    found = (await verified(night)).found
    assert found.findings == []
    return {(one.key, one.what) for one in found.unrecorded}


def old_world() -> World:
    return World().call(1).recording(11, summary=None)


async def aged(night: Night) -> None:
    """One run, and then so long a time that only `--recheck` looks at its calls again."""
    await night.run()
    night.clock.advance(days=LONG_AGO)
    await night.run()
    night.world.change_recording(11, summary="Said.")


async def recheck(night: Night) -> dict[str, Any]:
    return {"recheck": True, "since": night.clock.now - timedelta(days=LONG_AGO + 9)}


@pytest.mark.parametrize("suffix", ["11.1.json", "1/11.json"])
async def test_a_killed_recheck_is_no_damage_and_a_plain_run_records_it(
    tmp_path: Path, suffix: str
) -> None:
    async with bench(tmp_path, old_world()) as night:
        await aged(night)
        await dies(night, suffix, **await recheck(night))
        is_replaced = suffix == "1/11.json"
        expected = {(KEPT, Left.REVISION if is_replaced else Left.KEPT_COPY)}
        expected |= {(REVISION, Left.REVISION)} if is_replaced else set()
        assert await left(night) == expected
        assert (await night.run()).exit_code == 0
        assert await left(night) == (set() if is_replaced else expected)
        revisions = [event["revision"] for event in night.archive.events("revised")]
        assert revisions == ([2] if is_replaced else [])
        await night.run(**await recheck(night))
        night.check_archive()
        assert await left(night) == set()
        assert [event["revision"] for event in night.archive.events("revised")] == [2]


async def test_a_repair_after_a_killed_recheck_records_it_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, old_world()) as night:
        await aged(night)
        await dies(night, "1/11.json", **await recheck(night))
        before = {key for key in night.archive.objects() if "ledger" not in key}
        repaired = await verified(night, repair=True)
        assert (repaired.found.findings, repaired.found.unrecorded) == ([], [])
        assert {key for key in night.archive.objects() if "ledger" not in key} == before
        assert await left(night) == set()
        assert (await night.run()).exit_code == 0
        night.check_archive()


async def test_a_repair_records_it_although_the_api_is_down(tmp_path: Path) -> None:
    async with bench(tmp_path, old_world()) as night:
        await aged(night)
        await dies(night, "1/11.json", **await recheck(night))
        night.sandbox.faults.add(Fault(Route.ORDERS, Status(500)))
        assert (await verified(night, repair=True)).found.unrecorded == []


async def test_a_recording_that_a_run_left_is_no_damage_while_its_lock_tells_of_it(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await dies(night, "11.json")
        lying = {("50001/1/11.wav", Left.RECORDING), (REVISION, Left.RECORDING)}
        assert await left(night) == lying
        (night.archive.root / "_archive/tmp/lock").unlink()
        found = (await verified(night)).found
        assert {one.key for one in found.findings} == {key for key, _ in lying}


async def test_a_report_that_was_not_recorded_is_no_damage_and_any_run_records_it(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        (report,) = (night.archive.root / "_archive/runs").iterdir()
        late = report.with_name("20261103T010000Z-abcdef.json")
        run_id = report.stem
        late.write_bytes(report.read_bytes().replace(run_id.encode(), late.stem.encode()))
        assert await left(night) == {(f"_archive/runs/{late.name}", Left.REPORT)}
        night.clock.advance(days=1)
        assert (await night.run()).exit_code == 0
        assert await left(night) == set()
        night.check_archive()


async def test_a_sidecar_whose_line_does_not_lead_back_is_damage_as_before(tmp_path: Path) -> None:
    async with bench(tmp_path, old_world()) as night:
        await aged(night)
        await dies(night, "1/11.json", **await recheck(night))
        kept = night.archive.root / KEPT
        kept.chmod(0o644)
        kept.write_bytes(kept.read_bytes().replace(b"Anna", b"Ann "))
        kept.write_bytes(kept.read_bytes().replace(b'"revision": 1', b'"revision":  1'))
        found = (await verified(night)).found
        assert {(one.name, one.key) for one in found.findings} == {
            ("unexpected", KEPT),
            ("wrong-size", REVISION),
        }
