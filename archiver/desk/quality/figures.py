"""Summary statistics: number, mean, median, quartiles, deviation, trend (pure)."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics of some numbers: count, mean, median and quartiles, and the standard deviation of
    a sample (None for fewer than two)."""

    count: int
    mean: float
    median: float
    low: float
    high: float
    deviation: float | None


def figures_of(values: Iterable[float]) -> Figures | None:
    """The statistics; None without numbers.

    Quartiles are those of numpy and of spreadsheets (`QUARTILE.INC`).
    """
    known = sorted(values)
    if not known:
        return None
    return Figures(
        len(known),
        statistics.fmean(known),
        statistics.median(known),
        _quantile(known, 0.25),
        _quantile(known, 0.75),
        statistics.stdev(known) if len(known) > 1 else None,
    )


def trend_of(by_step: Mapping[int, Sequence[float]]) -> float | None:
    """The average change from one step to the next, by least squares over all numbers; None for
    fewer than two steps."""
    pairs = [(step, value) for step, values in by_step.items() for value in values]
    if len({step for step, _ in pairs}) < 2:
        return None
    fitted = statistics.linear_regression([one for one, _ in pairs], [one for _, one in pairs])
    return fitted.slope


def _quantile(known: Sequence[float], share: float) -> float:
    place = share * (len(known) - 1)
    below = int(place)
    above = min(below + 1, len(known) - 1)
    return known[below] + (place - below) * (known[above] - known[below])
