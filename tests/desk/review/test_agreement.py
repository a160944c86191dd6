"""Alpha is that of the examples which Krippendorff published."""

from typing import Final

import pytest

from archiver.desk.review.agreement import Level, agreement, alpha

_: Final = None
FOUR_OBSERVERS: list[list[int | None]] = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
"""K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C."""
TWO_OBSERVERS = [
    [0, 1, 0, 0, 0, 0, 0, 0, 1, 0],
    [1, 1, 1, 0, 0, 1, 0, 0, 0, 0],
]
"""The same, section A: binary data."""
NAMES = ["aabbdcccedda", "babbbccceddd"]
"""The same, section B: five names."""


def units(rows: list[list[int | None]]) -> list[list[float]]:
    return [[float(one) for one in column if one is not None] for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [(Level.NOMINAL, 0.743), (Level.ORDINAL, 0.815), (Level.INTERVAL, 0.849)],
)
def test_four_observers_with_missing_values(level: Level, expected: float) -> None:
    assert alpha(units(FOUR_OBSERVERS), level) == pytest.approx(expected, abs=0.0005)


def test_two_observers_of_two_and_of_five_names() -> None:
    rows: list[list[int | None]] = [list(row) for row in TWO_OBSERVERS]
    assert alpha(units(rows), Level.NOMINAL) == pytest.approx(0.095, abs=0.0005)
    assert agreement(units(rows)) == 0.6
    named: list[list[int | None]] = [[ord(one) for one in row] for row in NAMES]
    assert alpha(units(named), Level.NOMINAL) == pytest.approx(0.692, abs=0.0005)


@pytest.mark.parametrize("found", [[], [[1.0]], [[1.0], [2.0]], [[1.0, 1.0], [1.0, 1.0, 1.0]]])
def test_where_nothing_can_differ_there_is_no_alpha(found: list[list[float]]) -> None:
    assert alpha(found, Level.INTERVAL) is None


def test_perfect_agreement_is_one_and_systematic_disagreement_less_than_nothing() -> None:
    assert alpha([[1, 1], [5, 5]], Level.ORDINAL) == 1
    assert agreement([[1, 1], [5, 5]]) == 1
    found = alpha([[1, 5], [5, 1]], Level.NOMINAL)
    assert found is not None
    assert found < 0
    assert agreement([[1]]) is None
