"""The reading room of one archive: find, listen, see - while the index follows the archive.

    async with open_library(config, state_folder=..., cache_folder=...) as library:
        page = await library.index.find(View(text="refund"))

Nothing here writes to the archive. What it keeps of its own (an index, cached waveforms) is
disposable, and forgets what the archive removes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import anyio
import anyio.to_thread

from archiver.archive.opening import existing_archive
from archiver.catalog.readonly import Vitals, vitals_of
from archiver.config import Config
from archiver.desk.index.answers import IndexAnswers
from archiver.desk.index.entries import Progress
from archiver.desk.index.index import DeskIndex
from archiver.desk.index.reading import CardReader
from archiver.desk.index.store import discard
from archiver.desk.index.sync import Following
from archiver.desk.media import Media
from archiver.desk.pcm import Pcm
from archiver.desk.peaks import Peaks
from archiver.errors import ArchiverError
from archiver.storage.base import Storage
from archiver.tasks.lanes import one_failure

Forget: TypeAlias = Callable[[Sequence[int]], Awaitable[object]]

_INDEX: Final = "index.sqlite"
_POLL_SECONDS: Final = 5.0
"""How often the ledger is looked at for something new: one request each time."""


@dataclass(slots=True)
class Library:
    """What the desk reads of one archive. `folder` is the desk's own, apart from the archive.

    `storage` is that of the archive; `catalog` answers the questions of a catalog.
    """

    archive_id: str
    folder: Path
    storage: Storage
    catalog: IndexAnswers
    index: DeskIndex
    media: Media
    pcm: Pcm
    peaks: Peaks
    _following: Following
    _forgetters: list[Forget] = field(default_factory=list)
    _catching_up: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def progress(self) -> Progress:
        """How far the index follows the archive by now."""
        return self._following.progress

    def vitals(self) -> Vitals | None:
        """The archive in a few numbers, as far as the index follows it. Blocks; for any thread."""
        return vitals_of(self.folder / _INDEX, self.archive_id)

    async def on_buried(self, forget: Forget) -> None:
        """Call `forget` with the id of every recording that is removed from the archive.

        It gets all removals so far at once, and may get one again.
        """
        self._forgetters.append(forget)
        buried = await anyio.to_thread.run_sync(self.index.buried)
        if buried:
            await forget(buried)

    async def catch_up(self) -> None:
        """Read everything new in the archive. Raises StorageError."""
        async with self._catching_up:
            await self._following.catch_up(self._bury)

    async def follow(self, *, poll: float = _POLL_SECONDS) -> None:
        """Keep catching up; problems are reported in `progress`."""
        while True:
            try:
                await self.catch_up()
            except ArchiverError as error:
                self._following.lament(error)
            await anyio.sleep(poll)

    async def _bury(self, record_ids: Sequence[int], digests: Sequence[str]) -> None:
        await self.peaks.forget(digests)
        await self.pcm.forget(digests)
        for forget in self._forgetters:
            await forget(record_ids)


@asynccontextmanager
async def open_library(
    config: Config, *, state_folder: Path, cache_folder: Path, is_following: bool = True
) -> AsyncIterator[Library]:
    """The library of the archive that the configuration names, following it in the background.

    Raises NoArchive where there is none, UsageError while another desk uses the same folder,
    StorageError when the archive cannot be reached at all. With `is_following` false it stands
    still until `catch_up` is called.
    """
    async with existing_archive(config) as (storage, archive_id):
        folder = state_folder / "desk" / archive_id
        async with _open_index(config, folder / _INDEX, archive_id, storage) as opened:
            index, following = opened
            media = Media(index, storage)
            pcm = Pcm(media, cache_folder / "pcm")
            peaks = Peaks(media, pcm, cache_folder / "peaks")
            answers = IndexAnswers(folder / _INDEX)
            library = Library(
                archive_id, folder, storage, answers, index, media, pcm, peaks, following
            )
            with one_failure():
                async with anyio.create_task_group() as background:
                    if is_following:
                        background.start_soon(library.follow)
                    try:
                        yield library
                    finally:
                        index.upkeep.store.interrupt()
                        background.cancel_scope.cancel()


@asynccontextmanager
async def _open_index(
    config: Config, path: Path, archive_id: str, storage: Storage
) -> AsyncIterator[tuple[DeskIndex, Following]]:
    """The index, rebuilt if the archive's ledger is not the one that it was built from."""
    zone, reader = config.window.timezone, CardReader(storage, config.storage)
    index = await DeskIndex.open(path, archive_id, zone)
    try:
        following = Following(index.upkeep, storage, archive_id, reader)
        if not await following.begin():
            await index.aclose()
            await anyio.to_thread.run_sync(discard, path)
            index = await DeskIndex.open(path, archive_id, zone)
            following = Following(index.upkeep, storage, archive_id, reader)
            await following.begin()
        yield index, following
    finally:
        with anyio.CancelScope(shield=True):
            await index.aclose()
