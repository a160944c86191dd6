"""Signs a new head, sends it to the witnesses, and has it time-stamped. Never fails.

Failures are returned for the caller to report. The next head covers this one, too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import anyio
from anyio import to_thread
from msgspec import Struct, field

from archiver.clock import Clock, stamp_or_none
from archiver.config import EvidenceConfig
from archiver.errors import ArchiverError, KeyExists, StorageError
from archiver.evidence.keys import Signer, signer_of
from archiver.evidence.rotation import check_current
from archiver.evidence.stamping import fetch_stamp
from archiver.evidence.statements import (
    MOST_BYTES,
    HeadStatement,
    Signed,
    head_key,
    public_key_key,
    read_signed,
    signed_by,
    stamp_key,
)
from archiver.evidence.time_stamps import read_stamp, roots_of
from archiver.evidence.troubles import Trouble
from archiver.evidence.witnesses import tell_witness
from archiver.http.proxies import DIRECT, Proxies
from archiver.ledger.segments import MOST_BYTES as MOST_SEGMENT_BYTES
from archiver.ledger.segments import Head, number_prefix
from archiver.storage.base import Body, Storage
from archiver.tasks.stopping import cancelled_by

_COVERED = "the next stamp covers this head, too"


class Attestation(Struct):
    """The evidence for a head. `witnesses` says for each witness whether it has the head."""

    head: Head
    signed_at: datetime | None = None
    stamped_at: datetime | None = None
    witnesses: dict[str, bool] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def as_json(self) -> Mapping[str, Any]:
        """As in the report of a run."""
        return {
            "segment": self.head.number,
            "head": self.head.digest,
            "signedAt": stamp_or_none(self.signed_at),
            "stampedAt": stamp_or_none(self.stamped_at),
            "witnesses": [{"url": url, "has": has} for url, has in self.witnesses.items()],
            "troubles": list(map(str, self.troubles)),
        }


async def attest(
    storage: Storage,
    archive_id: str,
    head: Head,
    config: EvidenceConfig,
    *,
    clock: Clock,
    proxies: Proxies = DIRECT,
    stop: anyio.Event | None = None,
) -> Attestation | None:
    """Create the configured evidence for the head; None if none is configured.

    It is signed in any case; once `stop` is set, witnesses and authority are not waited for. The
    request to the authority goes through `proxies`.
    """
    if not config.is_configured or head.digest is None:
        return None
    done = Attestation(head)
    statement = HeadStatement(archive_id, head, clock(), None)
    signed = Signed(statement.line())
    if config.sign is not None:
        try:
            signer = await to_thread.run_sync(signer_of, config)
            signed = await _sign(storage, statement, signer)
            done.signed_at = statement.at
        except ArchiverError as error:
            done.troubles.append(Trouble.of("the head is not signed", error))
    async with cancelled_by(stop or anyio.Event()):
        await _tell_witnesses(archive_id, done, signed, config)
        if config.timestamp_url is not None:
            try:
                done.stamped_at = await _stamp(storage, done.head, config, proxies)
            except ArchiverError as error:
                done.troubles.append(Trouble.of("the head is not time-stamped", error, _COVERED))
    return done


async def _tell_witnesses(
    archive_id: str, done: Attestation, signed: Signed, config: EvidenceConfig
) -> None:
    for witness in config.witnesses:
        try:
            await tell_witness(witness, archive_id, done.head, signed.data)
            done.witnesses[witness.url] = True
        except ArchiverError as error:
            done.witnesses[witness.url] = False
            done.troubles.append(Trouble.of("a witness does not have the head", error))


async def _sign(storage: Storage, statement: HeadStatement, signer: Signer) -> Signed:
    """Store the signed statement in the archive, and the public key if it is not there yet."""
    key_id = signer.public.key_id
    await check_current(storage, key_id)
    await put_once(storage, public_key_key(key_id), signer.public.pem)
    line = HeadStatement(statement.archive_id, statement.head, statement.at, key_id).line()
    signed = signed_by(line, signer)
    key = head_key(statement.head, key_id)
    try:
        await storage.put(key, Body.of(signed.data))
    except KeyExists:
        there = await _signed_there(storage, key)
        if there is None or not _is_by(signer, there):
            raise StorageError(
                f"{key} was not signed by this key",
                key=key,
                hint="run `archiver verify`; the next head is signed again",
            ) from None
        return there
    return signed


async def _signed_there(storage: Storage, key: str) -> Signed | None:
    try:
        return read_signed(await storage.read(key, limit=MOST_BYTES))
    except ValueError:
        return None


def _is_by(signer: Signer, signed: Signed) -> bool:
    return any(signer.public.verifies(one, signed.line) for one in signed.signatures)


async def _stamp(
    storage: Storage, head: Head, config: EvidenceConfig, proxies: Proxies
) -> datetime:
    """Store the time stamp of the head in the archive, and return its time."""
    key = stamp_key(head)
    roots = await roots_of(config)
    segment = await storage.read(
        f"{number_prefix(head.number)}{head.digest}.jsonl", limit=MOST_SEGMENT_BYTES
    )
    data = await fetch_stamp(str(config.timestamp_url), segment, proxies=proxies)
    found = read_stamp(data, roots)
    if found.problem:
        raise StorageError(f"the time stamp is invalid: {found.problem}")
    await put_once(storage, key, data)
    return found.at


async def put_once(storage: Storage, key: str, data: bytes) -> None:
    """Store the object. An existing object is kept, whatever its content."""
    try:
        await storage.put(key, Body.of(data))
    except KeyExists:
        return
