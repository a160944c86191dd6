"""Moments as the catalog keeps them."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from archiver.catalog.epoch import all_seconds, seconds

ZONES = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-9))]
)
SINCE = st.timedeltas(timedelta(days=-25_000), timedelta(days=80_000))
MOMENTS = st.builds(
    lambda since, zone: (datetime.fromtimestamp(0, UTC) + since).astimezone(zone), SINCE, ZONES
)


@given(st.lists(MOMENTS | st.none()))
def test_many_moments_are_kept_as_each_alone(moments: list[datetime | None]) -> None:
    assert all_seconds(moments) == [seconds(one) for one in moments]
