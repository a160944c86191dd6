"""How an archive stands, held against what the sandbox was told to do with every call."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.failed_runs import FailedRuns
from archiver.archive.opening import locked_archive
from archiver.archive.status import KEYS, NAMES, look
from archiver.catalog.overview import Period, take_stock
from archiver.catalog.schema import prepare
from archiver.errors import ArchiveDamaged, NoArchive
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import ABSENT, Fault, Status
from archiver.sandbox.world import World
from tests.support.world import FIRST_NIGHT, Night, bench, tree

pytestmark = pytest.mark.anyio

BERLIN = {"window": {"timezone": "Europe/Berlin", "since": "2026-11-01"}}

CALLS: dict[int, tuple[int, int | None, str, str]] = {
    1: (1, 101, "2026-11-02", "archived"),
    2: (1, 102, "2026-11-03", "none"),
    3: (1, 101, "2026-11-02", "none"),
    4: (2, 102, "2026-11-02", "none"),
    5: (2, 102, "2026-11-02", "waiting"),
    6: (2, None, "2026-11-02", "waiting"),
    7: (2, 103, "2026-11-02", "failed"),
    8: (3, 103, "2026-11-02", "gone"),
    9: (3, 103, "2026-11-02", "failed"),
}
"""Order, agent, day in Berlin and state of every call of `every_state`, after three nights."""

TALKED_UNRECORDED = {3, 4}


def every_state() -> World:
    """Calls that end in every state; `FAULTS` do the rest."""
    return (
        World()
        .call(1, order=1, user_id=101, at="2026-11-02T09:00:00Z")
        .recording(11)
        .recording(12)
        .call(2, order=1, user_id=102, at="2026-11-02T23:30:00Z", talk=0, has_records=False)
        .call(3, order=1, user_id=101, talk=45, has_records=False)
        .call(4, order=2, user_id=102, talk=30, fields={"hasRecords": ABSENT})
        .call(5, order=2, user_id=102, has_records=True)
        .call(6, order=2, user_id=None)
        .recording(61, file_url="")
        .call(7, order=2, user_id=103)
        .recording(71)
        .recording(72)
        .call(8, order=3, user_id=103)
        .recording(81)
        .call(9, order=3, user_id=103)
    )


FAULTS = (
    Fault(Route.FILE, Status(500), id=71),
    Fault(Route.FILE, Status(404), id=81),
    Fault(Route.RECORDINGS, Status(403), id=9),
)


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    """An archive after three nights over `every_state`."""
    async with bench(tmp_path, every_state(), FAULTS, settings=BERLIN) as night:
        await night.nights(3)
        yield night


async def stands(night: Night, state: Path | None = None, **period: datetime) -> dict[str, Any]:
    """What `--json` tells of the archive."""
    status = await look(
        night.config(),
        state_folder=state or night.state,
        clock=night.clock,
        since=period.get("since"),
        until=period.get("until"),
    )
    told = status.as_json()
    assert status.exit_code == (3 if told["open"] else 0)
    return told


def expected(by: str) -> dict[Any, Counter[str]]:
    """The table by that key, counted from `CALLS` alone."""
    place = ("order", "agent", "day").index(by)
    table: dict[Any, Counter[str]] = {}
    for call_id, call in CALLS.items():
        counts = table.setdefault(call[place], Counter())
        counts.update(("listed", call[3]))
        counts["unrecordedCalls"] += call_id in TALKED_UNRECORDED
    return table


@pytest.mark.parametrize("by", ["day", "order", "agent"])
async def test_every_table_counts_each_call_once_under_its_state(night: Night, by: str) -> None:
    rows = (await stands(night))["by"][by]
    for row in rows:
        row.pop(NAMES.get(by), None)
    assert all(row.pop("shouldHaveOne") == row["unrecordedCalls"] for row in rows)
    found = {row.pop(KEYS[by]): Counter(row) for row in rows}
    assert found == expected(by)
    keys = list(found)
    assert keys == sorted(keys, key=lambda key: (key is None, key))


async def test_the_sums_are_those_of_the_world(night: Night) -> None:
    told = await stands(night)
    assert told["calls"].pop("shouldHaveOne") == told["calls"]["unrecordedCalls"]
    assert Counter(told["calls"]) == sum(expected("order").values(), Counter())
    assert told["recordings"] == {"listed": 6, "archived": 3, "waiting": 1, "failed": 1, "gone": 1}
    assert told["bytes"] == sum(len(one.audio) for one in night.archive.recordings().values())
    assert (told["oldestCall"], told["newestCall"]) == (
        "2026-11-02T09:00:00Z",
        "2026-11-02T23:30:00Z",
    )
    assert told["ledgerHead"] == night.archive.head()


async def test_everything_open_is_named_with_its_reason_age_attempts_and_next_step(
    night: Night,
) -> None:
    told = await stands(night)
    reasons = {(one["callId"], one["recordId"]): one["reason"] for one in told["problems"]}
    assert reasons == {
        (5, None): "none-listed",
        (6, 61): "no-address",
        (7, 71): "source-error",
        (9, None): "list-forbidden",
    }
    assert told["open"] == 4
    for one in told["problems"]:
        assert (one["orderId"], one["userId"]) == CALLS[one["callId"]][:2]
        assert one["state"] == CALLS[one["callId"]][3]
        assert one["attempts"] == 3
        assert one["openSince"] == "2026-11-03T01:00:00Z"
        assert one["ageSeconds"] == timedelta(days=3).total_seconds()
    assert "give the API key permission" in told["problems"][-1]["nextStep"]


async def test_calls_with_talk_and_no_recording_are_named_apart(night: Night) -> None:
    talks = (await stands(night))["unrecordedCalls"]
    assert {one["callId"]: one["talkSeconds"] for one in talks} == {3: 45, 4: 30}
    settled, due = talks
    assert settled["dueAt"] is None
    assert "ask the operator of the source" in settled["nextStep"]
    assert due["dueAt"] > "2026-11-05"
    assert due["nextStep"] == "a later run checks it again"


async def test_what_is_gone_is_named_with_the_days_on_which_the_source_denied_it(
    night: Night,
) -> None:
    (gone,) = (await stands(night))["gone"]
    assert (gone["callId"], gone["recordId"]) == (8, 81)
    assert gone["missingDays"] == ["2026-11-03", "2026-11-04", "2026-11-05"]


async def test_the_last_runs_are_told_newest_first(night: Night) -> None:
    runs = (await stands(night))["runs"]
    assert [one["complete"] for one in runs] == [False] * 3
    assert [one["endedAt"][:10] for one in runs] == ["2026-11-05", "2026-11-04", "2026-11-03"]
    assert {one["report"] for one in runs} <= set(night.archive.objects())


async def test_summaries_to_come_are_counted_as_the_run_counted_them(tmp_path: Path) -> None:
    world = World().call(1).recording(11, summary=None).recording(12, summary="Bought a lamp")
    async with bench(tmp_path, world) as night:
        report = await night.run()
        assert (await stands(night))["pendingSummaries"] == report.pending_summaries == 1


async def test_another_machine_without_a_catalog_tells_the_same(night: Night) -> None:
    assert await stands(night, night.folder / "elsewhere") == await stands(night)


async def test_a_period_is_half_open_and_closes_on_itself(night: Night) -> None:
    """Midnight in Berlin parts the calls; what is open counts in its own period only."""
    midnight = datetime(2026, 11, 2, 23, tzinfo=UTC)
    before, after = await stands(night, until=midnight), await stands(night, since=midnight)
    assert (before["calls"]["listed"], before["open"]) == (8, 4)
    assert (after["calls"]["listed"], after["open"]) == (1, 0)
    assert after["recordings"]["listed"] == after["bytes"] == 0
    first = datetime(2026, 11, 2, 9, tzinfo=UTC)
    second = first + timedelta(seconds=1)
    assert (await stands(night, since=first, until=second))["by"]["order"] == [
        {
            "orderId": 1,
            "orderTitle": "Delivery line",
            **dict.fromkeys(after["calls"], 0),
            "listed": 1,
            "archived": 1,
        }
    ]


async def test_a_look_takes_no_lock_and_changes_nothing(night: Night) -> None:
    async with locked_archive(
        night.config(), owner="a run", state_folder=night.state, clock=night.clock
    ):
        before = tree(night.folder / "archive")
        told = await stands(night)
        assert tree(night.folder / "archive") == before
    assert told["calls"]["listed"] == len(CALLS)


async def test_what_a_run_has_recorded_and_not_yet_published_is_seen(night: Night) -> None:
    """The catalog of this machine is ahead of the ledger while a run works."""
    with closing(sqlite3.connect(night.catalog)) as db, db:
        db.execute("UPDATE calls SET state = 'none' WHERE call_id = 1")
    assert (await stands(night))["by"]["agent"][0]["archived"] == 0


async def test_an_archive_in_which_nothing_is_open_ends_with_0(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        told = await stands(night)
        assert (told["open"], told["problems"]) == (0, [])
        assert told["runs"][0]["complete"]


async def test_runs_that_failed_since_the_last_one_end_with_3(tmp_path: Path) -> None:
    async with bench(tmp_path, World().call(1).recording(11)) as night:
        await night.run()
        week = timedelta(days=7)
        for ended, code in ((night.clock() + week, 3), (night.clock() - week, 0)):
            failed = FailedRuns(7, ended - week, ended, 5)
            status = await look(
                night.config(), state_folder=night.state, clock=night.clock, failed=failed
            )
            assert status.exit_code == code
            told = status.as_json()["failedRuns"]
            assert (told and told["count"]) == (7 if code else None)


async def test_days_without_calls_between_days_with_calls_are_named(tmp_path: Path) -> None:
    world = World()
    for number, day in enumerate((2, 3, 6, 8), start=1):
        world.call(number, at=f"2026-11-0{day}T09:00:00Z")
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=8)
        await night.run()
        told = await stands(night)
        assert told["daysWithoutCalls"] == ["2026-11-04", "2026-11-05", "2026-11-07"]


async def test_where_there_is_no_archive_it_says_what_makes_one(tmp_path: Path) -> None:
    async with bench(tmp_path) as night:
        with pytest.raises(NoArchive) as caught:
            await stands(night)
        assert "archiver run" in caught.value.hint


async def test_a_ledger_that_does_not_hold_is_damage(night: Night) -> None:
    for segment in (night.folder / "archive/_archive/ledger").iterdir():
        segment.chmod(0o600)
        segment.write_bytes(segment.read_bytes().replace(b'"failed"', b'"gone"  '))
    with pytest.raises(ArchiveDamaged):
        await stands(night, night.folder / "elsewhere")


@pytest.fixture
def catalog() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        prepare(db)
        yield db


def test_an_open_recording_of_a_settled_call_is_not_overlooked(catalog: sqlite3.Connection) -> None:
    """Two machines may have told of it in another order; and a call may yet be unknown."""
    catalog.execute(
        "INSERT INTO calls (call_id, state, attempts, judged_at) VALUES (1, 'archived', 0, 0)"
    )
    catalog.executemany(
        "INSERT INTO recordings (record_id, call_id, state, reason) VALUES (?, ?, 'failed', 'new')",
        [(11, 1), (21, 2)],
    )
    catalog.execute("INSERT INTO links VALUES (1, 11)")
    found = take_stock(catalog, Period(UTC))
    assert [(one.call.call_id, one.record_id) for one in found.open] == [(1, 11), (2, 21)]
    assert [one.reason for one in found.open] == ["new", "new"]


def test_a_recording_under_two_calls_counts_once_and_is_named_with_both(
    catalog: sqlite3.Connection,
) -> None:
    for call_id in (1, 2):
        catalog.execute(
            "INSERT INTO calls (call_id, state, attempts, judged_at) VALUES (?, 'failed', 1, 0)",
            (call_id,),
        )
        catalog.execute("INSERT INTO links VALUES (?, 11)", (call_id,))
    catalog.execute(
        "INSERT INTO recordings (record_id, call_id, state, reason) VALUES (11, 1, 'failed', 'x')"
    )
    found = take_stock(catalog, Period(UTC))
    assert found.recordings == {"failed": 1}
    assert [(one.call.call_id, one.record_id) for one in found.open] == [(1, 11), (2, 11)]


def test_removals_and_holds_are_counted(catalog: sqlite3.Connection) -> None:
    catalog.executescript(
        """
        INSERT INTO tombstones (record_id, call_id, why, removed_at)
        VALUES (1, 1, 'retention', 0), (2, 1, 'retention', 0), (3, 2, 'erasure', 0);
        INSERT INTO removals (record_id, why, begun_at) VALUES (4, 'retention', 0);
        INSERT INTO holds (hold_id, placed_at, key, sha256, lifted_at)
        VALUES ('a', 0, 'k', 's', NULL), ('b', 0, 'l', 's', 1);
        """
    )
    found = take_stock(catalog, Period(UTC))
    assert found.removed == {"retention": 2, "erasure": 1}
    assert (found.removing, found.holds) == (1, 1)


def test_calls_without_a_date_belong_to_no_period(catalog: sqlite3.Connection) -> None:
    catalog.execute(
        "INSERT INTO calls (call_id, state, attempts, judged_at, talk_seconds)"
        " VALUES (1, 'none', 0, 0, 9)"
    )
    found = take_stock(catalog, Period(UTC))
    assert (list(found.by_day), found.by_day[None].unrecorded, found.oldest) == ([None], 1, None)
    assert not take_stock(catalog, Period(UTC, since=FIRST_NIGHT)).by_day


async def test_orders_are_named_as_their_newest_sidecars_name_them(night: Night) -> None:
    tables = (await stands(night))["by"]
    assert {row["orderId"]: row["orderTitle"] for row in tables["order"]}[1] == "Delivery line"
    for path in night.archive.root.glob("[0-9]*/*/*.json"):
        path.chmod(0o644)
        path.write_bytes(b"no sidecar")
    tables = (await stands(night))["by"]
    assert {row["orderTitle"] for row in tables["order"]} == {None}
