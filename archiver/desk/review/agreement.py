"""Agreement between reviewers: the share of agreeing pairs, and Krippendorff's alpha (pure).

Alpha is 1 - D_o / D_e: observed over expected disagreement, computed from coincidences, for any
number of observers and with missing values (K. Krippendorff, "Computing Krippendorff's
Alpha-Reliability", 2011). 1 is perfect agreement, 0 is what chance would give.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TypeAlias

Unit: TypeAlias = Sequence[float]
"""The values that observers gave for one item; missing ones are left out."""

Distance: TypeAlias = Callable[[float, float], float]


class Level(StrEnum):
    """The level of measurement: names, ranks, or numbers whose differences count."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def agreement(units: Iterable[Unit]) -> float | None:
    """The share of equal pairs among all pairs of values of one unit; None without any pair."""
    pairs = [a == b for unit in units for a, b in itertools.combinations(unit, 2)]
    return sum(pairs) / len(pairs) if pairs else None


def alpha(units: Iterable[Unit], level: Level) -> float | None:
    """Krippendorff's alpha; None if no unit has two values, or all values are the same."""
    paired = [unit for unit in units if len(unit) > 1]
    counts = Counter(value for unit in paired for value in unit)
    total = counts.total()
    if not total:
        return None
    distance = _distance(level, counts)
    observed = sum(
        2 * sum(distance(a, b) for a, b in itertools.combinations(unit, 2)) / (len(unit) - 1)
        for unit in paired
    )
    expected = sum(
        2 * counts[a] * counts[b] * distance(a, b) for a, b in itertools.combinations(counts, 2)
    )
    if not expected:
        return None
    return 1 - (total - 1) * observed / expected


def _distance(level: Level, counts: Counter[float]) -> Distance:
    """The squared difference of two values at this level."""
    if level is Level.NOMINAL:
        return lambda a, b: float(a != b)
    if level is Level.INTERVAL:
        return lambda a, b: (a - b) ** 2
    ranks, below = {}, 0.0
    for value in sorted(counts):
        ranks[value] = below + counts[value] / 2
        below += counts[value]
    return lambda a, b: (ranks[a] - ranks[b]) ** 2
