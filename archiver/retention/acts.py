"""Acts: who did something to an archive and why, and its id in the ledger.

An act of a person (an export, a removal, a hold and its end, a repair, an inspection) leaves an
object under `_archive/acts/`: who, from which machine, and the reason, case and recipient that were
given. These are free texts and may name people, so the ledger has their digest only.

The object is stored first, then the event. An object left by a crash without its event is recorded
by the next act, or the next run.
"""

import getpass
import json
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from archiver.archive.archive import Archive, Readable
from archiver.catalog.acts import KnownAct, known_acts
from archiver.clock import Clock, stamp
from archiver.errors import KeyMissing, UsageError
from archiver.ledger.events import Acted
from archiver.storage.base import Body, Storage
from archiver.storage.keys import ACTS_PREFIX
from archiver.tasks.lanes import in_lanes
from archiver.text.json import read_json

MOST_REASON: Final = 4000
"""The most characters of a reason."""
MOST_WORDS: Final = 200
"""The most characters of a name, a case or a recipient."""

_MOST_BYTES: Final = 256 * 1024
_AT_ONCE: Final = 16


class Did(StrEnum):
    """The kinds of acts."""

    EXPORT = "export"
    ERASE = "erase"
    PRUNE = "prune"
    HOLD = "hold"
    LIFT = "lift"
    REAPPLY = "reapply"
    REPAIR = "repair"
    INSPECT = "inspect"
    LOCK = "lock"
    REDACT = "redact"
    RESTORE = "restore"
    TABLE = "table"


class Why(Struct, frozen=True):
    """The reason for an act. `by` is the person on whose behalf it is done, if someone else."""

    reason: str = ""
    by: str = ""
    case: str = ""
    recipient: str = ""

    def checked(self) -> "Why":
        """The same without surrounding white space. Raises UsageError for a text that is too
        long."""
        fields = {name: text.strip() for name, text in asdict(self).items()}
        for name, text in fields.items():
            most = MOST_REASON if name == "reason" else MOST_WORDS
            if len(text) > most:
                raise UsageError(
                    f"--{name} has {len(text):,} characters",
                    hint=f"shorten it to {most:,}, and keep the rest in your own files",
                )
        return Why(**fields)


class Deed(Struct, frozen=True):
    """An act of a person on this machine. `concerning` has the ids and numbers it is about."""

    act_id: str
    did: Did
    why: Why
    concerning: Mapping[str, Any] = field(default_factory=dict)


def about(deed: Deed, **concerning: Any) -> Deed:
    """The act with additional ids or numbers."""
    return replace(deed, concerning={**deed.concerning, **concerning})


async def store_deed(archive: Archive, deed: Deed, *, clock: Clock) -> Acted:
    """Store the object of the act; returns the event to be recorded."""
    await finish_acts(archive, clock=clock)
    account, _, host = person().partition("@")
    fields = {
        "actId": deed.act_id,
        "did": deed.did.value,
        "at": stamp(clock()),
        "account": account,
        "host": host,
        **{name: text or None for name, text in asdict(deed.why.checked()).items()},
        "concerning": dict(deed.concerning),
    }
    text = json.dumps(fields, ensure_ascii=False, indent=2) + "\n"
    body = Body.of(text.encode("utf-8", "backslashreplace"), "application/json")
    key = f"{ACTS_PREFIX}{deed.act_id}.json"
    info = await archive.storage.put(key, body)
    return Acted(
        act_id=deed.act_id, did=deed.did.value, key=key, sha256=body.sha256, version=info.version
    )


async def record_deed(archive: Archive, deed: Deed, *, clock: Clock) -> None:
    """The same, and record it immediately."""
    event = await store_deed(archive, deed, clock=clock)
    await archive.announce([event], at=clock(), run=deed.act_id)


async def finish_acts(archive: Archive, *, clock: Clock) -> None:
    """Record acts whose event was lost in a crash."""
    known = {one.key for one in await archive.catalog.ask(known_acts)}
    async for info in archive.storage.list(ACTS_PREFIX):
        if info.key in known:
            continue
        event = await _acted(archive, info.key)
        if event is not None:
            await archive.announce([event], at=clock(), run=event.act_id)


async def acts_of(archive: Readable) -> Sequence[Mapping[str, Any]]:
    """All acts with their texts, oldest first."""
    return await told_acts(archive.storage, await archive.catalog.ask(known_acts))


async def told_acts(storage: Storage, acts: Sequence[KnownAct]) -> Sequence[Mapping[str, Any]]:
    """The texts of these acts, in order."""
    found: dict[str, Mapping[str, Any]] = {}

    async def read(one: KnownAct) -> None:
        fields = await _read(storage, one.key) or {"actId": one.act_id, "did": one.did}
        found[one.act_id] = {**fields, "at": stamp(one.at)}

    await in_lanes(_AT_ONCE, acts, read)
    return [found[one.act_id] for one in acts]


async def _acted(archive: Archive, key: str) -> Acted | None:
    """The event of the stored act; None if it is not an act, which `verify` reports."""
    data = await archive.storage.read(key, limit=_MOST_BYTES)
    try:
        fields = read_json(data)
        act_id, did = str(fields["actId"]), Did(fields["did"])
    except (ValueError, TypeError, KeyError):
        return None
    if key != f"{ACTS_PREFIX}{act_id}.json":
        return None
    version = (await archive.storage.stat(key)).version
    return Acted(
        act_id=act_id, did=did.value, key=key, sha256=Body.of(data).sha256, version=version
    )


async def _read(storage: Storage, key: str) -> dict[str, Any] | None:
    try:
        fields = read_json(await storage.read(key, limit=_MOST_BYTES))
    except (KeyMissing, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def name_of_act(now: datetime) -> str:
    """A unique id for a writer of the ledger, in the format of run ids.

    Ids sort by time, to the millisecond: the catalog knows only the second of an act, and a list of
    acts must show them in the order in which they were done.
    """
    at = now.astimezone(UTC)
    return f"{at:%Y%m%dT%H%M%SZ}-{at.microsecond // 1000:03}-{secrets.token_hex(3)}"


def person() -> str:
    """The current user, as far as the machine knows: `user@host`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a name for its user
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
