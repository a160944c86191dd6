"""Each day of the calendar is in the state that an officer has to know."""

from datetime import UTC, date, datetime, time, timedelta

from archiver.catalog.coverage import Coverage, Covered, Exports, Holds, Runs
from archiver.catalog.overview import Period
from archiver.statement.calendar import MOST_DAYS, DayState, calendar_of

MONDAY = date(2026, 10, 5)
DAY = timedelta(days=1)
LISTED = datetime(2026, 11, 30, tzinfo=UTC)

TODAY = date(2026, 12, 31)


def coverage(
    calls: dict[date, dict[str, int]],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before: dict[date, int] | None = None,
    listed_until: datetime | None = LISTED,
    listed_since: datetime | None = None,
) -> Coverage:
    found = Coverage(Period(UTC, since, until), Exports(0, 0, 0), Holds(0, 0, 0), Runs(0, 0, None))
    for day, states in calls.items():
        covered = found.by_day.setdefault(day, Covered())
        for state, count in states.items():
            covered.add(state, count, 60.0 * count, 0)
    found.before = before or {}
    first = min([*calls, *found.before], default=None)
    found.oldest = datetime.combine(first, time(), UTC) if first else None
    found.listed_until = listed_until
    found.listed_since = listed_since
    return found


def states(found: Coverage) -> dict[date, DayState]:
    return {one.day: one.state for one in calendar_of(found, TODAY)}


def busy(day: date, days: int) -> dict[date, dict[str, int]]:
    """Twenty archived calls a weekday, none at weekends."""
    all_ = (day + ago * DAY for ago in range(days))
    return {one: {"archived": 20} for one in all_ if one.weekday() < 5}


def test_a_day_is_in_the_state_of_its_worst_call() -> None:
    found = states(
        coverage(
            {
                MONDAY: {"archived": 3, "none": 2},
                MONDAY + DAY: {"archived": 3, "waiting": 1},
                MONDAY + 2 * DAY: {"waiting": 1, "failed": 1},
                MONDAY + 3 * DAY: {"archived": 9, "gone": 1},
            }
        )
    )
    assert [found[MONDAY + ago * DAY] for ago in range(4)] == [
        *(DayState.COMPLETE, DayState.WAITING, DayState.FAILED, DayState.FAILED)
    ]


def test_a_weekend_is_quiet_and_a_weekday_without_calls_is_silent() -> None:
    calls = busy(MONDAY, 42)
    lost = MONDAY + 35 * DAY
    del calls[lost]
    found = states(coverage(calls))
    assert found[lost] is DayState.SILENT
    assert found[MONDAY + 5 * DAY] is DayState.QUIET


def test_an_outage_of_months_stays_silent_to_its_end() -> None:
    calls = busy(MONDAY, 28) | busy(MONDAY + 49 * DAY, 5)
    found = states(coverage(calls))
    outage = [found[MONDAY + ago * DAY] for ago in range(28, 49)]
    assert outage == [*([DayState.SILENT] * 5 + [DayState.QUIET] * 2) * 3]


def test_what_is_usual_is_known_from_the_weeks_before_the_period() -> None:
    since = datetime(2026, 10, 5, tzinfo=UTC)
    before = {MONDAY - 7 * weeks * DAY: 20 for weeks in range(1, 5)}
    found = states(coverage({}, since=since, until=since + 2 * DAY, before=before))
    assert found == {MONDAY: DayState.SILENT, MONDAY + DAY: DayState.QUIET}


def test_days_that_no_run_has_listed_are_not_called_quiet() -> None:
    listed = datetime(2026, 10, 7, 1, 30, tzinfo=UTC)
    since = datetime(2026, 10, 3, tzinfo=UTC)
    period = {"since": since, "until": since + 7 * DAY, "listed_until": listed}
    found = states(coverage({MONDAY: {"archived": 1}}, **period))  # type: ignore[arg-type]
    assert list(found.values()) == [
        *(DayState.UNLISTED, DayState.UNLISTED, DayState.COMPLETE, DayState.QUIET),
        *(DayState.UNLISTED, DayState.UNLISTED, DayState.UNLISTED),
    ]
    never = coverage({MONDAY: {"archived": 1}, MONDAY + 2 * DAY: {"none": 1}}, listed_until=None)
    assert states(never)[MONDAY + DAY] is DayState.UNLISTED


def test_days_that_a_run_has_listed_before_the_first_call_are_not_called_unlisted() -> None:
    since = datetime(2026, 10, 1, tzinfo=UTC)
    period = {"since": since, "until": since + 5 * DAY, "listed_since": since + 2 * DAY}
    found = states(coverage({MONDAY: {"archived": 1}}, **period))  # type: ignore[arg-type]
    assert list(found.values()) == [
        *(DayState.UNLISTED, DayState.UNLISTED, DayState.QUIET, DayState.QUIET, DayState.COMPLETE)
    ]


def test_days_to_come_are_not_in_the_calendar() -> None:
    period = {"since": datetime(2026, 10, 1, tzinfo=UTC), "until": datetime(2027, 1, 1, tzinfo=UTC)}
    found = calendar_of(coverage({MONDAY: {"archived": 1}}, **period), MONDAY + DAY)  # type: ignore[arg-type]
    assert found[-1].day == MONDAY + DAY


def test_a_call_whose_clock_was_wrong_by_decades_makes_no_list_of_decades() -> None:
    calls = {date(1971, 1, 1): {"archived": 1}, MONDAY: {"archived": 1}}
    found = calendar_of(coverage(calls), TODAY)
    assert len(found) == MOST_DAYS
    assert found[-1].day == LISTED.date()


def test_an_archive_without_calls_has_no_days() -> None:
    assert calendar_of(coverage({}, listed_until=None), TODAY) == []
