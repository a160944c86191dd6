"""The interface of all crews: fetch and store one recording, and shut down in order."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from archiver.crew.unit import Brought, Unit
from archiver.tasks.retry import RetryScheduled


class Listener(Struct, frozen=True):
    """Receives the number of bytes as they arrive, and retries, each with its call."""

    on_bytes: Callable[[int], None]
    on_retry: Callable[[int | None, RetryScheduled], None]


class Crew(Protocol):
    """Fetches, verifies and stores recordings."""

    @property
    def couriers(self) -> int:
        """The number of recordings in progress that keeps the crew busy."""

    @property
    def unfetched(self) -> int:
        """How many of these may still have to be fetched. It may change during a run."""

    @property
    def has_lost_any(self) -> bool:
        """Whether a worker died; if so, it may have left temporary files and uploads."""

    async def bring(self, unit: Unit, on_fetched: Callable[[], None] = lambda: None) -> Brought:
        """Fetch, verify and store one recording. `on_fetched` is called when it only has to be
        stored, if the crew can begin with another one meanwhile.

        Cancellation stops fetching at once, but lets storing finish within the run's grace period.
        """

    async def drain(self) -> Sequence[tuple[int, Brought]]:
        """The results of units whose `bring` was cancelled, each with its recording id.

        Called when no `bring` is pending any more. A unit without a result at the end of the run's
        grace period counts as interrupted.
        """
