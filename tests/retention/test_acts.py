"""The ids of acts."""

from datetime import UTC, datetime, timedelta, timezone

from archiver.retention.acts import name_of_act

NOON = datetime(2026, 11, 30, 12, 0, 0, 7000, tzinfo=UTC)


def test_ids_of_acts_in_the_same_second_sort_in_the_order_of_the_acts() -> None:
    names = [name_of_act(NOON + timedelta(milliseconds=passed)) for passed in range(900)]
    assert names == sorted(names)


def test_an_id_tells_the_time_in_utc_and_differs_from_others_of_its_millisecond() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=3)))
    assert name_of_act(there).startswith("20261130T120000Z-007-")
    assert name_of_act(there) != name_of_act(there)
