"""Several crews that share the recordings of a run: its own process and its child processes."""

from collections.abc import Sequence
from typing import Protocol

import anyio
from msgspec import Struct, field

from archiver.crew.crew import LISTING, Crew
from archiver.crew.unit import Brought, Unit


class Sharing(Crew, Protocol):
    """A crew that can share recordings with others."""

    @property
    def is_ready(self) -> bool:
        """Whether it can begin with a recording at once."""

    @property
    def has_room(self) -> bool:
        """Whether it can use another recording. One is enough for a crew that is not ready: it
        makes the crew start."""


class Shared(Struct):
    """Gives each recording to the first crew that is ready and has room, or else to the first that
    has room. While none has, recordings wait in line.

    So a crew that takes long to start does not delay a run with little to do, and at the end no
    crew has recordings waiting while another has none.
    """

    crews: Sequence[Sharing]
    _line: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))
    _change: anyio.Event = field(default_factory=anyio.Event)

    @property
    def couriers(self) -> int:
        """See `Crew.couriers`. Calls are listed ahead, so that no crew waits for the API."""
        return sum(crew.couriers for crew in self.crews) + LISTING

    @property
    def has_lost_any(self) -> bool:
        """See `Crew.has_lost_any`."""
        return any(crew.has_lost_any for crew in self.crews)

    async def bring(self, unit: Unit) -> Brought:
        """See `Crew.bring`."""
        async with self._line:
            while (crew := self._next()) is None:
                self._change = anyio.Event()
                await self._change.wait()
        try:
            return await crew.bring(unit)
        finally:
            self._change.set()

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """See `Crew.drain`."""
        return [late for crew in self.crews for late in await crew.drain()]

    def _next(self) -> Sharing | None:
        found = None
        for crew in self.crews:
            if crew.has_room:
                if crew.is_ready:
                    return crew
                found = found or crew
        return found
