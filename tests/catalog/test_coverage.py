"""The sums of a statement add up to what `status` counts one by one."""

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from archiver.catalog.coverage import Coverage, OpenGroup, take_coverage
from archiver.catalog.overview import Period, take_stock
from archiver.catalog.schema import prepare

NOW = datetime(2026, 11, 30, 5, tzinfo=UTC)
OCTOBER = Period(UTC, datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def db() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    prepare(db)
    return db


IDS = count(1)


def call(
    db: sqlite3.Connection,
    state: str,
    at: datetime | None,
    *,
    talk: float | None = 60.0,
    order: int | None = 1,
    agent: int | None = 7,
    open_days: float = 0.5,
) -> int:
    """A call with one recording in the same state, unless it has none; its id."""
    number = next(IDS)
    created = None if at is None else int(at.timestamp())
    is_open = state in ("waiting", "failed")
    since = int((NOW - timedelta(days=open_days)).timestamp()) if is_open else None
    reason = "source-error" if state == "failed" else "none-listed" if is_open else None
    db.execute(
        "INSERT INTO calls (call_id, state, lead_id, order_id, user_id, created_at, talk_seconds,"
        " open_since, attempts, reason, judged_at) VALUES (?, ?, 5, ?, ?, ?, ?, ?, 0, ?, 0)",
        (number, state, order, agent, created, talk, since, reason),
    )
    if state != "none":
        db.execute(
            "INSERT INTO recordings (record_id, state, call_id, bytes, reason, open_since)"
            " VALUES (?, ?, ?, 1000, ?, ?)",
            (number, state, number, reason, since),
        )
        db.execute("INSERT INTO links VALUES (?, ?)", (number, number))
    return number


def october(db: sqlite3.Connection, reviewed: tuple[int, ...] = ()) -> Coverage:
    return take_coverage(db, OCTOBER, now=NOW, reviewed=reviewed)


def test_every_call_counts_once_as_in_the_status(db: sqlite3.Connection) -> None:
    at = datetime(2026, 10, 5, 9, tzinfo=UTC)
    for ago, state in enumerate(("archived", "none", "waiting", "failed", "gone", "archived") * 3):
        call(db, state, at + timedelta(hours=9 * ago), agent=ago % 4 or None, order=ago % 3 or None)
    call(db, "archived", datetime(2026, 11, 1, tzinfo=UTC))
    call(db, "archived", None)
    for period in (OCTOBER, Period(UTC)):
        found, known = take_coverage(db, period, now=NOW), take_stock(db, period)
        assert found.in_all.calls == known.in_all.calls
        assert found.in_all.unrecorded == known.in_all.unrecorded == 3
        assert found.recordings == known.recordings
        assert found.bytes == known.bytes
        for mine, theirs in (
            (found.by_day, known.by_day),
            (found.by_agent, known.by_agent),
            (found.by_order, known.by_order),
        ):
            assert {key: one.calls for key, one in mine.items()} == {
                key: one.calls for key, one in theirs.items()
            }
        assert sum(sum(one.by_age) for one in found.open) == len(known.open)


def test_talk_is_summed_by_the_state_of_its_call(db: sqlite3.Connection) -> None:
    at = datetime(2026, 10, 5, 9, tzinfo=UTC)
    call(db, "archived", at, talk=90.0)
    call(db, "archived", at, talk=None)
    call(db, "none", at, talk=10.0)
    assert october(db).in_all.talk == Counter({"archived": 90, "none": 10})


def test_what_is_open_is_grouped_by_reason_and_age(db: sqlite3.Connection) -> None:
    at = datetime(2026, 10, 5, 9, tzinfo=UTC)
    for days in (0.5, 3, 6.9, 20, 31, 400):
        call(db, "failed", at, open_days=days)
    call(db, "waiting", at, open_days=8)
    assert october(db).open == [
        OpenGroup("failed", "source-error", (1, 2, 1, 2)),
        OpenGroup("waiting", "none-listed", (0, 0, 1, 0)),
    ]


def test_the_weeks_before_are_counted_and_are_no_part_of_the_period(db: sqlite3.Connection) -> None:
    assert OCTOBER.since is not None
    call(db, "archived", OCTOBER.since - timedelta(days=7))
    call(db, "archived", OCTOBER.since - timedelta(days=40))
    found = october(db)
    assert list(found.before.values()) == [1]
    assert found.in_all.calls.total() == 0
    assert found.oldest == OCTOBER.since - timedelta(days=40)


def test_acts_count_by_when_they_were_done(db: sqlite3.Connection) -> None:
    inside, later = (int(datetime(2026, month, 9, tzinfo=UTC).timestamp()) for month in (10, 11))
    for number, at in enumerate((inside, later)):
        db.execute("INSERT INTO exports VALUES (?, ?, 'm', 1, 3, 500, 0)", (f"e{number}", at))
        db.execute(
            "INSERT INTO tombstones VALUES (?, 1, NULL, NULL, 'retention', NULL, ?)", (number, at)
        )
        db.execute(
            "INSERT INTO holds (hold_id, placed_at, key, sha256) VALUES (?, ?, 'k', 's')",
            (f"h{number}", at),
        )
        db.execute(
            "INSERT INTO runs (run_id, ended_at, report_key, report_sha256, complete)"
            " VALUES (?, ?, 'k', 's', ?)",
            (f"r{number}", at, number),
        )
    db.execute("UPDATE holds SET lifted_at = ? WHERE hold_id = 'h0'", (later,))
    found = october(db)
    assert (found.exports.count, found.exports.recordings, found.exports.bytes) == (1, 3, 500)
    assert found.removed == {"retention": 1}
    assert (found.holds.placed, found.holds.lifted, found.holds.in_force) == (1, 0, 1)
    assert (found.runs.count, found.runs.complete) == (1, 0)
    everything = take_coverage(db, Period(UTC), now=NOW)
    assert (everything.exports.count, everything.holds.placed, everything.holds.lifted) == (2, 2, 1)


def test_sound_and_reviews_are_those_of_recordings_of_the_period(db: sqlite3.Connection) -> None:
    at = datetime(2026, 10, 5, 9, tzinfo=UTC)
    mine = [call(db, "archived", at) for _ in range(3)]
    other = call(db, "archived", datetime(2026, 11, 5, tzinfo=UTC))
    for one, said in ((mine[0], ["silent", "clipped"]), (mine[1], []), (other, ["silent"])):
        db.execute(
            "INSERT INTO inspections (record_id, inspected_at, rules, findings, is_written)"
            " VALUES (?, 0, 1, ?, 1)",
            (one, json.dumps(said)),
        )
    found = october(db, (mine[0], mine[2], other, 10**9))
    assert (found.sound.examined, found.sound.not_examined) == (2, 1)
    assert found.sound.findings == Counter({"silent": 1, "clipped": 1})
    assert found.reviewed == 2
