"""When a run is due: every so often, at a time of day, over every change of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.schedule.schedule import Schedule, first_moment, parse_time_of_day

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def nightly(at: str = "01:30", days: int = 1, zone: ZoneInfo = BERLIN) -> Schedule:
    return Schedule(days * DAY, parse_time_of_day(at), zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due_moments(schedule: Schedule, last: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        last = schedule.due_after(last)
        found.append(last.astimezone(schedule.zone).isoformat(timespec="minutes"))
    return found


def test_a_night_keeps_its_time_of_day_when_summer_time_ends() -> None:
    assert due_moments(nightly(), utc("2026-10-23 12:00"), 3) == [
        "2026-10-24T01:30+02:00",
        "2026-10-25T01:30+02:00",
        "2026-10-26T01:30+01:00",
    ]


def test_a_time_that_comes_twice_has_its_run_at_the_first_of_the_two() -> None:
    assert due_moments(nightly("02:30"), utc("2026-10-24 12:00"), 2) == [
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


def test_a_time_that_does_not_exist_has_its_run_at_the_first_moment_after_it() -> None:
    assert due_moments(nightly("02:30"), utc("2026-03-28 12:00"), 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_a_midnight_that_does_not_exist_is_the_first_moment_of_its_day() -> None:
    beirut = nightly("00:00", zone=ZoneInfo("Asia/Beirut"))
    assert due_moments(beirut, utc("2026-03-28 12:00"), 1) == ["2026-03-29T01:00+03:00"]


def test_a_day_that_a_zone_leaves_out_does_not_stop_the_nights() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    samoa = nightly(zone=ZoneInfo("Pacific/Apia"))
    assert due_moments(samoa, utc("2011-12-29 12:00"), 3) == [
        "2011-12-31T00:00+14:00",
        "2011-12-31T01:30+14:00",
        "2012-01-01T01:30+14:00",
    ]


def test_a_run_that_began_late_does_not_move_the_next() -> None:
    assert nightly().due_after(utc("2026-11-03 17:00")) == utc("2026-11-04 00:30")


def test_several_days_are_counted_from_the_day_that_the_last_run_was_of() -> None:
    assert nightly(days=7).due_after(utc("2026-11-03 00:29")) == utc("2026-11-09 00:30")
    assert nightly(days=7).due_after(utc("2026-11-03 00:30")) == utc("2026-11-10 00:30")


def test_without_a_time_of_day_it_is_the_length_that_counts() -> None:
    hourly = Schedule(timedelta(hours=1), None, BERLIN)
    assert hourly.due_after(utc("2026-10-25 00:40")) == utc("2026-10-25 01:40")


def test_a_missed_run_is_due_at_once() -> None:
    now = utc("2026-11-06 09:00")
    assert nightly().next_due(utc("2026-11-03 00:30"), now) == now
    assert Schedule(timedelta(hours=1), None, BERLIN).next_due(utc("2026-11-06 07:00"), now) == now


def test_the_first_run_is_due_at_once_or_waits_for_its_time_of_day() -> None:
    now = utc("2026-11-06 09:00")
    assert nightly().next_due(None, now) == utc("2026-11-07 00:30")
    assert nightly(days=7).next_due(None, now) == utc("2026-11-07 00:30")
    assert Schedule(DAY, None, BERLIN).next_due(None, now) == now


def test_a_last_run_in_the_future_does_not_put_the_next_off_for_years() -> None:
    now, future = utc("2026-11-06 09:00"), utc("2031-01-01 00:30")
    assert nightly().next_due(future, now) == utc("2026-11-07 00:30")
    assert Schedule(DAY, None, BERLIN).next_due(future, now) == now


def test_a_clock_that_was_set_back_a_little_brings_no_second_run() -> None:
    last = utc("2026-11-06 00:30")
    assert nightly().next_due(last, last - timedelta(minutes=20)) == utc("2026-11-07 00:30")


@pytest.mark.parametrize("every", [timedelta(hours=1), timedelta(hours=36), timedelta(days=1.5)])
def test_a_time_of_day_without_whole_days_is_refused(every: timedelta) -> None:
    with pytest.raises(ValueError, match="--every must be whole days"):
        Schedule(every, time(1, 30), BERLIN)


def test_next_to_no_time_between_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1s"):
        Schedule(timedelta(milliseconds=1), None, BERLIN)


@pytest.mark.parametrize("text", ["", "1:3", "24:00", "01:60", "0130", "01:30:00", "1pm", "١:٣٠"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time of day"):
        parse_time_of_day(text)


@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "UTC"]
    ),
    at=st.times().map(lambda one: one.replace(second=0, microsecond=0, fold=0)),
    day=st.dates(date(1990, 1, 1), date(2036, 1, 1)),
)
def test_every_day_has_one_due_moment_in_the_order_of_the_days(
    zone: str, at: time, day: date
) -> None:
    schedule = Schedule(DAY, at, ZoneInfo(zone))
    moments = [
        first_moment(datetime.combine(day + n * DAY, at), schedule.zone) for n in range(-1, 3)
    ]
    assert moments == sorted(set(moments))
    for before, after in pairwise(moments):
        assert schedule.due_after(before) == after
        assert schedule.due_after(after - timedelta(seconds=1)) == after


@given(st.dates(date(1990, 1, 1), date(2036, 1, 1)), st.times())
def test_the_first_moment_shows_the_time_that_was_asked_for_or_comes_right_after_a_gap(
    day: date, at: time
) -> None:
    wall = datetime.combine(day, at.replace(second=0, microsecond=0, fold=0))
    found = first_moment(wall, BERLIN)
    shown = found.astimezone(BERLIN).replace(tzinfo=None)
    if shown != wall:
        just_before = (found - timedelta(seconds=1)).astimezone(BERLIN).replace(tzinfo=None)
        assert just_before < wall < shown
