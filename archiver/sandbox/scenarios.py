"""Faults by name, for people: `archiver sandbox --faults busy cut`. Each summary says what it does.

Which requests a fault strikes follows from the seed and the id in the address alone, so that the
same seed gives the same night.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from archiver.sandbox.cues import Effect, Fault
from archiver.sandbox.exchange import API, LISTINGS, Request, Route
from archiver.sandbox.faults import Cut, Delay, Fields, Silence, Stall, Status, html

_SLOW_SECONDS: Final = 0.5
_CUT_AFTER: Final = 1000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of trouble: its description, and the fault that causes it."""

    summary: str
    fault: Callable[[int], Fault]


@dataclass(frozen=True, slots=True)
class _Some:
    """Of the addresses one in `of`, chosen by the seed; with `once` each of them only once."""

    of: int
    seed: int
    once: bool = True
    met: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> bool:
        chosen = zlib.crc32(f"{self.seed} {request.path}".encode()) % self.of == 0
        if not chosen or (self.once and request.path in self.met):
            return False
        self.met.add(request.path)
        return True


def _some(
    route: Route | frozenset[Route], effect: Effect, of: int, *, once: bool = True
) -> Callable[[int], Fault]:
    return lambda seed: Fault(route, effect, where=_Some(of, seed, once))


def _every(route: Route | frozenset[Route], effect: Effect, nth: int) -> Callable[[int], Fault]:
    """Every n-th request of the route, whatever it asks for; the seed says which is the first."""

    def fault(seed: int) -> Fault:
        count = seed

        def is_next(request: Request) -> bool:
            nonlocal count
            count += 1
            return count % nth == 0

        return Fault(route, effect, where=is_next)

    return fault


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "busy": Scenario(
        "every 10th API request: 429, try again in 1 s", _every(API, Status(429, retry_after=1), 10)
    ),
    "broken": Scenario("every 10th API request: 500", _every(API, Status(500), 10)),
    "silent": Scenario("every 50th API request: no response", _every(API, Silence(), 50)),
    "slow": Scenario(
        "files begin after half a second", lambda _: Fault(Route.FILE, Delay(_SLOW_SECONDS))
    ),
    "cut": Scenario(
        "every 5th file ends early the first time", _some(Route.FILE, Cut(_CUT_AFTER), 5)
    ),
    "stall": Scenario(
        "every 50th file stalls the first time", _some(Route.FILE, Stall(_CUT_AFTER), 50)
    ),
    "expired": Scenario(
        "every 10th address has expired the first time", _some(Route.FILE, Status(403), 10)
    ),
    "page": Scenario(
        "every 20th file is an error page with status 200",
        _some(Route.FILE, html(), 20, once=False),
    ),
    "missing": Scenario(
        "every 20th file does not exist", _some(Route.FILE, Status(404), 20, once=False)
    ),
    "late": Scenario(
        "every 10th recording has no address the first time",
        _some(LISTINGS, Fields({"fileUrl": None}), 10),
    ),
}
"""By the names that people give."""


def faults_of(names: Iterable[str], seed: int) -> list[Fault]:
    """The faults of these scenarios. KeyError for a name that is none of them."""
    return [SCENARIOS[name].fault(seed) for name in dict.fromkeys(names)]
