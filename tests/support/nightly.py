"""What is tried at any time, and what only a night has the time for."""

from collections.abc import Sequence
from typing import Any

import pytest


def some_by_day(parameters: Sequence[Any], share: int) -> list[Any]:
    """One in `share` of the parameters at any time; the others are for `pytest -m nightly`.

    A tuple is the values of several arguments.
    """
    return [
        one
        if place % share == 0
        else pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=pytest.mark.nightly)
        for place, one in enumerate(parameters)
    ]
