"""Everything that stands behind the pages, opened together and closed together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from anyio import to_thread

from archiver.clock import Clock
from archiver.config import Config
from archiver.desk.accounts.access import Entrance, entrance
from archiver.desk.accounts.authenticator import Door
from archiver.desk.accounts.users import UsersFile
from archiver.desk.file import desk_data, open_desk_file
from archiver.desk.forgetting import forget
from archiver.desk.journal import Journal
from archiver.desk.library import Library, open_library
from archiver.desk.packages.orders import Orders
from archiver.desk.packages.packing import Packing
from archiver.desk.review.notes import Notes
from archiver.desk.review.queue import Queues
from archiver.desk.review.redactions import Redactions
from archiver.desk.review.scorecard import Scorecard, read_scorecard
from archiver.desk.review.tags import Tags
from archiver.desk.review.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk over one archive. `hosts` are the names by which it may be called."""

    config: Config
    library: Library
    entrance: Entrance
    door: Door
    journal: Journal
    notes: Notes
    tags: Tags
    verdicts: Verdicts
    queues: Queues
    card: Scorecard
    redactions: Redactions
    orders: Orders
    packing: Packing
    hosts: frozenset[str]

    @property
    def base(self) -> str:
        """The path before every address, where the public address has one; no slash at its end."""
        return urlsplit(self.config.desk.public_url or "").path.rstrip("/")

    @property
    def origin(self) -> str | None:
        """The origin that browsers see, where the configuration names it."""
        if self.config.desk.public_url is None:
            return None
        parts = urlsplit(self.config.desk.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_secure(self) -> bool:
        """Whether browsers come over https, so that cookies never travel without."""
        return (self.config.desk.public_url or "").startswith("https://")


@asynccontextmanager
async def open_desk(
    config: Config,
    *,
    host: str,
    state_folder: Path,
    cache_folder: Path,
    clock: Clock,
    pack: Sequence[str],
) -> AsyncIterator[Desk]:
    """The desk over the archive that the configuration names, for a server that listens on `host`.

    `pack` is the command that makes the exports that people ask for (see `Packing`). Raises
    UsageError where everybody or nobody could come in, ConfigError for users or a scorecard that
    cannot be read, NoArchive and StorageError as the library does.
    """
    wanted = config.desk
    users = UsersFile(wanted.users)
    known = await to_thread.run_sync(users.all)
    way_in = entrance(host, known.values(), has_proxy=wanted.proxy_header is not None)
    card = await to_thread.run_sync(read_scorecard, wanted.scorecard)
    async with AsyncExitStack() as opened:
        library = await opened.enter_async_context(
            open_library(config, state_folder=state_folder, cache_folder=cache_folder)
        )
        path = desk_data(config, library.archive_id, state_folder)
        file = await opened.enter_async_context(open_desk_file(path, library.archive_id))

        tags = Tags(file, clock)

        orders = Orders(file, clock)
        folder = wanted.exports or path.with_name("exports")
        packing = Packing(orders, config, folder, state_folder, pack)

        async def bury(record_ids: Sequence[int]) -> None:
            await forget(file, record_ids)
            await orders.bury(record_ids)
            await packing.look()
            library.index.set_tags(await tags.all())

        await library.on_buried(bury)
        verdicts = Verdicts(file, card, clock)
        library.index.set_reviewed(await verdicts.reviewed())
        library.index.set_tags(await tags.all())
        await opened.enter_async_context(packing.at_work())
        yield Desk(
            config=config,
            library=library,
            entrance=way_in,
            door=Door(file, users, way_in, proxies=wanted.proxy_addresses, clock=clock),
            journal=Journal(file, clock, wanted.keep_log),
            notes=Notes(file, clock),
            tags=tags,
            verdicts=verdicts,
            queues=Queues(file, clock),
            card=card,
            redactions=Redactions(file, clock, needs_approval=wanted.approve_redactions),
            orders=orders,
            packing=packing,
            hosts=_names(host, wanted.public_url),
        )


def _names(host: str, public_url: str | None) -> frozenset[str]:
    """Addresses in digits need no naming: see `guard`."""
    public = urlsplit(public_url or "").hostname
    return frozenset({host, public} if public else {host})
