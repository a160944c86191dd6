"""Days in SQL are those that the calendar of the zone has."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.catalog.days import date_of, day_of

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/Moscow",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]


def days(zone: ZoneInfo, moments: list[int]) -> list[date | None]:
    expression = day_of("moments.value", zone, min(moments), max(moments))
    with closing(sqlite3.connect(":memory:")) as db:
        rows = db.execute(
            f"SELECT {expression} FROM json_each(?) AS moments", (str(moments),)
        ).fetchall()
    return [date_of(row[0]) for row in rows]


@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 4_102_000_000), min_size=1, max_size=20),
)
def test_any_moments_fall_on_the_day_that_the_zone_has_then(zone: str, moments: list[int]) -> None:
    told = [datetime.fromtimestamp(one, ZoneInfo(zone)).date() for one in moments]
    assert days(ZoneInfo(zone), moments) == told


@pytest.mark.parametrize("zone", ZONES)
def test_the_second_before_and_after_a_change_of_clocks_is_right(zone: str) -> None:
    turns = range(1_760_000_000, 1_800_000_000, 3_600)
    moments = [one for turn in turns[::6] for one in (turn - 1, turn)]
    told = [datetime.fromtimestamp(one, ZoneInfo(zone)).date() for one in moments]
    assert days(ZoneInfo(zone), moments) == told


def test_dates_that_servers_send_for_never_do_no_harm() -> None:
    first = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
    last = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
    for zone in ZONES:
        never, now, ever = days(ZoneInfo(zone), [first, 1_790_000_000, last])
        assert never == date.min
        assert now == datetime.fromtimestamp(1_790_000_000, ZoneInfo(zone)).date()
        assert ever is not None
        assert ever.year == 9999


def test_no_moment_is_no_day() -> None:
    assert date_of(None) is None
