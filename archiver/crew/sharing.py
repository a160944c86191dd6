"""Several crews that share the recordings of a run: its own process and its child processes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from archiver.crew.crew import Crew
from archiver.crew.unit import Brought, Unit


class Sharing(Crew, Protocol):
    """A crew that can share recordings with others."""

    @property
    def is_ready(self) -> bool:
        """Whether it can begin with a recording at once."""

    @property
    def load(self) -> int:
        """The recordings that it has."""

    @property
    def wanted(self) -> int:
        """The recordings that it should have before another crew gets any, if it is ready."""

    @property
    def most(self) -> int:
        """The recordings that it can use, if no other crew should have them first."""

    def prepare(self) -> None:
        """Become ready: there are more recordings than those that are ready can use."""


class Shared(Struct):
    """Gives each recording to the first crew that is ready and wants it, or else to the first that
    is ready and can use it. All others wait in line, where the first watches the crews.

    A crew that is not ready is given none: those that are may be done with all before it is.
    """

    crews: list[Sharing] = field(default_factory=list)
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)
    _change: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`."""
        return sum(crew.couriers for crew in self.crews)

    @property
    def unfetched(self) -> int:
        """See `Crew.unfetched`."""
        return sum(crew.unfetched for crew in self.crews)

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return any(crew.has_lost_any for crew in self.crews)

    async def bring(self, unit: Unit, on_fetched: Callable[[], None] = lambda: None) -> Brought:
        """See `Crew.bring`."""
        crew = await self._crew_for_next()

        def fetched() -> None:
            self.notice()
            on_fetched()

        try:
            return await crew.bring(unit, fetched)
        finally:
            self.notice()

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`."""
        return [late for crew in self.crews for late in await crew.drain()]

    def notice(self) -> None:
        """Some crew may have room for another recording: because one ended, or it has just become
        ready."""
        self._change.set()

    async def _crew_for_next(self) -> Sharing:
        async with self._line:
            while (crew := self._choice()) is None:
                self._change = asyncio.Event()
                await self._change.wait()
            return crew

    def _choice(self) -> Sharing | None:
        ready = [crew for crew in self.crews if crew.is_ready]
        for crew in ready:
            if crew.load < crew.wanted:
                return crew
        for crew in ready:
            if crew.load < crew.most:
                return crew
        for crew in self.crews:
            if not crew.is_ready:
                crew.prepare()
        return None
