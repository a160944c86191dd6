"""Figures are those of numpy; trends those of a line through all points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.quality.figures import figures_of, trend_of


@given(st.lists(st.floats(0, 100), min_size=2, max_size=30))
def test_figures_are_those_of_numpy(values: list[float]) -> None:
    found = figures_of(values)
    assert found is not None
    assert found.count == len(values)
    expected = [np.mean(values), *np.quantile(values, [0.25, 0.5, 0.75]), np.std(values, ddof=1)]
    told = [found.mean, found.low, found.median, found.high, found.deviation]
    assert told == pytest.approx(expected, abs=1e-6)


def test_of_nothing_there_are_none_and_one_number_has_no_spread() -> None:
    assert figures_of([]) is None
    one = figures_of([70])
    assert one is not None
    assert (one.mean, one.low, one.high, one.deviation) == (70, 70, 70, None)


@pytest.mark.parametrize(
    ("by_step", "trend"),
    [
        ({}, None),
        ({3: [50, 70]}, None),
        ({1: [50], 2: [60], 3: [70]}, 10),
        ({1: [50, 70], 2: [], 3: [40]}, -10),
    ],
)
def test_a_trend_is_the_slope_of_the_line_through_all_points(
    by_step: dict[int, list[float]], trend: float | None
) -> None:
    found = trend_of(by_step)
    assert found is trend is None or found == pytest.approx(trend)
