"""Reading sidecars as cards: those of a folder in separate processes, while others are written.

Reading, hashing and parsing two hundred thousand sidecars takes half a minute of a processor. A
thread would share the interpreter with all pages served meanwhile; a process does not. An archive
on S3 is waited for, not computed: it is read here.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

import anyio
import anyio.to_thread

from archiver.config import StorageConfig
from archiver.desk.index.batches import Batch, batch_of
from archiver.desk.index.processes import PROCESSES, Processes
from archiver.desk.index.sidecars import Card, read_card
from archiver.desk.index.store import Unread
from archiver.errors import (
    KeyMissing,
    StorageError,
    StorageForbidden,
    StorageUnreachable,
)
from archiver.recordings.sidecar import MOST_BYTES
from archiver.storage.base import Reading, Storage
from archiver.storage.keys import parse_recording_key, revision_key, sidecar_key
from archiver.storage.opening import open_storage
from archiver.tasks.lanes import in_lanes, in_order

Keep: TypeAlias = Callable[[Batch], Awaitable[None]]

A_PIECE: Final = 4096
"""Sidecars whose cards are written together."""
_IN_ONE_GO: Final = 8
_READERS: Final = 16
_FROM_DISK: Final = 256
_READERS_OF_A_DISK: Final = 8
"""So many threads read, each so many sidecars in one go."""
_WORTH_A_PROCESS: Final = 256
"""Fewer sidecars are read sooner than a process starts."""
_LANES: Final = PROCESSES + 1
"""One writes while the others read."""


class CardReader:
    """Reads sidecars of the archive in `storage`, which `config` opens in another process, too.

    From `worth_a_process` sidecars on, those of a folder are read in such processes. The cards of
    `a_piece` sidecars are kept together.
    """

    def __init__(
        self,
        storage: Storage,
        config: StorageConfig,
        *,
        worth_a_process: int = _WORTH_A_PROCESS,
        a_piece: int = A_PIECE,
    ) -> None:
        self._storage = storage
        self._config = config
        self._worth_a_process = worth_a_process
        self._a_piece = a_piece
        self.processes = Processes()
        self._reading_here = anyio.Lock()

    async def read(self, wanted: Sequence[Unread], keep: Keep) -> None:
        """Pass the cards of all these sidecars to `keep`, piece by piece, in this order.

        While one piece is kept, the next ones are read. Raises StorageError if the storage does not
        respond.
        """

        async def pieces() -> AsyncIterator[Sequence[Unread]]:
            for piece in _pieces(wanted, self._a_piece):
                yield piece

        async def kept(_: Sequence[Unread], batch: Batch) -> None:
            await keep(batch)

        await in_order(_LANES, pieces(), self._batch, kept)

    async def _batch(self, piece: Sequence[Unread]) -> Batch:
        if self._config.is_local and len(piece) >= self._worth_a_process:
            return await self.processes.do(partial(batch_in, self._config, piece))
        cards: list[Card] = []

        async def read(few: Sequence[Unread]) -> None:
            cards.extend(await cards_of(self._storage, few))

        async with self._reading_here:
            await in_lanes(_READERS, _pieces(piece, _IN_ONE_GO), read)
        return await anyio.to_thread.run_sync(batch_of, cards)


def _pieces(wanted: Sequence[Unread], size: int) -> Iterator[Sequence[Unread]]:
    return (wanted[start : start + size] for start in range(0, len(wanted), size))


def batch_in(config: StorageConfig, wanted: Sequence[Unread]) -> Batch:
    """The cards of these sidecars of a folder. For a worker process.

    Raises StorageUnreachable.
    """
    return batch_of(anyio.run(cards_in_folder, open_storage(config), wanted))


async def cards_in_folder(storage: Storage, wanted: Sequence[Unread]) -> Sequence[Card]:
    """The cards of these sidecars of a folder, in any order.

    A disk answers many questions in little more time than one, but threads that do not wait for it
    contend for the interpreter: so several read at a time only if the first sidecars were not in
    the page cache.
    """
    cards: list[Card] = []

    async def read(few: Sequence[Unread]) -> None:
        cards.extend(await cards_of(storage, few))

    first, rest, before = wanted[:_FROM_DISK], wanted[_FROM_DISK:], _blocks_read()
    await read(first)
    if _blocks_read() - before > len(first):
        await in_lanes(_READERS_OF_A_DISK, _pieces(rest, _FROM_DISK), read)
    else:
        await read(rest)
    return cards


def _blocks_read() -> int:
    """Blocks of 512 bytes that this process had to wait for so far, which were not in the page
    cache; 0 if unknown."""
    try:
        import resource
    except ImportError:  # on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_inblock


async def cards_of(storage: Storage, wanted: Sequence[Unread]) -> list[Card]:
    """The cards of these sidecars. StorageUnreachable if the storage does not respond."""
    sound = [one for one in wanted if _is_sound(one)]
    most = min(MOST_BYTES, max((one.size for one in sound), default=0))
    keys = [sidecar_key(one.key) for one in sound]
    readings = await storage.readings(keys, keep=most)
    cards = [_foreign(one) for one in wanted if not _is_sound(one)]
    for one, reading in zip(sound, readings, strict=True):
        if isinstance(reading, StorageUnreachable):
            raise reading
        if _fits(one, reading):
            cards.append(_card(one, reading))
            continue
        # A run in progress may have replaced it, and not recorded it yet.
        kept = revision_key(sidecar_key(one.key), max(one.revision, 1))
        (former,) = await storage.readings([kept], keep=most)
        cards.append(_card(one, former if _fits(one, former) else reading))
    return cards


def _is_sound(one: Unread) -> bool:
    """Whether the key is one that the archive itself could have made for that recording."""
    key = parse_recording_key(one.key) if isinstance(one.key, str) else None
    return key is not None and not key.is_sidecar and key.record_id == one.record_id


def _fits(one: Unread, reading: Reading | StorageError) -> bool:
    return isinstance(reading, Reading) and reading.sha256 == one.sha256


def _card(one: Unread, reading: Reading | StorageError) -> Card:
    if _fits(one, reading) and isinstance(reading, Reading) and reading.content is not None:
        return read_card(one.record_id, one.revision, reading.content)
    trouble = "its sidecar does not match the ledger"
    if isinstance(reading, KeyMissing):
        trouble = "its sidecar is missing"
    elif isinstance(reading, StorageForbidden):
        trouble = "the desk has no permission to read its sidecar"
    elif isinstance(reading, StorageError):
        trouble = "its sidecar cannot be read"
    return Card(record_id=one.record_id, revision=one.revision, trouble=trouble)


def _foreign(one: Unread) -> Card:
    trouble = "the ledger has an invalid key for it"
    return Card(record_id=one.record_id, revision=one.revision, trouble=trouble)
