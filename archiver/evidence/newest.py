"""The newest signature, time stamp and witnessed head, for a statement.

Three objects are read, and compared with the segments that they name; the ledger is not read.
`audit`, called by `archiver verify`, compares all evidence with the whole ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import anyio
from anyio import to_thread

from archiver.config import EvidenceConfig, StorageConfig
from archiver.errors import ExtraMissing, KeyMissing, KeyUnusable, StorageError
from archiver.evidence.keys import PublicKey, load_public, public_file, read_public
from archiver.evidence.statements import (
    HEADS_PREFIX,
    MOST_BYTES,
    STAMPS_PREFIX,
    HeadStatement,
    head_in,
    public_key_key,
    read_head,
    read_signed,
)
from archiver.evidence.time_stamps import read_stamp, roots_of
from archiver.evidence.witnesses import heads_at
from archiver.ledger.segments import Head, segment_key
from archiver.storage.base import Storage
from archiver.tasks.lanes import in_lanes

_SECONDS: Final = 10.0
"""Seconds to wait for a witness: a person is waiting for the page."""
_AT_ONCE: Final = 8
_MOST_STAMP_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class NewestSignature:
    """The newest signature: its segment, its time by the local clock, its key. `is_own`: the key is
    that of `evidence.sign`, and not merely one stored in the archive. `problem` is why it is not
    valid: `invalid`, `foreign-key`, `no-such-segment`, `unchecked`; empty if it is.
    """

    segment: int
    at: datetime | None = None
    key_id: str = ""
    is_own: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NewestStamp:
    """The newest time stamp: its segment, and its time by the authority's clock. `problem` is as
    for a signature; `is_checked`: the authority's certificate was checked."""

    segment: int
    at: datetime | None = None
    authority: str = ""
    is_checked: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness and its newest head of this archive; None if it has none. `problem` is
    `unreachable`, or `no-such-segment` if the ledger lacks that head."""

    url: str
    segment: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NewestEvidence:
    """The newest evidence of each kind; `is_configured`: archive.yaml asks for any."""

    is_configured: bool
    signature: NewestSignature | None = None
    stamp: NewestStamp | None = None
    witnesses: Sequence[Witness] = field(default_factory=tuple)


async def newest_evidence(
    storage: Storage, archive_id: str, config: EvidenceConfig
) -> NewestEvidence:
    """The newest of each kind. Raises StorageUnreachable for the archive's own storage only."""
    return NewestEvidence(
        config.is_configured,
        await _signature(storage, archive_id, config),
        await _stamp(storage, config),
        await _witnesses(storage, archive_id, config.witnesses),
    )


async def _signature(
    storage: Storage, archive_id: str, config: EvidenceConfig
) -> NewestSignature | None:
    key, head = await _newest(storage, HEADS_PREFIX)
    if head is None:
        return None
    try:
        signed = read_signed(await storage.read(key, limit=MOST_BYTES))
        statement = read_head(signed)
    except ValueError:
        return NewestSignature(head.number, problem="invalid")
    at, key_id = statement.at, str(statement.key_id)
    try:
        own = await to_thread.run_sync(_own_key, config)
        public = own if own is not None and own.key_id == key_id else await _key(storage, key_id)
    except ExtraMissing:
        return NewestSignature(head.number, at, key_id, problem="unchecked")
    is_own = own is not None and own.key_id == key_id
    if (own is not None and not is_own) or public is None:
        problem = "foreign-key"
    elif statement != HeadStatement(archive_id, head, at, key_id) or not any(
        public.verifies(one, signed.line) for one in signed.signatures
    ):
        problem = "invalid"
    else:
        problem = "" if await _has(storage, head) else "no-such-segment"
    return NewestSignature(head.number, at, key_id, is_own, problem)


def _own_key(config: EvidenceConfig) -> PublicKey | None:
    """The public key next to this machine's private key; None if it is not on this machine."""
    if config.sign is None:
        return None
    try:
        return load_public(public_file(config.sign))
    except KeyUnusable:
        return None


async def _key(storage: Storage, key_id: str) -> PublicKey | None:
    try:
        return read_public(await storage.read(public_key_key(key_id), limit=MOST_BYTES))
    except KeyMissing:
        return None


async def _stamp(storage: Storage, config: EvidenceConfig) -> NewestStamp | None:
    key, head = await _newest(storage, STAMPS_PREFIX)
    if head is None:
        return None
    try:
        roots = await roots_of(config)
        found = read_stamp(await storage.read(key, limit=_MOST_STAMP_BYTES), roots)
    except ValueError:
        return NewestStamp(head.number, problem="invalid")
    except (ExtraMissing, KeyUnusable):
        return NewestStamp(head.number, problem="unchecked")
    problem = ""
    if found.problem or found.digest != head.digest:
        problem = "invalid"
    elif not await _has(storage, head):
        problem = "no-such-segment"
    return NewestStamp(head.number, found.at, found.authority, bool(roots), problem)


async def _witnesses(
    storage: Storage, archive_id: str, witnesses: Sequence[StorageConfig]
) -> tuple[Witness, ...]:
    found: dict[int, Witness] = {}

    async def look(one: tuple[int, StorageConfig]) -> None:
        place, witness = one
        found[place] = await _witness(storage, archive_id, witness)

    await in_lanes(_AT_ONCE, enumerate(witnesses), look)
    return tuple(found[place] for place in range(len(witnesses)))


async def _witness(storage: Storage, archive_id: str, witness: StorageConfig) -> Witness:
    try:
        with anyio.fail_after(_SECONDS):
            heads = await heads_at(witness, archive_id)
    except (StorageError, TimeoutError):
        return Witness(witness.url, problem="unreachable")
    if not heads:
        return Witness(witness.url)
    problem = "" if await _has(storage, heads[-1]) else "no-such-segment"
    return Witness(witness.url, heads[-1].number, problem)


async def _newest(storage: Storage, prefix: str) -> tuple[str, Head | None]:
    """The key of the object about the newest head below the prefix, and that head."""
    newest: tuple[str, Head | None] = "", None
    async for info in storage.list(prefix):
        head = head_in(info.key)
        if head is not None and (newest[1] is None or head.number >= newest[1].number):
            newest = info.key, head
    return newest


async def _has(storage: Storage, head: Head) -> bool:
    try:
        await storage.stat(segment_key(head))
    except KeyMissing:
        return False
    return True
