"""The crew of a run, wherever it works: one verb, and an orderly end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from archiver.crew.unit import Brought, Unit
from archiver.tasks.retry import RetryScheduled


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of bytes that arrive, and of retries, with the call that each is about."""

    on_bytes: Callable[[int], None]
    on_retry: Callable[[int | None, RetryScheduled], None]


class Crew(Protocol):
    """Fetches, proves and stores recordings."""

    @property
    def couriers(self) -> int:
        """How many units at a time keep the crew busy."""

    @property
    def has_lost_any(self) -> bool:
        """Whether one of the crew died, which may have left temporary files and uploads."""

    async def bring(self, unit: Unit) -> Brought:
        """Fetch, prove and store one recording.

        A cancellation ends fetching at once, and lets storing finish within the run's grace.
        """

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """How units ended whose `bring` was cancelled, each with the id of its recording.

        Called once nobody calls `bring` any more. What is not known within the run's grace counts
        as torn apart.
        """
