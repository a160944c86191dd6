"""Names of agents and orders, from the archive itself.

Ledger and catalog have no names, so that erasing a person never breaks the chain; the API forgets
them when an agent is deleted. The sidecars have them: for each id, the sidecar of its newest
recording is read.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from archiver.archive.archive import Readable
from archiver.catalog.queries import newest_of_agents, newest_of_orders
from archiver.errors import StorageError
from archiver.recordings import sidecar
from archiver.storage.base import Storage
from archiver.storage.keys import sidecar_key
from archiver.tasks.lanes import in_lanes

_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class ArchivedNames:
    """The names of agents and orders by id; ids without a name in any sidecar are left out."""

    agents: Mapping[int, str]
    orders: Mapping[int, str]


async def archived_names(archive: Readable) -> ArchivedNames:
    """The names of every agent and order with archived recordings.

    Sidecars that cannot be read are skipped: `verify` reports them.
    """
    agents = await archive.catalog.ask(newest_of_agents)
    orders = await archive.catalog.ask(newest_of_orders)
    return ArchivedNames(
        await _read(archive.storage, agents, "userName"),
        await _read(archive.storage, orders, "orderTitle"),
    )


async def _read(storage: Storage, keys: Mapping[int, str], member: str) -> dict[int, str]:
    names: dict[int, str] = {}

    async def read(one: tuple[int, str]) -> None:
        known_id, key = one
        with suppress(StorageError, ValueError):
            data = await storage.read(sidecar_key(key), limit=sidecar.MOST_BYTES)
            name = sidecar.decode(data).fields.get(member)
            if isinstance(name, str) and name.strip():
                names[known_id] = name.strip()

    await in_lanes(_AT_ONCE, keys.items(), read)
    return names
