"""Everything that stands behind the pages, opened together and closed together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from anyio import to_thread

from archiver.clock import Clock
from archiver.config import Config
from archiver.config.files import read_secret
from archiver.config.values import DeskConfig
from archiver.desk.accounts.access import Entrance, entrance
from archiver.desk.accounts.authenticator import Door
from archiver.desk.accounts.users import UsersFile
from archiver.desk.file import DeskFile, desk_data, open_desk_file
from archiver.desk.forgetting import forget
from archiver.desk.journal import Journal
from archiver.desk.library import Library, open_library
from archiver.desk.packages.orders import Orders
from archiver.desk.packages.packing import Packing
from archiver.desk.review.calibration import Calibrations
from archiver.desk.review.cards import Cards
from archiver.desk.review.notes import Notes
from archiver.desk.review.plans import Plans
from archiver.desk.review.playlists import Playlists
from archiver.desk.review.queue import Queues
from archiver.desk.review.redactions import Redactions
from archiver.desk.review.responses import Responses
from archiver.desk.review.searches import Searches
from archiver.desk.review.tags import Tags
from archiver.desk.review.verdicts import Verdicts
from archiver.errors import ConfigError
from archiver.secrets import Secret

_SHORTEST_TOKEN: Final = 20


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk over one archive. `hosts` are the names by which it may be called."""

    config: Config
    clock: Clock
    file: DeskFile
    library: Library
    entrance: Entrance
    door: Door
    journal: Journal
    notes: Notes
    tags: Tags
    verdicts: Verdicts
    queues: Queues
    redactions: Redactions
    orders: Orders
    packing: Packing
    responses: Responses
    calibrations: Calibrations
    plans: Plans
    searches: Searches
    playlists: Playlists
    users: UsersFile
    api_token: Secret | None
    cards: Cards
    hosts: frozenset[str]
    state_folder: Path

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
    UsageError if everyone or nobody could log in, ConfigError for users that cannot be read
    and for a scorecard where there was none before, NoArchive and StorageError as the library does.
    """
    wanted = config.desk
    users = UsersFile(wanted.users)
    known = await to_thread.run_sync(users.all)
    way_in = entrance(host, known.values(), has_proxy=wanted.proxy_header is not None)
    token = await to_thread.run_sync(_token, wanted.api_token_file)
    async with AsyncExitStack() as opened:
        library = await opened.enter_async_context(
            open_library(config, state_folder=state_folder, cache_folder=cache_folder)
        )
        path = desk_data(config, library.archive_id, state_folder)
        file = await opened.enter_async_context(open_desk_file(path, library.archive_id))
        tags, cards = Tags(file, clock), Cards(file, wanted.scorecard)
        await cards.refresh()
        orders = Orders(file, clock)
        folder = wanted.exports or path.with_name("exports")
        packing = Packing(orders, config, folder, state_folder, pack)
        verdicts = Verdicts(file, clock)
        await _follow(library, file, orders, packing, tags, verdicts)
        await opened.enter_async_context(packing.at_work())
        yield Desk(
            config=config,
            clock=clock,
            file=file,
            library=library,
            entrance=way_in,
            door=Door(file, users, way_in, proxies=wanted.proxy_addresses, clock=clock),
            journal=Journal(file, clock, wanted.keep_log),
            notes=Notes(file, clock),
            tags=tags,
            verdicts=verdicts,
            queues=Queues(file, clock),
            redactions=_redactions(file, clock, wanted),
            orders=orders,
            packing=packing,
            responses=Responses(file, verdicts, clock),
            calibrations=Calibrations(file, verdicts, clock),
            plans=Plans(file, clock),
            searches=Searches(file, clock),
            playlists=Playlists(file, clock),
            users=users,
            api_token=token,
            cards=cards,
            hosts=_names(host, wanted.public_url),
            state_folder=state_folder,
        )


def _redactions(file: DeskFile, clock: Clock, wanted: DeskConfig) -> Redactions:
    needs_approval, replay = wanted.approve_redactions, wanted.redact_replay
    return Redactions(file, clock, needs_approval=needs_approval, replay=replay)


async def _follow(
    library: Library,
    file: DeskFile,
    orders: Orders,
    packing: Packing,
    tags: Tags,
    verdicts: Verdicts,
) -> None:
    """Forget what the archive removes, and show in the index what people have said."""

    async def bury(record_ids: Sequence[int]) -> None:
        await forget(file, record_ids)
        await orders.bury(record_ids)
        await packing.look()
        library.index.set_tags(await tags.all())

    await library.on_buried(bury)
    library.index.set_reviewed(await verdicts.reviewed())
    library.index.set_tags(await tags.all())


def _token(path: Path | None) -> Secret | None:
    """ConfigError for a token that could be guessed, or that everyone on the machine can read."""
    if path is None:
        return None
    token = read_secret(path, "desk.api_token_file")
    if len(token) < _SHORTEST_TOKEN:
        raise ConfigError(
            f"desk.api_token_file: the token in {path} is shorter than"
            f" {_SHORTEST_TOKEN} characters",
            hint="create one with `openssl rand -hex 32`",
        )
    return Secret(token)


def _names(host: str, public_url: str | None) -> frozenset[str]:
    """Addresses in digits need no naming: see `guard`."""
    public = urlsplit(public_url or "").hostname
    return frozenset({host, public} if public else {host})
