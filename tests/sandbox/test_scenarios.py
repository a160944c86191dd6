"""Faults by name: what each promises in its summary, the same for the same seed."""

from dataclasses import replace

import pytest

from archiver.sandbox.exchange import Request, Route
from archiver.sandbox.scenarios import SCENARIOS, faults_of

FILES = [
    Request("GET", f"/files/{n}.wav", (), {}, Route.FILE, n, "http://a", "http://b")
    for n in range(1, 1001)
]


def struck(name: str, seed: int, route: Route) -> list[int]:
    """The requests that the fault strikes, by their numbers."""
    (fault,) = faults_of([name], seed)
    asked = [replace(each, route=route) for each in FILES]
    return [number for number, each in enumerate(asked) if fault.matches(each)]


@pytest.mark.parametrize(
    ("name", "route", "nth"),
    [
        ("busy", Route.CALLS, 10),
        ("broken", Route.CALL, 10),
        ("silent", Route.RECORDINGS, 50),
        ("slow", Route.FILE, 1),
        ("cut", Route.FILE, 5),
        ("stall", Route.FILE, 50),
        ("expired", Route.FILE, 10),
        ("page", Route.FILE, 20),
        ("missing", Route.FILE, 20),
        ("late", Route.RECORDINGS, 10),
    ],
)
def test_a_fault_strikes_about_as_often_as_it_says(name: str, route: Route, nth: int) -> None:
    count = len(struck(name, 1, route))
    assert 0.6 * 1000 / nth <= count <= 1.4 * 1000 / nth


@pytest.mark.parametrize("name", ["cut", "page", "busy"])
def test_the_same_seed_strikes_the_same_requests_and_another_others(name: str) -> None:
    route = Route.CALLS if name == "busy" else Route.FILE
    assert struck(name, 7, route) == struck(name, 7, route) != struck(name, 8, route)


def test_what_happens_at_first_does_not_happen_again() -> None:
    (cut,), (page,) = faults_of(["cut"], 0), faults_of(["page"], 0)
    assert [cut.matches(one) for one in FILES].count(True) > 0
    assert [cut.matches(one) for one in FILES].count(True) == 0
    assert [page.matches(one) for one in FILES] == [page.matches(one) for one in FILES]


def test_every_scenario_is_looked_at_here() -> None:
    assert len(SCENARIOS) == 10
    assert len(faults_of(["cut", "cut", "busy"], 0)) == 2
