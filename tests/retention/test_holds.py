"""Legal holds: placed at any time, obeyed at once, their reasons apart from the ledger."""

from pathlib import Path
from typing import Any

import pytest

from archiver.errors import UsageError
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.retention.acts import check_rebuilt, held, holds, lifted, planned, pruned
from tests.support.puts import put_by
from tests.support.witness import digest
from tests.support.world import bench

pytestmark = pytest.mark.anyio

REASON = "Müller ./. Müller, +49 151 234"


def world() -> World:
    return World().call(1, lead=5).recording(11).call(2, lead=6).recording(21)


async def test_the_ledger_tells_ids_and_a_digest_and_never_the_reason(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await night.run()
        hold = await held(night, leads=(5, 6), calls=(7,), orders=(1,), reason=REASON)
        (event,) = night.archive.events("held")
        assert (event["leadIds"], event["callIds"], event["orderIds"]) == ([5, 6], [7], [1])
        data = night.archive.objects()[f"_archive/holds/{hold}.json"]
        assert event["sha256"] == digest(data)
        assert REASON.encode() in data
        assert b'"placedBy": "anna@desk"' in data
        ledger = b"".join(night.archive.segments())
        assert b"ller" not in ledger
        assert b"anna" not in ledger
        await lifted(night, hold, reason="settled")
        (event,) = night.archive.events("lifted")
        assert event["holdId"] == hold
        assert event["sha256"] == digest(night.archive.objects()[event["key"]])
        assert [one.lifted_at is None for one in await holds(night)] == [False]
        await check_rebuilt(night)


async def test_a_hold_may_be_placed_while_a_run_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalStorage.put
    placed: list[str] = []
    async with bench(tmp_path, world()) as night:

        async def meanwhile(storage: LocalStorage, key: str, *others: Any, **named: Any) -> Any:
            if key.endswith("31.wav"):
                placed.append(await held(night, leads=(5,)))
            return await put(storage, key, *others, **named)

        await night.run()
        night.world.call(3, lead=5, at="2026-11-02T20:00:00Z").recording(31)
        night.clock.advance(days=1)
        put_by(monkeypatch, meanwhile)
        assert (await night.run()).exit_code == 0
        assert [one.hold_id for one in await holds(night)] == placed
        night.clock.advance(days=40)
        assert (await planned(night)).record_ids == [21]
        assert len(night.archive.segments()) >= 3
        await check_rebuilt(night)


async def test_lifting_one_of_two_holds_leaves_the_other(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await night.run()
        first, second = await held(night, leads=(5,)), await held(night, calls=(1,))
        night.clock.advance(days=40)
        await lifted(night, first)
        assert (await planned(night)).record_ids == [21]
        await lifted(night, second)
        assert (await planned(night)).record_ids == [11, 21]


async def test_what_cannot_be_is_refused_with_words(tmp_path: Path) -> None:
    async with bench(tmp_path, world()) as night:
        await night.run()
        with pytest.raises(UsageError, match="no lead, call or order was given"):
            await held(night)
        with pytest.raises(UsageError, match="requires a reason"):
            await held(night, leads=(5,), reason="  ")
        with pytest.raises(UsageError, match="characters"):
            await held(night, leads=(5,), reason="x" * 5000)
        with pytest.raises(UsageError, match="too many ids"):
            await held(night, leads=tuple(range(1, 50_000)))
        with pytest.raises(UsageError, match="there is no hold"):
            await lifted(night, "h0")
        hold = await held(night, leads=(5,))
        await lifted(night, hold)
        with pytest.raises(UsageError, match="was already lifted"):
            await lifted(night, hold)


class Died(BaseException):
    """The end of a process, as far as one test can tell."""


async def test_a_hold_whose_placing_died_halfway_is_in_force_before_anything_goes(
    tmp_path: Path,
) -> None:
    put = LocalStorage.put

    async def dying(storage: LocalStorage, key: str, *others: Any, **named: Any) -> Any:
        result = await put(storage, key, *others, **named)
        if "/holds/" in key:
            raise Died
        return result

    async with bench(tmp_path, world()) as night:
        await night.run()
        with pytest.MonkeyPatch.context() as patch:
            put_by(patch, dying)
            with pytest.raises((Died, BaseExceptionGroup)):
                await held(night, leads=(5,))
        assert await holds(night) == []
        night.clock.advance(days=40)
        with pytest.raises(UsageError, match="1 recording would be deleted now, not 2"):
            await pruned(night, 2)
        assert len(await holds(night)) == 1
