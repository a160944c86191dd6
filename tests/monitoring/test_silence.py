"""A day without calls is news only where such days have always had many."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from archiver.monitoring.silence import (
    Silence,
    days_to_count,
    last_whole_day,
    silence_of,
    stretch_of,
)

MONDAY = date(2026, 11, 2)
BERLIN = ZoneInfo("Europe/Berlin")


def test_nothing_where_there_were_many_is_silence() -> None:
    assert silence_of(MONDAY, [0, 400, 424, 410, 414]) == Silence(MONDAY, 412.0)


def test_one_holiday_among_the_days_before_changes_nothing() -> None:
    assert silence_of(MONDAY, [0, 400, 0, 410, 414]) == Silence(MONDAY, 405.0)


@pytest.mark.parametrize(
    "counts",
    [
        [1, 400, 424, 410, 414],  # one call is no silence
        [0, 0, 0, 0, 0],  # a day of rest, or an archive that is new
        [0, 400, 424, 0, 0],  # too short a history for a habit
        [0, 3, 2, 9, 4],  # so few that none is nothing special
    ],
)
def test_nothing_else_is(counts: list[int]) -> None:
    assert silence_of(MONDAY, counts) is None


def test_the_same_weekdays_of_thirty_days_are_looked_at() -> None:
    days = days_to_count(MONDAY)
    assert days[0] == MONDAY
    assert {one.weekday() for one in days} == {0}
    assert MONDAY - days[-1] == timedelta(days=28)


def test_a_day_counts_when_it_is_over_where_the_people_are() -> None:
    half_past_midnight = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    assert last_whole_day(half_past_midnight, BERLIN) == MONDAY
    assert last_whole_day(half_past_midnight, ZoneInfo("UTC")) == MONDAY - timedelta(days=1)


def test_a_day_on_which_the_clocks_change_has_its_own_length() -> None:
    begin, end = stretch_of(date(2026, 10, 25), BERLIN)
    assert end - begin == timedelta(hours=25)
    assert begin == datetime(2026, 10, 24, 22, tzinfo=UTC)
