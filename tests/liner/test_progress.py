"""How far an enumeration has come, and how many calls there will be: never more than is known."""

from datetime import timedelta

import pytest

from archiver.liner.progress import ListingProgress
from tests.liner.test_enumerate import DAY, WEEK, YEAR, Api, enumerated, of_orders, spread

pytestmark = pytest.mark.anyio


async def test_how_many_calls_there_are_is_told_as_soon_as_the_api_tells() -> None:
    for window, slices, known_after in ((WEEK, 1, 0), (YEAR, 12, 1)):
        told: list[ListingProgress] = []
        api = Api(spread(365, window, orders=30))
        await enumerated(api, of_orders(*range(1, 31), window=window), on_progress=told.append)
        # 30 orders are two batches, of as many slices each.
        assert told[-1] == ListingProgress(2 * slices, 2 * slices, 365)
        first = next(one for one in told if one.expected is not None)
        assert first.expected == 365
        assert first.read <= 2 * known_after + 4, "long before the end of a year"


async def test_what_the_api_does_not_tell_is_not_guessed() -> None:
    told: list[ListingProgress] = []
    limit = 31 * DAY + timedelta(seconds=1)
    api = Api(spread(50, YEAR), refuse=lambda q: 422 if q.length > limit else None)
    found, shortfalls = await enumerated(api, of_orders(1, window=YEAR), on_progress=told.append)
    assert (len(found), shortfalls) == (50, ())
    assert told[-1] == ListingProgress(12, 12, None)
