"""A worker of a crew: a process, on this or another machine, that answers batches.

It opens the archive's storage, but never its ledger, catalog or lock. Failures of a unit are not
raised: they are part of the answer.
"""

import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread
from msgspec import Struct, field
from msgspec.structs import replace

from archiver.archive.format import read_id
from archiver.archive.pace import Pace
from archiver.clock import Clock
from archiver.config import Config
from archiver.crew.equipment import OnBytes, fetcher_over, policy_of, spool_on_the_way_to
from archiver.crew.in_process import InProcess
from archiver.crew.messages import (
    decode_batch,
    encode_answer,
    encode_refusal,
    in_the_words_of,
)
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, KeyMissing, UsageError
from archiver.http.transport import GuardedTransport
from archiver.storage.base import Storage
from archiver.storage.opening import open_storage
from archiver.tasks.contexts import closed_at_the_end
from archiver.tasks.grace import GRACE_SECONDS, Grace
from archiver.tasks.retry import RetryScheduled

_CONNECTIONS_BESIDE_WORKERS: Final = 4

OnRetry = Callable[[RetryScheduled], None]


class Worker(Struct):
    """Processes batches for one archive; each batch has the number of units to fetch at a time.

    `name` begins the messages of its failures, if there are several machines.
    """

    crew: InProcess
    archive_id: str
    clock: Clock
    grace: Grace
    name: str = ""
    _batches: dict[str, set[anyio.CancelScope]] = field(default_factory=dict)

    async def bring_batch(self, data: bytes) -> bytes:
        """Process a batch and return its answer. Raises ValueError if the batch is invalid."""
        try:
            batch = decode_batch(data)
            self._check(batch.archive_id)
        except ArchiverError as error:
            return encode_refusal(self._named(error))
        endings = [Brought(left=unit.orphan) for unit in batch.units]
        self.crew.slots.total_tokens = max(1, batch.slots)

        async def bring(number: int, unit: Unit) -> None:
            endings[number] = await self._ending(unit)

        async with anyio.create_task_group() as group:
            scopes = self._batches.setdefault(batch.run_id, set())
            scopes.add(group.cancel_scope)
            for number, unit in enumerate(batch.units):
                group.start_soon(bring, number, unit)
        scopes.discard(group.cancel_scope)
        if not scopes:
            self._batches.pop(batch.run_id, None)
        return encode_answer(endings, self.clock)

    def drop(self, run_id: str) -> None:
        """End the run: fetch nothing more for it, and finish what is being stored.

        A process that works for several runs has one worker for each.
        """
        self.grace.end_within(GRACE_SECONDS)
        for scope in self._batches.get(run_id, ()):
            scope.cancel()

    def _check(self, archive_id: str) -> None:
        if archive_id != self.archive_id:
            raise UsageError(
                f"the archive here is {self.archive_id}, that of the run is {archive_id}",
                hint="set storage.url of every worker to the archive of the run",
            )

    def _named(self, error: ArchiverError) -> ArchiverError:
        return in_the_words_of(self.name, error) if self.name else error

    async def _ending(self, unit: Unit) -> Brought:
        try:
            brought = await self.crew.bring(unit)
        except Exception as error:  # noqa: BLE001 - it belongs into the answer
            brought = Brought(failure=_bug(error, unit), left=unit.orphan)
        if brought.failure is None:
            return brought
        return replace(brought, failure=self._named(brought.failure))


@asynccontextmanager
async def working(
    config: Config,
    *,
    pace: Pace,
    clock: Clock,
    name: str = "",
    on_bytes: OnBytes = lambda count: None,
    on_retry: OnRetry | None = None,
    known: Any = None,
) -> AsyncIterator[Worker]:
    """A worker for the configured archive, with its own connections.

    `known` is what the run knows of the storage, see `Storage.known`.
    Raises an ArchiverError if there is no archive, or if it is unreachable.
    """
    policy = policy_of(config)
    workers = config.download.workers
    connections = workers + _CONNECTIONS_BESIDE_WORKERS
    transport = GuardedTransport(policy, limit=connections, proxies=config.http.proxy)
    opening = partial(
        open_storage, config.storage, syncing=pace.syncing, retry=pace.storage, known=known
    )
    async with (
        transport,
        closed_at_the_end(await to_thread.run_sync(opening)) as storage,
    ):
        fetcher = fetcher_over(
            transport, policy, config, pace, on_bytes=on_bytes, on_retry=on_retry
        )
        archive_id = await _id_of(storage, config.storage.url)
        spool = spool_on_the_way_to(storage, config)
        grace = Grace()
        slots = anyio.CapacityLimiter(workers)
        crew = InProcess(fetcher, storage, spool, grace, clock, slots)
        yield Worker(crew, archive_id, clock, grace, name)


async def _id_of(storage: Storage, url: str) -> str:
    try:
        return await read_id(storage)
    except KeyMissing:
        raise UsageError(
            f"there is no archive in {url}",
            hint="set storage.url of every worker to the archive of the run",
        ) from None


def _bug(error: Exception, unit: Unit) -> ArchiverError:
    """An unexpected exception as an error without its text, which may contain an address."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return ArchiverError(
        f"recording {unit.recording.id}: {type(error).__name__}{where}: a bug in archiver",
        hint="report it, with the version; the next run tries the recording again",
    )
